"""What a zone says about a name and a type: RFC 1034 §4.3.2 and §6.2, 2308, 4592, 6672, 8020, 8482."""

from __future__ import annotations

import pytest

from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, parse_name
from r53lite.dns.presentation import format_rrset
from r53lite.dns.rrset import RRset
from r53lite.errors import Faults
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.zone.builder import build_zone
from r53lite.zone.lookup import additional_addresses, lookup
from r53lite.zone.master_file import read_master_file
from r53lite.zone.model import Data, Zone
from r53lite.zone.outcome import Answer, Cname, Dname, NoData, NxDomain, Outcome, OutOfZone, Referral

APEX = "@ 3600 SOA ns.example.net. host.example.net. 1 2 3 4 600\n@ 3600 NS ns.example.net.\n"


def zone_of(text: str, origin: str = "example", groups: tuple[RecordSetGroup, ...] = ()) -> Zone:
    faults = Faults("test.zone")
    records = read_master_file("$TTL 3600\n" + APEX + text, parse_name(origin), faults)
    zone = build_zone(None, records, groups, faults.items, ("test.zone",))
    assert zone is not None, faults.items
    return zone


def lines(data: Data | None) -> str:
    return "; ".join(format_rrset(data)).replace(" 3600 IN", "") if isinstance(data, RRset) else "-"


def said(outcome: Outcome) -> str:
    """Write an outcome as one line: its name, `*` for synthesized data, and its records."""
    match outcome:
        case Answer(owner, data, is_wildcard) | Cname(owner, data, is_wildcard):
            assert isinstance(data, RRset)
            star = "*" if is_wildcard else ""
            return f"{type(outcome).__name__}{star} {lines(data.with_owner(owner))}"
        case Dname(rrset):
            return f"Dname {lines(rrset)}"
        case Referral(ns, ds, glue, sibling_glue):
            parts = [lines(ns), lines(ds), *map(lines, glue), "|", *map(lines, sibling_glue)]
            return "Referral " + " ".join(parts)
        case NoData(soa) | NxDomain(soa):
            assert soa.ttl == 600
            return type(outcome).__name__
        case OutOfZone():
            return "OutOfZone"


def ask(zone: Zone, qname: str, qtype: str) -> str:
    return said(lookup(zone, parse_name(qname), rrtypes.parse_rrtype(qtype)))


# --- RFC 4592 §2.2.1 -------------------------------------------------------------------------------------

RFC4592 = zone_of(
    """
*.example.           TXT  "this is a wildcard"
*.example.           MX   10 host1.example.
sub.*.example.       TXT  "this is not a wildcard"
host1.example.       A    192.0.2.1
_ssh._tcp.host1.example.  SRV 0 0 22 host1.example.
_ssh._tcp.host2.example.  SRV 0 0 22 host1.example.
subdel.example.      NS   ns.example.com.
subdel.example.      NS   ns.example.net.
"""
)


@pytest.mark.parametrize(
    ("number", "qname", "qtype", "expected"),
    [
        (1, "host3.example", "MX", "Answer* host3.example. MX 10 host1.example."),
        (2, "host3.example", "A", "NoData"),
        (3, "foo.bar.example", "TXT", 'Answer* foo.bar.example. TXT "this is a wildcard"'),
        (4, "host1.example", "MX", "NoData"),
        (5, "sub.*.example", "MX", "NoData"),
        (6, "_telnet._tcp.host1.example", "SRV", "NxDomain"),
        (
            7,
            "host.subdel.example",
            "A",
            "Referral subdel.example. NS ns.example.com.; subdel.example. NS ns.example.net. - |",
        ),
        (8, "ghost.*.example", "MX", "NxDomain"),
    ],
)
def test_rfc4592_2_2_1(number: int, qname: str, qtype: str, expected: str) -> None:
    assert ask(RFC4592, qname, qtype) == expected, number


@pytest.mark.parametrize(
    ("qname", "qtype", "expected"),
    [
        ("*.example", "MX", "Answer *.example. MX 10 host1.example."),
        ("*.example", "A", "NoData"),
        ("*.*.example", "TXT", "NxDomain"),
        ("sub.*.example", "TXT", 'Answer sub.*.example. TXT "this is not a wildcard"'),
        ("host2.example", "TXT", "NoData"),
        ("_tcp.host2.example", "A", "NoData"),
        ("x.host2.example", "TXT", "NxDomain"),
        (
            "subdel.example",
            "MX",
            "Referral subdel.example. NS ns.example.com.; subdel.example. NS ns.example.net. - |",
        ),
    ],
)
def test_the_asterisk_itself_is_an_ordinary_name_and_empty_non_terminals_block(
    qname: str, qtype: str, expected: str
) -> None:
    assert ask(RFC4592, qname, qtype) == expected


