"""RFC 4592: its example zone, and each of the names it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.answering.dispatch import Dispatch
from tests.cases import check
from tests.support import load_snapshot, make_dispatch

APEX = """
$TTL 3600
@                IN SOA ns.example.com. admin.example.com. 1 7200 3600 604800 3600
@                NS  ns.example.com.
@                NS  ns.example.net.
"""
ZONE = f"""{APEX}
*                TXT "this is a wildcard"
*                MX  10 host1
sub.*            TXT "this is not a wildcard"
host1            A   192.0.2.1
_ssh._tcp.host1  SRV 0 0 22 host1
_ssh._tcp.host2  SRV 0 0 22 host1
subdel           NS  ns.example.com.
subdel           NS  ns.example.net.
"""
SOA = "example. 3600 IN SOA ns.example.com. admin.example.com. 1 7200 3600 604800 3600"


def negative(question: str, rcode: str = "NOERROR") -> str:
    """Return the case of a negative answer."""
    return f"{question} -> {rcode} aa\n;; authority\n{SOA}"


def positive(question: str, *answer: str) -> str:
    """Return the case of a positive answer."""
    return "\n".join((f"{question} -> NOERROR aa", ";; answer", *answer))


def make_door(directory: Path, zone: str, **others: str) -> Dispatch:
    """Return a door over a zone `example.`, and others; minimal, as the RFC shows answers alone."""
    return make_dispatch(load_snapshot(directory, example_zone=zone, **others), minimal_responses=True)


@pytest.fixture
def door(tmp_path: Path) -> Dispatch:
    return make_door(tmp_path, ZONE)


def test_rfc4592_2_2_1_a_missing_name_gets_the_wildcards_data(door: Dispatch) -> None:
    check(door, positive("host3.example. MX", "host3.example. 3600 IN MX 10 host1.example."))


def test_rfc4592_2_2_1_a_type_that_the_wildcard_lacks_is_nodata(door: Dispatch) -> None:
    check(door, negative("host3.example. A"))


def test_rfc4592_2_2_1_a_wildcard_covers_several_labels(door: Dispatch) -> None:
    check(door, positive("foo.bar.example. TXT", 'foo.bar.example. 3600 IN TXT "this is a wildcard"'))


def test_rfc4592_2_2_1_a_name_that_exists_gets_no_wildcard(door: Dispatch) -> None:
    check(door, negative("host1.example. MX"))


def test_rfc4592_2_2_1_a_name_below_the_asterisk_that_exists_gets_no_wildcard(door: Dispatch) -> None:
    check(door, negative("sub.*.example. MX"))


def test_rfc4592_2_2_1_an_empty_non_terminal_stops_the_wildcard(door: Dispatch) -> None:
    check(door, negative("_telnet._tcp.host1.example. SRV", "NXDOMAIN"))


def test_rfc4592_2_2_1_a_cut_stops_the_wildcard(door: Dispatch) -> None:
    check(
        door,
        """
        host.subdel.example. A -> NOERROR
        ;; authority
        subdel.example. 3600 IN NS ns.example.com.
        subdel.example. 3600 IN NS ns.example.net.
        """,
    )


def test_rfc4592_2_2_1_the_asterisk_name_itself_stops_the_wildcard(door: Dispatch) -> None:
    check(door, negative("ghost.*.example. MX", "NXDOMAIN"))


def test_rfc4592_2_2_2_an_empty_non_terminal_exists(door: Dispatch) -> None:
    check(door, negative("_tcp.host1.example. SRV"))
    check(door, negative("host2.example. A"))
    check(door, negative("_tcp.host2.example. ANY"))


def test_rfc4592_2_3_the_asterisk_name_can_be_asked_for(door: Dispatch) -> None:
    check(door, positive("*.example. MX", "*.example. 3600 IN MX 10 host1.example."))
    check(door, positive("sub.*.example. TXT", 'sub.*.example. 3600 IN TXT "this is not a wildcard"'))
    check(door, negative("*.example. A"))


@pytest.mark.parametrize(
    ("qname", "has_source"),
    [
        ("host3.example.", True),
        ("_telnet._tcp.host1.example.", False),
        ("_dns._udp.host2.example.", False),
        ("_telnet._tcp.host3.example.", True),
        ("_chat._udp.host3.example.", True),
        ("foobar.*.example.", False),
    ],
)
def test_rfc4592_3_3_1_the_closest_encloser_settles_the_source(
    door: Dispatch, qname: str, has_source: bool
) -> None:
    if has_source:
        check(door, positive(f"{qname} TXT", f'{qname} 3600 IN TXT "this is a wildcard"'))
    else:
        check(door, negative(f"{qname} TXT", "NXDOMAIN"))


def test_rfc4592_3_3_3_any_of_a_missing_name_is_synthesized_too(door: Dispatch) -> None:
    check(door, positive("host3.example. ANY", "host3.example. 3600 IN MX 10 host1.example."))


def test_rfc4592_4_1_a_zone_whose_apex_is_an_asterisk_name(tmp_path: Path) -> None:
    child = """
