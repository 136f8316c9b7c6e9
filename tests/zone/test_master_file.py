"""Reading master files (RFC 1035 §5, RFC 2308 §4, RFC 3597 §5): records, implied parts, faults."""

from __future__ import annotations

import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, parse_name
from r53lite.dns.presentation import format_rdata
from r53lite.errors import Faults
from r53lite.zone.master_file import read_master_file
from r53lite.zone.records import Record

ORIGIN = parse_name("example.com")


def read(text: str) -> tuple[list[Record], list[str]]:
    faults = Faults("f.zone")
    records = read_master_file(text, ORIGIN, faults)
    return records, [str(fault) for fault in faults.items]


def shown(record: Record) -> str:
    owner = format_name(record.owner).removesuffix("example.com.").rstrip(".") or "@"
    rdata = format_rdata(record.rrtype, record.rdata)
    return f"{owner} {record.ttl} {rrtypes.format_rrtype(record.rrtype)} {rdata}"


def records_of(text: str) -> list[str]:
    records, faults = read(text)
    assert not faults
    return [shown(record) for record in records]


def faults_of(text: str) -> list[str]:
    return read(text)[1]


# --- records ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a 60 IN A 192.0.2.1", "a 60 A 192.0.2.1"),
        ("a IN 60 A 192.0.2.1", "a 60 A 192.0.2.1"),
        ("a 60 A 192.0.2.1", "a 60 A 192.0.2.1"),
        ("a\t1h30m\tin\ta\t192.0.2.1\t; comment", "a 5400 A 192.0.2.1"),
        ("A.B 60 CLASS1 TYPE1 192.0.2.1", "a.b 60 A 192.0.2.1"),
        ("a 60 A 192.0.2.1\r", "a 60 A 192.0.2.1"),
        ("@ 60 MX 10 mail", "@ 60 MX 10 mail.example.com."),
        ("* 60 CNAME @", "* 60 CNAME example.com."),
        ("a.example.net. 60 A 192.0.2.1", "a.example.net 60 A 192.0.2.1"),
        ("a 60 MX ( 10 mail )", "a 60 MX 10 mail.example.com."),
        ("a 60 MX(10 mail)", "a 60 MX 10 mail.example.com."),
        ("a ( 60\n\n IN ; comment (\n A\n) 192.0.2.1", "a 60 A 192.0.2.1"),
        ('a 60 TXT "semi;colon" (\n"(" )', 'a 60 TXT "semi;colon" "("'),
        (r'a 60 TXT "q\"uote" back\\slash \;x', r'a 60 TXT "q\"uote" "back\\slash" ";x"'),
        (r"a\.b 60 A 192.0.2.1", r"a\.b 60 A 192.0.2.1"),
        (r"a\ b 60 A 192.0.2.1", r"a\032b 60 A 192.0.2.1"),
        (r"\$origin 60 A 192.0.2.1", r"\$origin 60 A 192.0.2.1"),
        (r"a 60 TYPE65400 \# 3 ( 01 02 ; one, two" + "\n 03 )", r"a 60 TYPE65400 \# 3 010203"),
        (r"a 60 A \# 4 c0000201", "a 60 A 192.0.2.1"),
        ('a 60 SVCB 1 . alpn="h2,h3" port=53', 'a 60 SVCB 1 . alpn="h2,h3" port="53"'),
        ("1 60 PTR host", "1 60 PTR host.example.com."),
        ("in 60 A 192.0.2.1", "in 60 A 192.0.2.1"),
        ("\ufeffa 60 A 192.0.2.1", "a 60 A 192.0.2.1"),
    ],
)
def test_one_record(line: str, expected: str) -> None:
    assert records_of(line + "\n") == [expected]


@pytest.mark.parametrize(
    "text", ["", "\n\n", "; comment", "   ; comment\n", " \t\n", "$TTL 60\n$ORIGIN a.\n"]
)
def test_a_file_without_records_is_no_fault(text: str) -> None:
    assert records_of(text) == []


def test_a_blank_owner_is_the_last_owner_also_after_origin_changed() -> None:
    text = "a 60 A 192.0.2.1\n 60 AAAA ::1\n$ORIGIN sub\n\t60 TXT x\nb 60 TXT y\n"
    assert records_of(text) == ["a 60 A 192.0.2.1", "a 60 AAAA ::1", 'a 60 TXT "x"', 'b.sub 60 TXT "y"']


def test_origin_is_relative_to_the_last_origin_unless_absolute() -> None:
    text = "$ORIGIN b\na 60 NS @\n$origin c ; deeper\na 60 NS @\n$ORIGIN example.com.\na 60 NS @\n"
    assert records_of(text) == [
        "a.b 60 NS b.example.com.",
        "a.c.b 60 NS c.b.example.com.",
        "a 60 NS example.com.",
    ]


def test_each_record_keeps_file_and_first_line() -> None:
    records, _ = read("\na 60 A 192.0.2.1\n@ 60 MX (\n10\nmail )\nb 60 A 192.0.2.1\n")
    assert [(record.file, record.line) for record in records] == [("f.zone", 2), ("f.zone", 3), ("f.zone", 6)]