def test_a_source_of_synthesis_that_is_an_empty_non_terminal_gives_nodata() -> None:
    """RFC 4592 §2.2.3: the source exists, so the name does."""
    zone = zone_of("a.*.b A 192.0.2.1\n")
    assert ask(zone, "x.b.example", "A") == "NoData"


def test_a_wildcard_cname_is_an_alias_of_the_query_name() -> None:
    """RFC 4592 §4.5."""
    zone = zone_of("*.w CNAME target\n")
    assert ask(zone, "a.b.w.example", "A") == "Cname* a.b.w.example. CNAME target.example."
    assert ask(zone, "a.w.example", "CNAME") == "Answer* a.w.example. CNAME target.example."


def test_the_closest_encloser_decides_which_wildcard_matches() -> None:
    zone = zone_of('* TXT "top"\n*.b TXT "b"\nc.b A 192.0.2.1\n')
    assert ask(zone, "x.example", "TXT") == 'Answer* x.example. TXT "top"'
    assert ask(zone, "x.b.example", "TXT") == 'Answer* x.b.example. TXT "b"'
    assert ask(zone, "x.c.b.example", "TXT") == "NxDomain"


def test_a_wildcard_below_a_cut_or_a_dname_never_matches() -> None:
    zone = zone_of('sub NS ns.example.net.\n*.sub TXT "x"\nd DNAME example.net.\n*.d TXT "x"\n')
    assert ask(zone, "a.sub.example", "TXT") == "Referral sub.example. NS ns.example.net. - |"
    assert ask(zone, "*.sub.example", "TXT") == "Referral sub.example. NS ns.example.net. - |"
    assert ask(zone, "a.d.example", "TXT") == "Dname d.example. DNAME example.net."


def test_ns_and_dname_at_a_wildcard_are_data_for_the_names_that_match() -> None:
    """RFC 4592 §4.2 and §4.4 leave the meaning open; NSD answers so."""
    zone = zone_of("*.n NS ns.example.net.\n*.d DNAME example.net.\n")
    assert ask(zone, "a.n.example", "A") == "NoData"
    assert ask(zone, "a.n.example", "NS") == "Answer* a.n.example. NS ns.example.net."
    assert ask(zone, "a.d.example", "A") == "NoData"
    assert ask(zone, "a.*.n.example", "A") == "Referral *.n.example. NS ns.example.net. - |"
    assert ask(zone, "a.*.d.example", "A") == "Dname *.d.example. DNAME example.net."


# --- RFC 1034 §6.2 ---------------------------------------------------------------------------------------

RFC1034 = zone_of(
    """
EDU.                 NS SRI-NIC.ARPA.
EDU.                 NS C.ISI.EDU.
MIL.                 NS SRI-NIC.ARPA.
MIL.                 NS A.ISI.EDU.
SRI-NIC.ARPA.        A 26.0.0.73
SRI-NIC.ARPA.        A 10.0.0.51
SRI-NIC.ARPA.        MX 0 SRI-NIC.ARPA.
ACC.ARPA.            A 26.6.0.65
USC-ISIC.ARPA.       CNAME C.ISI.EDU.
73.0.0.26.IN-ADDR.ARPA. PTR SRI-NIC.ARPA.
A.ISI.EDU.           A 26.3.0.103
C.ISI.EDU.           A 10.0.0.52
""",
    origin=".",
)
SRI_NIC = "sri-nic.arpa. A 26.0.0.73; sri-nic.arpa. A 10.0.0.51"


