"""RFC 2308: the negative answers that a server gives (§2.1, §2.2, §3, §5), in its own example names."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.answering.dispatch import Dispatch
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
