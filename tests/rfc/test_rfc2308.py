"""RFC 2308: the negative answers that a server gives (§2.1, §2.2, §3), in its own example names, and what a
resolver makes of each form that others give.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.answering.dispatch import Dispatch
from r53lite.dns import rrtypes, wire
from r53lite.dns.message import AA, QR, Message
from r53lite.dns.name import parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrset import RRset
from r53lite.resolver.scrub import Negative, Referral, Reply, scrub
from tests.cases import check
from tests.support import load_snapshot, make_dispatch

EXAMPLE = """
$TTL 7200
@        IN SOA ns1.xx. hostmaster.ns1.xx. 1 3600 600 86400 300
@        NS  ns1.xx.
an       CNAME tripple.xx.
another  CNAME data.xx.
third    TXT "no address"
"""
XX = """
$TTL 7200
@        60 IN SOA ns1 hostmaster.ns1 1 3600 600 86400 300
@        NS  ns1
@        NS  ns2
ns1      A   127.0.0.2
ns2      A   127.0.0.3
data     TXT "no address"
child    NS  ns1
"""
EXAMPLE_SOA = "example. 300 IN SOA ns1.xx. hostmaster.ns1.xx. 1 3600 600 86400 300"
XX_SOA = "xx. 60 IN SOA ns1.xx. hostmaster.ns1.xx. 1 3600 600 86400 300"


@pytest.fixture
def door(tmp_path: Path) -> Dispatch:
    return make_dispatch(load_snapshot(tmp_path, example_zone=EXAMPLE, xx_zone=XX))


def test_rfc2308_2_1_a_name_error_is_of_type_2_the_soa_alone(door: Dispatch) -> None:
    check(door, f"none.example. A -> NXDOMAIN aa\n;; authority\n{EXAMPLE_SOA}")


def test_rfc2308_2_1_a_name_error_behind_a_cname_has_the_soa_of_the_last_zone(door: Dispatch) -> None:
    check(
        door,
        f"""
        an.example. A -> NXDOMAIN aa
        ;; answer
        an.example. 7200 IN CNAME tripple.xx.
        ;; authority
        {XX_SOA}
        """,
    )


def test_rfc2308_2_2_nodata_is_of_type_2_the_soa_alone(door: Dispatch) -> None:
    check(door, f"third.example. A -> NOERROR aa\n;; authority\n{EXAMPLE_SOA}")


def test_rfc2308_2_2_nodata_behind_a_cname(door: Dispatch) -> None:
    check(
        door,
        f"""
        another.example. A -> NOERROR aa
        ;; answer
        another.example. 7200 IN CNAME data.xx.
        ;; authority
        {XX_SOA}
        """,
    )


def test_rfc2308_2_2_a_referral_has_no_soa_so_that_it_is_no_nodata(door: Dispatch) -> None:
    check(
        door,
        """
        www.child.xx. A -> NOERROR
        ;; authority
        child.xx. 7200 IN NS ns1.xx.
        ;; additional
        ns1.xx. 7200 IN A 127.0.0.2
        """,
    )


@pytest.mark.parametrize(("name", "soa"), [("example.", EXAMPLE_SOA), ("xx.", XX_SOA)])
@pytest.mark.parametrize("rrtype", ["MX", "TYPE1000"])
def test_rfc2308_3_the_soas_ttl_is_the_lesser_of_ttl_and_minimum(
    door: Dispatch, name: str, soa: str, rrtype: str
) -> None:
    check(door, f"{name} {rrtype} -> NOERROR aa\n;; authority\n{soa}")


def test_rfc2308_3_an_soa_that_is_asked_for_keeps_its_own_ttl(tmp_path: Path) -> None:
    door = make_dispatch(load_snapshot(tmp_path, example_zone=EXAMPLE), minimal_responses=True)
    check(
        door,
        """
        example. SOA -> NOERROR aa
        ;; answer
        example. 7200 IN SOA ns1.xx. hostmaster.ns1.xx. 1 3600 600 86400 300
        """,
    )


# --- what a resolver makes of the forms that §2 shows -------------------------------------------------------

XX_ORIGIN, TRIPPLE = parse_name("xx."), parse_name("tripple.xx.")
SOA = RRset(
    XX_ORIGIN,
    rrtypes.SOA,
    7200,
    (parse_rdata(rrtypes.SOA, "ns1.xx. hostmaster.ns1.xx. 1 3600 600 86400 300", XX_ORIGIN),),
)
NS = RRset(XX_ORIGIN, rrtypes.NS, 7200, (parse_name("ns1.xx."), parse_name("ns2.xx.")))
GLUE = (
    RRset(parse_name("ns1.xx."), rrtypes.A, 7200, (b"\x7f\x00\x00\x02",)),
    RRset(parse_name("ns2.xx."), rrtypes.A, 7200, (b"\x7f\x00\x00\x03",)),
)
TYPES = [(SOA, NS), (SOA,), (), (NS,)]


def read_by_a_resolver(rcode: int, authority: tuple[RRset, ...]) -> Reply:
    """Return what a resolver makes of a reply to `tripple.xx. A` by a server of `xx.`"""
    additional = GLUE if NS in authority else ()
    reply = Message(0, QR | AA, 0, rcode, TRIPPLE, rrtypes.A, 1, (), authority, additional, None)
    return scrub(wire.decode_message(wire.encode_message(reply)), XX_ORIGIN, TRIPPLE, rrtypes.A)


@pytest.mark.parametrize("authority", TYPES, ids=["type 1", "type 2", "type 3", "type 4"])
def test_rfc2308_2_1_a_resolver_knows_all_four_types_of_name_error(authority: tuple[RRset, ...]) -> None:
    soa = SOA.with_ttl(300) if SOA in authority else None
    assert read_by_a_resolver(rrtypes.NXDOMAIN, authority) == Negative((), TRIPPLE, rrtypes.NXDOMAIN, soa)


@pytest.mark.parametrize("authority", TYPES[:3], ids=["type 1", "type 2", "type 3"])
def test_rfc2308_2_2_a_resolver_knows_all_three_types_of_nodata(authority: tuple[RRset, ...]) -> None:
    soa = SOA.with_ttl(300) if SOA in authority else None
    assert read_by_a_resolver(rrtypes.NOERROR, authority) == Negative((), TRIPPLE, rrtypes.NOERROR, soa)


def test_rfc2308_2_2_a_resolver_takes_an_ns_set_of_a_child_for_a_referral() -> None:
    child = RRset(TRIPPLE, rrtypes.NS, 7200, NS.rdatas)
    reply = Message(0, QR, 0, 0, TRIPPLE, rrtypes.A, 1, (), (child,), GLUE, None)
    assert isinstance(scrub(reply, XX_ORIGIN, TRIPPLE, rrtypes.A), Referral)
