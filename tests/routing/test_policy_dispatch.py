"""Every policy a file may name has its function; a simple name answers all its values whatever its health."""

from __future__ import annotations

import pytest

from r53lite.dns.rrtypes import A
from r53lite.routing import registry, simple
from r53lite.routing.context import ClientLocation, Context
from r53lite.routing.record_set import POLICIES, RecordSet, RecordSetGroup
from r53lite.routing.selection import Selection

ONLY = RecordSet("only", 60, (b"1", b"2"), "down", weight=1, region="eu-west-1")


class AllDown:
    """Health in which every check is down."""

    def is_healthy(self, health_check: str) -> bool:
        """Say no."""
        return False


CONTEXT = Context(AllDown(), ClientLocation(prefix_len=24), lambda _: 0)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_group_of_one_set_answers_it_under_every_policy(policy: str) -> None:
    group = RecordSetGroup(b"\x01s\x00", A, policy, (ONLY,))
    assert registry.select(group, CONTEXT) == Selection(60, (b"1", b"2"), (ONLY,), 0)


def test_simple_answers_all_values_of_an_unhealthy_set() -> None:
    group = RecordSetGroup(b"\x01s\x00", A, "simple", (ONLY,))
    assert simple.select(group, CONTEXT).rdatas == (b"1", b"2")
