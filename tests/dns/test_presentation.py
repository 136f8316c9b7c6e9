"""Rdata as text and as wire form, TTLs, zone-syntax lines (RFC 1035 §5.1, RFC 3597 §5)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import rrtypes
from r53lite.dns.name import ROOT, parse_name
from r53lite.dns.presentation import format_rdata, format_rrset, parse_rdata, parse_ttl
from r53lite.dns.rrset import MAX_TTL, RRset
from r53lite.errors import RdataSyntaxError

ORIGIN = parse_name("example.com")

# --- TTL -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("300", 300),
        ("1h30m", 5400),
        ("1w", 604800),
        ("1W2D3H4M5S", 788645),
        ("2147483647", MAX_TTL),
    ],
)
def test_ttl_is_seconds_or_numbers_with_units(text: str, seconds: int) -> None:
    assert parse_ttl(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.5", "1x", "h", "1h30", "1_0", "٣", "2147483648", "3551w", "0" * 11, "1 h"]
)
def test_another_form_of_ttl_is_refused(text: str) -> None:
    with pytest.raises(RdataSyntaxError, match="time"):
        parse_ttl(text)


# --- text to wire ----------------------------------------------------------------------------------------


def rdata(rrtype: str, text: str) -> bytes:
    return parse_rdata(rrtypes.parse_rrtype(rrtype), text, ORIGIN)


WWW = b"\x03www\x07example\x03com\x00"


@pytest.mark.parametrize(
    ("rrtype", "text", "wire"),
    [
        ("A", "192.0.2.1", bytes((192, 0, 2, 1))),
        ("A", "  192.0.2.1\n", bytes((192, 0, 2, 1))),
        ("AAAA", "2001:DB8::1", IPv6Address("2001:db8::1").packed),
        ("AAAA", "::ffff:192.0.2.1", IPv6Address("::ffff:192.0.2.1").packed),
        ("NS", "www", WWW),
        ("CNAME", "WWW.Example.Com.", WWW),
        ("PTR", "@", ORIGIN),
        ("DNAME", ".", ROOT),
        ("NS", r"w\119w", WWW),
        ("NS", r"a\;b.", b"\x03a;b\x00"),
        ("MX", "10 www", b"\x00\x0a" + WWW),
        ("MX", r"10 w\119w", b"\x00\x0a" + WWW),
        ("SRV", "1 2 65535 www", b"\x00\x01\x00\x02\xff\xff" + WWW),
        (
            "SOA",
            "www admin.www 4294967295 2h 900 1w 4294967295",
            WWW + b"\x05admin" + WWW + struct.pack("!5I", 2**32 - 1, 7200, 900, 604800, 2**32 - 1),
        ),
        ("TXT", "plain words", b"\x05plain\x05words"),
        ("TXT", '"one string"', b"\x0aone string"),
        ("TXT", '"a""b"', b"\x01a\x01b"),
        ("TXT", '""', b"\x00"),
        ("TXT", r'"\"\\\065\000;()"', b'\x07"\\A\x00;()'),
        ("TXT", r"a\ b\;", b"\x04a b;"),
        ("TXT", '"é"', b"\x02\xc3\xa9"),
        ("SPF", '"v=spf1 -all"', b"\x0bv=spf1 -all"),
        ("TXT", r'"\#" 1', b"\x01#\x011"),
        ("TXT", r"\# 3 02 4142", b"\x02AB"),
        ("A", r"\# 4 C0000201", bytes((192, 0, 2, 1))),
        ("NS", r"\# 3 01 4100", b"\x01a\x00"),
        ("TYPE65400", r"\# 0", b""),
        ("TYPE65400", r"\# 4 DEAD beef", b"\xde\xad\xbe\xef"),
        ("CAA", '0 issue "ca.example;x=1"', b"\x00\x05issueca.example;x=1"),
        ("SVCB", '1 WWW alpn="h2,h3"', b"\x00\x01\x03WWW\x07example\x03com\x00\x00\x01\x00\x06\x02h2\x02h3"),
        ("NAPTR", '1 2 "s" "" "" WWW', b"\x00\x01\x00\x02\x01s\x00\x00" + WWW),
    ],
)
def test_text_becomes_wire_rdata(rrtype: str, text: str, wire: bytes) -> None:
    assert rdata(rrtype, text) == wire


@pytest.mark.parametrize(
    ("rrtype", "text", "reason"),
    [
        ("A", "", "'' is not an IPv4 address"),
        ("A", "1.2.3", "'1.2.3' is not an IPv4 address"),
        ("A", "1.2.3.256", "'1.2.3.256'"),
        ("A", "1.2.3.04", "'1.2.3.04'"),
        ("A", "1.2.3.4.5", "four numbers"),
        ("A", "1.2.3.4 5", "four numbers"),
        ("AAAA", "1.2.3.4", "is not an IPv6 address"),
        ("AAAA", "::1%lo", "zone index"),
        ("NS", "", "has 0 fields; expected a name"),
        ("NS", "a b", "'a b' has 2 fields"),
        ("NS", "a..b", "empty label"),
        ("NS", '"a"', "is not NS rdata"),
        ("NS", "bücher", "not ASCII"),
        ("NS", "a ; comment", "a comment"),
        ("MX", "mail", "expected preference, exchange"),
        ("MX", "65536 mail", "preference '65536' is not a whole number from 0 to 65535"),
        ("MX", "-1 mail", "preference '-1'"),
        ("SRV", "0 0 99999 a", "port '99999'"),
        ("SOA", "a b 1 2 3 4", "has 6 fields"),
        ("SOA", "a b 4294967296 2 3 4 5", "serial '4294967296'"),
        ("SOA", "a b 1 2x 3 4 5", "time '2x'"),
        ("TXT", "", "at least one character-string"),
        ("TXT", '"open', "cannot read '\"open'"),
        ("TXT", "a ; b", "cannot read '; b'"),
        ("TXT", '"two\nlines"', "closed quotes"),
        ("TXT", r"\256", "bad escape"),
        ("TXT", r"\25x", "bad escape"),
        ("TXT", "a" * 256, "character-string of 256 octets; the limit is 255"),
        ("TXT", "a " * 32768, "rdata of 65536 octets"),
        ("TXT", "\ud800", "no UTF-8 form"),
        ("A", r"\# 3 010203", "is not A rdata"),
        ("A", r"\# 4 01020", "is not A rdata"),
        ("TYPE65400", "abc", "is not TYPE65400 rdata"),
        ("CAA", '0 issue "é"', "not ASCII"),
        ("CAA", '0 issue "a"\n0 issue "b"', "several lines"),
        ("CAA", '256 issue "a"', "is not CAA rdata"),
    ],
)
def test_text_that_is_no_rdata_is_refused_with_value_and_expectation(
    rrtype: str, text: str, reason: str
) -> None:
    with pytest.raises(RdataSyntaxError) as caught:
        rdata(rrtype, text)
    assert reason in str(caught.value)


def test_a_message_quotes_no_more_than_80_characters_of_a_value() -> None:
    with pytest.raises(RdataSyntaxError) as caught:
        rdata("A", "9" * 5000)
    assert len(str(caught.value)) < 200


@given(st.sampled_from([1, 2, 5, 6, 15, 16, 28, 33, 35, 43, 46, 64, 257, 65400]), st.text(max_size=60))
def test_any_text_is_rdata_or_an_rdata_syntax_error(rrtype: int, text: str) -> None:
    try:
        wire = parse_rdata(rrtype, text, ORIGIN)
    except RdataSyntaxError:
        return
    assert isinstance(wire, bytes)


# --- wire to text and back -------------------------------------------------------------------------------

uint16 = st.integers(0, 0xFFFF).map(lambda value: value.to_bytes(2, "big"))
uint32 = st.integers(0, 0xFFFFFFFF).map(lambda value: value.to_bytes(4, "big"))
octet = st.binary(min_size=1, max_size=1)
label = st.binary(min_size=1, max_size=20).map(lambda raw: bytes((len(raw),)) + raw.lower())
name = st.lists(label, max_size=5).map(lambda labels: b"".join(labels) + ROOT)
string = st.binary(max_size=255).map(lambda raw: bytes((len(raw),)) + raw)
strings = st.lists(string, min_size=1, max_size=4).map(b"".join)
hexadecimal = st.binary(min_size=1, max_size=40)


def joined(*fields: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*fields).map(b"".join)


RDATA = {
    "A": st.binary(min_size=4, max_size=4),
    "AAAA": st.binary(min_size=16, max_size=16),
    "NS": name,
    "CNAME": name,
    "PTR": name,
    "DNAME": name,
    "MX": joined(uint16, name),
    "SRV": joined(uint16, uint16, uint16, name),
    "SOA": joined(name, name, uint32, uint32, uint32, uint32, uint32),
    "TXT": strings,
    "SPF": strings,
    "HINFO": joined(string, string),
    "RP": joined(name, name),
    "NAPTR": joined(uint16, uint16, string, string, string, name),
    "DS": joined(uint16, octet, st.just(b"\x02"), st.binary(min_size=32, max_size=32)),
    "TLSA": joined(octet, octet, st.just(b"\x01"), st.binary(min_size=32, max_size=32)),
    "SSHFP": joined(octet, st.just(b"\x05"), hexadecimal),
    "CAA": joined(octet, st.just(b"\x05issue"), st.binary(max_size=60)),
    "SVCB": joined(uint16.filter(any), name, st.just(b"\x00\x03\x00\x02"), uint16),
    "TYPE65400": st.binary(max_size=40),
}


@pytest.mark.parametrize("rrtype", RDATA)
@given(values=st.data())
def test_formatting_and_parsing_returns_the_rdata(rrtype: str, values: st.DataObject) -> None:
    wire = values.draw(RDATA[rrtype])
    number = rrtypes.parse_rrtype(rrtype)
    assert parse_rdata(number, format_rdata(number, wire), ROOT) == wire


@given(st.integers(1, 65535).filter(lambda rrtype: rrtype not in rrtypes.META_TYPES), st.binary(max_size=40))
def test_any_octets_have_a_text_form(rrtype: int, wire: bytes) -> None:
    assert "\n" not in format_rdata(rrtype, wire)


def test_rdata_that_does_not_fit_its_type_takes_the_form_of_rfc3597() -> None:
    assert format_rdata(rrtypes.A, b"\x01\x02\x03") == r"\# 3 010203"
    assert format_rdata(rrtypes.A, b"") == r"\# 0"
    assert format_rdata(65400, b"\xab") == r"\# 1 ab"


def test_an_rrset_is_one_line_of_zone_syntax_for_each_record() -> None:
    addresses = tuple(IPv4Address(text).packed for text in ("192.0.2.1", "192.0.2.2"))
    assert format_rrset(RRset(WWW, rrtypes.A, 300, addresses)) == [
        "www.example.com. 300 IN A 192.0.2.1",
        "www.example.com. 300 IN A 192.0.2.2",
    ]


# --- every type -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rrtype", "text"),
    [
        ("AFSDB", "1 Host"),
        ("APL", "1:192.0.2.0/24 !2:2001:db8::/32"),
        ("AMTRELAY", "10 0 2 2001:db8::15"),
        ("AVC", '"app-name:WOLFGANG|OR|AB"'),
        ("CAA", '0 issue "ca.example.net; account=1"'),
        ("CDNSKEY", "257 3 8 AwEAAQ=="),
        ("CDS", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
        ("CERT", "PGP 0 0 aGVsbG8="),
        ("CSYNC", "1 3 A NS"),
        ("DLV", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
        ("DNAME", "X.example."),
        ("DNSKEY", "256 3 5 AQPSKmyn"),
        ("DS", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
        ("EUI48", "00-00-5e-00-53-2a"),
        ("EUI64", "00-00-5e-ef-10-00-00-2a"),
        ("GPOS", "-32.6882 116.8652 10.0"),
        ("HINFO", '"PC" "Linux"'),
        ("HTTPS", "1 . alpn=h2,h3 ipv4hint=192.0.2.1 port=443"),
        ("IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
        ("ISDN", '"150862028003217" "004"'),
        ("KEY", "512 3 1 AQPSKmyn"),
        ("KX", "10 Kx.example."),
        ("L32", "10 10.1.2.0"),
        ("L64", "10 2001:0DB8:1140:1000"),
        ("LOC", "51 30 12.748 N 0 7 39.612 W 0.00m"),
        ("LP", "10 L64-subnet1.Example.com."),
        ("MB", "Mb"),
        ("MD", "md"),
        ("MF", "mf"),
        ("MG", "mg"),
        ("MINFO", "a B"),
        ("MR", "mr"),
        ("NAPTR", '100 50 "s" "z3950+N2L+N2C" "" _z3950._tcp.Example.edu.'),
        ("NID", "10 0014:4fff:ff20:ee64"),
        ("NINFO", '"zone status"'),
        ("NSAP", "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00"),
        ("NSEC", "Host.example.com. A MX RRSIG NSEC TYPE1234"),
        ("NSEC3", "1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG"),
        ("NSEC3PARAM", "1 0 12 aabbccdd"),
        ("OPENPGPKEY", "aGVsbG8="),
        ("PX", "50 net2.it. PRMD-net2.ADMD-p400.C-it."),
        ("RP", "Admin.Example.com. txt"),
        ("RRSIG", "A 5 3 86400 20300101000000 20200101000000 2642 Example.com. aGVsbG8="),
        ("RT", "10 Relay"),
        ("SIG", "A 5 3 86400 20300101000000 20200101000000 2642 example.com. aGVsbG8="),
        ("SMIMEA", "3 1 1 0000000000000000000000000000000000000000000000000000000000000000"),
        ("SPF", '"v=spf1 -all"'),
        ("SRV", "0 5 5060 Sip"),
        ("SSHFP", "4 2 0000000000000000000000000000000000000000000000000000000000000000"),
        ("SVCB", '1 Foo.example.com. alpn="h2" mandatory=alpn'),
        ("TLSA", "3 1 1 0000000000000000000000000000000000000000000000000000000000000000"),
        ("TXT", '"a" b'),
        ("URI", '10 1 "ftp://ftp1.example.com/public"'),
        ("WALLET", '"BTC" "x"'),
        ("RESINFO", '"qnamemin"'),
        ("X25", '"311061700956"'),
        (
            "ZONEMD",
            "2018031500 1 1 " + "00" * 48,
        ),
        ("A", "192.0.2.1"),
        ("AAAA", "::1"),
        ("CNAME", "A.b"),
        ("PTR", "x"),
        ("MX", "10 M"),
        ("NS", "n"),
        ("SOA", "n h 1 2 3 4 5"),
        ("DSYNC", "CDS NOTIFY 5359 x.example."),
    ],
)
def test_every_type_reads_its_own_text_again(rrtype: str, text: str) -> None:
    number = rrtypes.parse_rrtype(rrtype)
    wire = parse_rdata(number, text, ORIGIN)
    shown = format_rdata(number, wire)
    assert not shown.startswith("\\#")
    assert parse_rdata(number, shown, ORIGIN) == wire
    assert parse_rdata(number, f"\\# {len(wire)} {wire.hex()}", ORIGIN) == wire


@pytest.mark.parametrize("text", ["\\# 2 0161", "\\# 4 01410000", "\\# 2 c000", "\\# 0", "a b", ""])
def test_rdata_of_a_name_alone_holds_nothing_else(text: str) -> None:
    with pytest.raises(RdataSyntaxError):
        parse_rdata(rrtypes.MB, text, ORIGIN)


def test_a_name_in_generic_form_is_lower_case_too() -> None:
    assert parse_rdata(rrtypes.MB, "\\# 3 014100", ORIGIN) == b"\x01a\x00"


def test_rfc9460_2_4_2_parameters_in_alias_mode_are_taken_as_they_are() -> None:
    rdata = parse_rdata(rrtypes.SVCB, "0 foo.example. port=1", ROOT)
    assert rdata == b"\x00\x00\x03foo\x07example\x00" + b"\x00\x03\x00\x02\x00\x01"
    assert parse_rdata(rrtypes.HTTPS, "0 foo.example.", ROOT) == b"\x00\x00\x03foo\x07example\x00"
