"""Every policy a file may name has its function; a simple name answers all its values whatever its health."""

from __future__ import annotations

import pytest

from r53lite.dns.rrtypes import A
from r53lite.routing import registry
from r53lite.routing.context import ClientLocation, Context
from r53lite.routing.record_set import (
    POLICIES,
    CidrLocation,
    GeoLocation,
    GeoProximity,
    RecordSet,
    RecordSetGroup,
)
from r53lite.routing.selection import Selection

ONLY = RecordSet(
    "only",
    60,
    (b"1", b"2"),
    "down",
    weight=1,
    region="eu-west-1",
    failover="secondary",
    location=GeoLocation(country="*"),
    at=GeoProximity(region="eu-west-1"),
    cidr=CidrLocation("offices", "*"),
)


class AllDown:
    """Health in which every check is down."""

    def is_healthy(self, health_check: str) -> bool:
        """Say no."""
        return False


@pytest.mark.parametrize("policy", POLICIES)
def test_a_group_of_one_set_answers_it_under_every_policy(policy: str) -> None:
    group = RecordSetGroup(b"\x01s\x00", A, policy, (ONLY,))
    context = Context(AllDown(), ClientLocation(prefix_len=24), lambda _: 0)
    expected = Selection(60, (b"1", b"2"), (ONLY,), 0, path=("only",), is_healthy=False)
    assert registry.select(group, context) == expected


def test_simple_answers_all_values_of_an_unhealthy_set() -> None:
    group = RecordSetGroup(b"\x01s\x00", A, "simple", (ONLY,))
    context = Context(AllDown(), ClientLocation(prefix_len=24), lambda _: 0)
    assert registry.select(group, context).rdatas == (b"1", b"2")
