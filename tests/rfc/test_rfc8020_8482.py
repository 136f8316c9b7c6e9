"""RFC 8020 (there is nothing underneath NXDOMAIN) and RFC 8482 (small answers to ANY), at the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.answering.dispatch import Dispatch
from tests.cases import check
from tests.support import load_snapshot, make_dispatch

ZONE = """
$TTL 300
@            IN SOA ns admin 1 3600 600 86400 60
@            NS ns
ns           A  192.0.2.1
anything.ent TXT "below an empty name"
multi        A  192.0.2.2
multi        A  192.0.2.3
multi        AAAA 2001:db8::2
multi        TXT "more"
alias        CNAME multi
*.wild       TXT "wild"
*.wild       MX 10 multi
sub          NS ns
"""
SOA = "example. 60 IN SOA ns.example. admin.example. 1 3600 600 86400 60"


@pytest.fixture
def door(tmp_path: Path) -> Dispatch:
    return make_dispatch(load_snapshot(tmp_path, example_zone=ZONE), minimal_responses=True)


@pytest.mark.parametrize("qtype", ["A", "NS", "SOA", "ANY", "DS", "TYPE1000"])
def test_rfc8020_2_a_name_with_names_below_it_is_no_nxdomain(door: Dispatch, qtype: str) -> None:
    check(door, f"ent.example. {qtype} -> NOERROR aa\n;; authority\n{SOA}")


@pytest.mark.parametrize("qname", ["none.example.", "a.none.example.", "a.b.none.example.", "x.ent.example."])
def test_rfc8020_2_below_a_name_that_does_not_exist_nothing_does(door: Dispatch, qname: str) -> None:
    check(door, f"{qname} A -> NXDOMAIN aa\n;; authority\n{SOA}")


def test_rfc8482_4_1_any_gives_one_rrset_of_the_name(door: Dispatch) -> None:
    check(
        door,
        """
        multi.example. ANY -> NOERROR aa
        ;; answer
        multi.example. 300 IN A 192.0.2.2
        multi.example. 300 IN A 192.0.2.3
        """,
    )


@pytest.mark.parametrize("is_stream", [False, True])
def test_rfc8482_4_4_udp_and_tcp_answer_any_alike(door: Dispatch, is_stream: bool) -> None:
    """§4.4 allows a full answer over TCP; one answer for both is the simpler choice."""
    check(
        door, "ns.example. ANY -> NOERROR aa\n;; answer\nns.example. 300 IN A 192.0.2.1", is_stream=is_stream
    )


def test_rfc8482_4_any_of_a_cname_is_the_cname(door: Dispatch) -> None:
    check(door, "alias.example. ANY -> NOERROR aa\n;; answer\nalias.example. 300 IN CNAME multi.example.")


def test_rfc8482_4_any_is_synthesized_from_a_wildcard(door: Dispatch) -> None:
    check(door, "x.wild.example. ANY -> NOERROR aa\n;; answer\nx.wild.example. 300 IN MX 10 multi.example.")


def test_rfc8482_4_any_at_and_below_a_cut_is_a_referral(door: Dispatch) -> None:
    for qname in ("sub.example.", "www.sub.example."):
        check(
            door,
            f"""
            {qname} ANY -> NOERROR
            ;; authority
            sub.example. 300 IN NS ns.example.
            ;; additional
            ns.example. 300 IN A 192.0.2.1
            """,
        )


def test_rfc8482_4_any_of_a_missing_name_is_nxdomain(door: Dispatch) -> None:
    check(door, f"none.example. ANY -> NXDOMAIN aa\n;; authority\n{SOA}")