@pytest.mark.parametrize(
    ("section", "qname", "qtype", "expected"),
    [
        ("6.2.1", "SRI-NIC.ARPA", "A", f"Answer {SRI_NIC}"),
        ("6.2.2", "SRI-NIC.ARPA", "ANY", f"Answer {SRI_NIC}"),
        ("6.2.3", "SRI-NIC.ARPA", "MX", "Answer sri-nic.arpa. MX 0 sri-nic.arpa."),
        ("6.2.4", "SRI-NIC.ARPA", "NS", "NoData"),
        ("6.2.5", "SIR-NIC.ARPA", "A", "NxDomain"),
        (
            "6.2.6",
            "BRL.MIL",
            "A",
            f"Referral mil. NS sri-nic.arpa.; mil. NS a.isi.edu. - | {SRI_NIC} a.isi.edu. A 26.3.0.103",
        ),
        ("6.2.7", "USC-ISIC.ARPA", "A", "Cname usc-isic.arpa. CNAME c.isi.edu."),
        ("6.2.8", "USC-ISIC.ARPA", "CNAME", "Answer usc-isic.arpa. CNAME c.isi.edu."),
        (
            "6.2.6 with glue",
            "ISI.EDU",
            "NS",
            f"Referral edu. NS sri-nic.arpa.; edu. NS c.isi.edu. - c.isi.edu. A 10.0.0.52 | {SRI_NIC}",
        ),
    ],
)
def test_rfc1034_6_2(section: str, qname: str, qtype: str, expected: str) -> None:
    assert ask(RFC1034, qname, qtype) == expected, section


# --- cuts, glue, DS --------------------------------------------------------------------------------------

CUTS = zone_of(
    """
@          RRSIG SOA 13 1 300 20300101000000 20200101000000 1 @ AAAA
sub        NS ns.sub
sub        NS ns.other
sub        NS www
sub        DS 1 8 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
sub        TXT "occluded"
ns.sub     A 192.0.2.53
ns.sub     AAAA 2001:db8::53
deep.sub   NS ns.deep.sub
ns.deep.sub A 192.0.2.54
other      NS ns.other
ns.other   A 192.0.2.55
self       NS self
self       A 192.0.2.56
www        A 192.0.2.80
"""
)
DS = "sub.example. DS 1 8 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
SUB = (
    "Referral sub.example. NS ns.sub.example.; sub.example. NS ns.other.example.; "
    "sub.example. NS www.example. "
    f"{DS} ns.sub.example. A 192.0.2.53 ns.sub.example. AAAA 2001:db8::53 | "
    "ns.other.example. A 192.0.2.55 www.example. A 192.0.2.80"
)


@pytest.mark.parametrize(
    ("qname", "qtype", "expected"),
    [
        ("sub.example", "NS", SUB),
        ("sub.example", "TXT", SUB),
        ("sub.example", "ANY", SUB),
        ("ns.sub.example", "A", SUB),
        ("nope.sub.example", "A", SUB),
        ("a.deep.sub.example", "A", SUB),
        ("deep.sub.example", "DS", SUB),
        ("x.sub.example", "DS", SUB),
        ("self.example", "A", "Referral self.example. NS self.example. - self.example. A 192.0.2.56 |"),
        ("other.example", "DS", "NoData"),
        ("example", "DS", "NoData"),
        ("example", "NS", "Answer example. NS ns.example.net."),
    ],
)
def test_the_topmost_cut_on_the_way_refers(qname: str, qtype: str, expected: str) -> None:
    assert ask(CUTS, qname, qtype) == expected


def test_ds_at_the_cut_is_answered_by_the_parent() -> None:
    assert ask(CUTS, "sub.example", "DS") == f"Answer {DS}"


def test_additional_addresses_include_glue_and_leave_out_policy_groups() -> None:
    group = RecordSetGroup(
        parse_name("pol.example"),
        rrtypes.A,
        "weighted",
        (RecordSet("a", 60, (bytes(4),), weight=1),),
    )
    zone = zone_of(
        "sub NS ns.sub\nns.sub A 192.0.2.53\npol AAAA ::1\nd DNAME x.\na.d A 192.0.2.1\n", groups=(group,)
    )
    assert [lines(rrset) for rrset in additional_addresses(zone, parse_name("ns.sub.example"))] == [
        "ns.sub.example. A 192.0.2.53"
    ]
    assert [rrset.rrtype for rrset in additional_addresses(zone, parse_name("pol.example"))] == [rrtypes.AAAA]
    for hidden in ("a.d.example", "missing.example", "example.net"):
        assert additional_addresses(zone, parse_name(hidden)) == ()
    found = lookup(zone, parse_name("pol.example"), rrtypes.A)
    assert found == Answer(parse_name("pol.example"), group)


# --- DNAME -----------------------------------------------------------------------------------------------