# --- implied TTLs (RFC 2308 §4, RFC 1035 §5.1) -----------------------------------------------------------

SOA = "SOA ns host 1 2 3 4 900"


@pytest.mark.parametrize(
    ("text", "ttls"),
    [
        (f"$TTL 50\n@ {SOA}\na A 192.0.2.1\n", [50, 50]),
        (f"$TTL 50\n@ 70 {SOA}\na A 192.0.2.1\n", [70, 50]),
        ("$TTL 1h\na A 192.0.2.1\n$TTL 2h\nb A 192.0.2.1\n", [3600, 7200]),
        (f"@ {SOA}\na A 192.0.2.1\n", [900, 900]),
        (f"@ 70 {SOA}\na A 192.0.2.1\n", [70, 70]),
        (f"@ {SOA}\na 80 A 192.0.2.1\nb A 192.0.2.1\n", [900, 80, 80]),
        ("a 80 A 192.0.2.1\nb A 192.0.2.1\nc 90 A 192.0.2.1\nd A 192.0.2.1\n", [80, 80, 90, 90]),
        ("@ SOA ns host 1 2 3 4 4294967295\n", [2147483647]),
    ],
)
def test_a_record_without_ttl_takes_the_default_then_the_last_then_the_soas_minimum(
    text: str, ttls: list[int]
) -> None:
    records, faults = read(text)
    assert not faults
    assert [record.ttl for record in records] == ttls


def test_a_first_record_without_any_ttl_to_take_is_an_error() -> None:
    assert faults_of("a A 192.0.2.1\n") == [
        "f.zone:1: record has no ttl, and there is no $TTL, earlier ttl or SOA to take it from"
    ]


# --- faults ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a 60 A 192.0.2.256", "'192.0.2.256' is not an IPv4 address"),
        ("a 60", "record has no type"),
        ("a 60 IN", "record has no type"),
        ("a 60 WHAT x", "unknown record type 'WHAT'"),
        ("a 60 60 A 192.0.2.1", "unknown record type '60'"),
        ("a 1z A 192.0.2.1", "time '1z'"),
        ("a 2147483648 A 192.0.2.1", "the limit is 2147483647"),
        ("a 60 CH TXT x", "class 'CH' is not served; expected IN"),
        ("a 60 CLASS3 TXT x", "class 'CLASS3' is not served"),
        ("a 60 CLASS65536 TXT x", "unknown class"),
        ("a 60 ANY x", "record type 'ANY' stands only in questions"),
        ("a 60 AXFR x", "record type 'AXFR'"),
        ("a 60 OPT x", "record type 'OPT'"),
        ("a 60 TYPE0 \\# 0", "record type 'TYPE0'"),
        ("a..b 60 A 192.0.2.1", "empty label in name 'a..b'"),
        ("a" * 64 + " 60 A 192.0.2.1", "label of 64 octets"),
        ('"a" 60 A 192.0.2.1', "is in quotes"),
        ("bücher 60 A 192.0.2.1", "not ASCII"),
        (" 60 A 192.0.2.1", "record has no owner"),
        ("$INCLUDE other.zone", "$INCLUDE is not possible here"),
        ("$INCLUDE", "$INCLUDE has 0 values"),
        ("$INCLUDE a b c", "$INCLUDE has 3 values"),
        ("$generate 1-9 a$ A 192.0.2.$", "record has no ttl"),
        ("$UNKNOWN x", "unknown directive '$UNKNOWN'; expected $ORIGIN, $TTL, $INCLUDE or $GENERATE"),
        ("a\x0bA 192.0.2.1", "time '192.0.2.1'"),
        ("$TTL", "$TTL has 0 values"),
        ("$TTL 1 2", "$TTL has 2 values"),
        ("$TTL never", "time 'never'"),
        ("$ORIGIN a..b", "empty label"),
        ('a 60 TXT "open', "quote is not closed on its line"),
        ("a 60 MX ( 10 mail", "parenthesis '(' is not closed"),
        ("a 60 MX 10 mail )", "parenthesis ')' closes nothing"),
        ("a 60 MX ((10 mail))", "parenthesis '(' is not closed before the next one"),
        ("a 60 TXT x\\", "ends in a backslash"),
    ],
)
def test_a_fault_stands_at_its_line_and_the_next_record_is_read(line: str, reason: str) -> None:
    records, faults = read(f"\n{line}\nnext 60 A 192.0.2.9\n")
    assert [shown(record) for record in records] == ["next 60 A 192.0.2.9"]
    assert len(faults) == 1
    assert faults[0].startswith("f.zone:2: ")
    assert reason in faults[0]


def test_an_owner_that_grows_over_255_octets_with_its_origin_is_an_error() -> None:
    origin = ".".join(["b" * 61] * 4)
    assert faults_of(f"$ORIGIN {origin}.\nabcdef 60 A 192.0.2.1\n") == [
        "f.zone:2: name 'abcdef' has 256 octets; the limit is 255"
    ]