$ORIGIN *.example.
@    3600 IN SOA ns1.example.com. admin.example.com. 1 7200 3600 604800 3600
@    3600 NS  ns1.example.com.
@    3600 NS  ns1.example.net.
www  3600 TXT "the www txt record"
"""
    door = make_door(tmp_path, f"{APEX}* NS ns1.example.com.\n", child_zone=child)
    check(door, positive("www.*.example. TXT", 'www.*.example. 3600 IN TXT "the www txt record"'))


def test_rfc4592_4_2_ns_at_a_wildcard_delegates_the_asterisk_name(tmp_path: Path) -> None:
    """What it means for names that match the wildcard is left undefined; the name itself is a cut."""
    door = make_door(tmp_path, f"{APEX}* NS ns1.example.com.\n")
    referral = "-> NOERROR\n;; authority\n*.example. 3600 IN NS ns1.example.com."
    check(door, f"*.example. A {referral}")
    check(door, f"www.*.example. A {referral}")


def test_rfc4592_4_3_cname_at_a_wildcard_restarts_with_its_target(tmp_path: Path) -> None:
    door = make_door(tmp_path, f"{APEX}* CNAME host1\nhost1 A 192.0.2.1\n*.deep CNAME a.b\n")
    check(
        door,
        positive(
            "host3.example. A",
            "host3.example. 3600 IN CNAME host1.example.",
            "host1.example. 3600 IN A 192.0.2.1",
        ),
    )
    check(door, positive("host3.example. CNAME", "host3.example. 3600 IN CNAME host1.example."))
    check(
        door,
        positive(
            "x.deep.example. A",
            "x.deep.example. 3600 IN CNAME a.b.example.",
            "a.b.example. 3600 IN CNAME host1.example.",
            "host1.example. 3600 IN A 192.0.2.1",
        ),
    )


def test_rfc4592_4_3_cname_at_a_wildcard_may_lead_to_a_name_without_the_type(tmp_path: Path) -> None:
    door = make_door(tmp_path, f"{APEX}* CNAME host1\nhost1 A 192.0.2.1\n")
    check(
        door,
        f"""
        host3.example. MX -> NOERROR aa
        ;; answer
        host3.example. 3600 IN CNAME host1.example.
        ;; authority
        {SOA}
        """,
    )


def test_rfc4592_4_4_dname_at_a_wildcard_redirects_below_the_asterisk_name_alone(tmp_path: Path) -> None:
    """The RFC wants it avoided, RFC 6672 §3.3 too; NSD and Knot answer as here."""
    door = make_door(tmp_path, f"{APEX}*.w DNAME target\na.target A 192.0.2.1\n")
    check(door, negative("a.x.w.example. A"))
    check(door, positive("x.w.example. DNAME", "x.w.example. 3600 IN DNAME target.example."))
    check(
        door,
        positive(
            "a.*.w.example. A",
            "*.w.example. 3600 IN DNAME target.example.",
            "a.*.w.example. 3600 IN CNAME a.target.example.",
            "a.target.example. 3600 IN A 192.0.2.1",
        ),
    )


def test_rfc4592_4_5_srv_at_a_wildcard(tmp_path: Path) -> None:
    door = make_door(tmp_path, f"{APEX}*._tcp SRV 0 0 9 host1\nhost1 A 192.0.2.1\n")
    check(door, positive("_foo._tcp.example. SRV", "_foo._tcp.example. 3600 IN SRV 0 0 9 host1.example."))


def test_rfc4592_4_6_ds_at_a_wildcard_is_harmless(tmp_path: Path) -> None:
    ds = "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"
    door = make_door(tmp_path, f"{APEX}* DS {ds}\nsubdel NS ns.example.com.\n")
    check(door, positive("host3.example. DS", f"host3.example. 3600 IN DS {ds}"))
    check(door, negative("subdel.example. DS"))


def test_rfc4592_4_9_an_empty_non_terminal_wildcard_gives_nodata(tmp_path: Path) -> None:
    door = make_door(tmp_path, f'{APEX}sub.* TXT "below"\n')
    check(door, negative("host3.example. TXT"))
    check(door, negative("a.b.c.example. A"))
    check(door, negative("*.example. TXT"))
    check(door, negative("ghost.*.example. TXT", "NXDOMAIN"))