def test_a_dname_redirects_what_is_below_it_and_not_itself() -> None:
    """RFC 6672 §2.3, §3.2."""
    zone = zone_of('d DNAME target.example.net.\nd TXT "beside"\nhidden.d A 192.0.2.1\n')
    assert ask(zone, "a.d.example", "A") == "Dname d.example. DNAME target.example.net."
    assert ask(zone, "hidden.d.example", "A") == "Dname d.example. DNAME target.example.net."
    assert ask(zone, "d.example", "TXT") == 'Answer d.example. TXT "beside"'
    assert ask(zone, "d.example", "DNAME") == "Answer d.example. DNAME target.example.net."
    assert ask(zone, "d.example", "A") == "NoData"


def test_a_dname_at_the_apex_redirects_the_whole_zone() -> None:
    zone = zone_of("@ DNAME example.net.\n")
    assert ask(zone, "a.b.example", "A") == "Dname example. DNAME example.net."
    assert ask(zone, "example", "NS") == "Answer example. NS ns.example.net."


def test_of_a_cut_below_a_dname_and_a_dname_below_a_cut_the_upper_counts() -> None:
    zone = zone_of("d DNAME x.\nc.d NS n.\nc NS n.\nd.c DNAME x.\nboth NS n.\nboth DNAME x.\n")
    assert ask(zone, "a.c.d.example", "A") == "Dname d.example. DNAME x."
    assert ask(zone, "a.d.c.example", "A") == "Referral c.example. NS n. - |"
    assert ask(zone, "a.both.example", "A") == "Referral both.example. NS n. - |"


# --- the rest --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qname", [".", "com", "example.com", "badexample", "exampl"])
def test_a_name_outside_the_zone_is_out_of_zone(qname: str) -> None:
    assert ask(RFC4592, qname, "A") == "OutOfZone"


def test_a_cname_answers_its_own_type_and_any() -> None:
    zone = zone_of("c CNAME t\n")
    assert ask(zone, "c.example", "ANY") == "Answer c.example. CNAME t.example."
    assert ask(zone, "c.example", "MX") == "Cname c.example. CNAME t.example."
    assert ask(zone, "c.example", "DS") == "Cname c.example. CNAME t.example."


@pytest.mark.parametrize("qtype", ["RRSIG", "NSEC", "DNSKEY", "AXFR", "TYPE65400"])
def test_a_type_that_the_name_does_not_have_is_nodata(qtype: str) -> None:
    assert ask(zone_of("a A 192.0.2.1\n"), "a.example", qtype) == "NoData"


def test_any_at_an_empty_non_terminal_is_nodata() -> None:
    assert ask(zone_of("a.b A 192.0.2.1\n"), "b.example", "ANY") == "NoData"


def test_any_gives_the_rrset_of_the_smallest_type() -> None:
    """RFC 8482 §4.1: one RRset is enough, and always the same one."""
    zone = zone_of('a TXT "x"\na MX 1 a\n*.w TXT "x"\n')
    assert ask(zone, "a.example", "ANY") == "Answer a.example. MX 1 a.example."
    assert ask(zone, "x.w.example", "ANY") == 'Answer* x.w.example. TXT "x"'


def test_the_name_as_answered_is_the_name_as_asked_in_the_outcome() -> None:
    outcome = lookup(RFC4592, parse_name("q.example"), rrtypes.MX)
    assert isinstance(outcome, Answer)
    assert format_name(outcome.owner) == "q.example."
    assert isinstance(outcome.data, RRset)
    assert format_name(outcome.data.owner) == "*.example."


def test_rfc4035_3_1_4_a_referral_of_an_unsigned_zone_has_no_ds() -> None:
    zone = zone_of("@ DNSKEY 257 3 13 AAAA\nsub NS ns.other.test.\nsub DS 1 8 2 " + "00" * 32)
    assert ask(zone, "www.sub.example", "A") == "Referral sub.example. NS ns.other.test. - |"
    assert ask(zone, "sub.example", "DS").startswith("Answer sub.example. DS 1 8 2 ")


def test_rfc4592_hosts_of_a_wildcard_have_its_addresses() -> None:
    zone = zone_of("sub NS ns.sub\nsub NS a.b\n*.sub AAAA 2001:db8::4\n*.b A 192.0.2.2")
    outcome = lookup(zone, parse_name("www.sub.example"), rrtypes.A)
    assert isinstance(outcome, Referral)
    assert [(r.owner, r.rrtype) for r in outcome.glue] == [(parse_name("ns.sub.example"), rrtypes.AAAA)]
    assert [(r.owner, r.rrtype) for r in outcome.sibling_glue] == [(parse_name("a.b.example"), rrtypes.A)]