def test_five_faults_of_one_file_are_all_reported_with_their_lines() -> None:
    text = """$TTL 300
@   SOA ns host ( 1 2 3
                  4 5 )
a   A   192.0.2.300
b   MX  ( ten
          mail )
c   TXT "never closed
d   HS  A 192.0.2.1
e   A   192.0.2.1
$INCLUDE f
"""
    records, faults = read(text)
    assert [shown(record).split()[0] for record in records] == ["@", "e"]
    assert [fault.split(": ")[0] for fault in faults] == [f"f.zone:{line}" for line in (4, 5, 7, 8, 10)]


def test_an_open_parenthesis_is_reported_where_it_opened_and_hides_no_later_fault() -> None:
    text = "a 60 SOA ns host (\n  1 ; serial\n\n  2 3 4 5\nb 60 A nonsense\nc 60 MX (\n 10 d )\n"
    records, faults = read(text)
    assert [fault.split(": ")[0] for fault in faults] == ["f.zone:1", "f.zone:5"]
    assert [shown(record) for record in records] == ["c 60 MX 10 d.example.com."]


def test_a_fault_inside_parentheses_skips_the_indented_rest_of_the_record() -> None:
    text = 'a 60 TXT ( "one"\n  "two\n  "three" )\nb 60 A 192.0.2.1\n'
    records, faults = read(text)
    assert faults == ["f.zone:2: quote is not closed on its line"]
    assert [shown(record) for record in records] == ["b 60 A 192.0.2.1"]


def test_records_that_belong_to_a_refused_owner_are_passed_over_without_more_faults() -> None:
    records, faults = read("x 60 A 192.0.2.1\na..b 60 A 192.0.2.1\n 60 A 192.0.2.2\nc 60 A 192.0.2.3\n")
    assert len(faults) == 1
    assert [shown(record) for record in records] == ["x 60 A 192.0.2.1", "c 60 A 192.0.2.3"]


def test_a_record_with_faulty_rdata_still_names_the_owner_of_the_next() -> None:
    records, faults = read("x 60 A 192.0.2.1\ny 60 A nonsense\n 60 A 192.0.2.2\n")
    assert len(faults) == 1
    assert [shown(record) for record in records] == ["x 60 A 192.0.2.1", "y 60 A 192.0.2.2"]


@given(st.text(alphabet='a.@$ \t\n\r"\\();0123INAX:é', max_size=120))
def test_any_text_gives_records_or_faults(text: str) -> None:
    records, faults = read(text)
    assert all(record.line <= text.count("\n") + 1 for record in records)
    assert all(fault.startswith("f.zone:") for fault in faults)


# --- against dnspython's reader --------------------------------------------------------------------------

RICH = r"""
$ORIGIN example.com.
$TTL 1h
@       IN SOA ns1 hostmaster.example.com. (
                2024010101 ; serial
                2h 15m     ; refresh, retry
                1w         ; expire
                5m )       ; minimum
        IN NS  ns1
        NS     ns2.example.net.
        MX     10 mail
        MX     20 backup.example.net.
        TXT    "v=spf1 mx -all" ; policy
        CAA    0 issue "ca.example.net; account=230123"
ns1     300 IN A 192.0.2.53
ns1     IN 300 AAAA 2001:db8::53
WWW     CNAME web
web     A      192.0.2.80
        A      192.0.2.81
        HTTPS  1 . alpn="h2,h3" ipv4hint=192.0.2.80
_sip._tcp SRV  0 5 5060 sip
sip     NAPTR  100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
txt     TXT    ( "first; not a comment"
                 second \"quoted\"
                 "es\\caped \065\255" )
dot\.ted A     192.0.2.7
*.wild  MX     10 mail
sub     NS     ns.sub
sub     DS     60485 5 1 ( 2BB183AF5F22588179A53B0A
                           98631FAD1A292118 )
ns.sub  A      192.0.2.99
old     DNAME  new.example.net.
tlsa    TLSA   3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
ssh     SSHFP  4 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
unknown TYPE65400 \# 4 0a 00 0001
generic A      \# 4 0A000001
loc     LOC    42 21 54 N 71 06 18 W -24m 30m
hinfo   HINFO  "PC" Linux
rp      RP     admin.example.com. txt
$ORIGIN deep.example.com.
a.b     60 PTR host
        60 PTR Host2.Example.Com.
"""


def test_a_rich_file_reads_as_in_dnspython() -> None:
    zone = dns.zone.from_text(RICH, origin="example.com.", relativize=False)
    theirs = {
        (owner.to_digestable(), int(rdata.rdtype), ttl, rdata.to_digestable())
        for owner, ttl, rdata in zone.iterate_rdatas()
    }
    records, faults = read(RICH)
    assert not faults
    ours = {(record.owner, record.rrtype, record.ttl, record.rdata) for record in records}
    assert ours == theirs
    assert len(records) == len(ours)
