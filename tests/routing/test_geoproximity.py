"""Geoproximity groups answer with the nearest place (docs/route53/routing-policies.md §2.5)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from r53lite.dns.rrtypes import A
from r53lite.health.table import HealthTable
from r53lite.routing import registry
from r53lite.routing.context import ClientLocation, Context
from r53lite.routing.locations import Locations
from r53lite.routing.record_set import GeoProximity, RecordSet, RecordSetGroup

PARIS = (48.86, 2.35)


def never(limit: int) -> int:
    """Fail: nothing is drawn for geoproximity."""
    raise AssertionError(f"drew a number below {limit}")


@pytest.mark.parametrize("has_view", [False, True])
@pytest.mark.parametrize(
    ("regions", "scope"),
    [(["us-east-1"], 0), (["us-east-1", "eu-west-3"], 24)],
    ids=["a single set", "two sets"],
)
def test_location_plays_no_part_in_a_group_of_a_single_set(
    regions: list[str], scope: int, has_view: bool
) -> None:
    sets = [RecordSet(region, 60, (region.encode(),), at=GeoProximity(region)) for region in regions]
    group = RecordSetGroup(b"\x01g\x00", A, "geoproximity", tuple(sets))
    if has_view:
        group = group._replace(view=registry.view_of(group))
    locations = Locations([(ip_network("198.51.100.0/24"), ClientLocation(coordinates=PARIS))])
    location = locations.locate(bytes((198, 51, 100, 0)), 24)
    selection = registry.select(group, Context(HealthTable(), location, never))
    assert (selection.path, selection.scope_prefix_len) == ((regions[-1],), scope)
