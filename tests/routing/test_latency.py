"""Latency groups answer with the nearest healthy region (docs/route53/routing-policies.md §2.3)."""

from __future__ import annotations

import pytest

from r53lite.dns.rrtypes import A
from r53lite.routing import registry
from r53lite.routing.context import UNKNOWN, ClientLocation, Context
from r53lite.routing.places import REGIONS
from r53lite.routing.record_set import RecordSet, RecordSetGroup

PARIS = (48.86, 2.35)
ATLANTIC = ("us-east-1", "eu-west-1", "ap-southeast-2")


class Checks:
    """Health in which exactly the named checks are down."""

    def __init__(self, down: tuple[str, ...] = ()) -> None:
        self.down = down

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is not among those down."""
        return health_check not in self.down


def never(limit: int) -> int:
    """Fail: nothing is drawn for latency."""
    raise AssertionError(f"drew a number below {limit}")


def group_of(*regions: str) -> RecordSetGroup:
    """Return a group with a set per region, whose id and health check are the region's name."""
    sets = tuple(RecordSet(name, 60, (name.encode(),), name, region=name) for name in regions)
    return RecordSetGroup(b"\x01l\x00", A, "latency", sets)


def chosen(regions: tuple[str, ...], location: ClientLocation, *down: str) -> str:
    """Return the region that a client is answered with."""
    selection = registry.select(group_of(*regions), Context(Checks(down), location, never))
    (record_set,) = selection.chosen
    assert selection.rdatas == record_set.rdatas
    return record_set.id


MEASURED = ClientLocation(latency_ms={"us-east-1": 90, "eu-west-1": 20, "ap-southeast-2": 260})


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ((), "eu-west-1"),
        (("eu-west-1",), "us-east-1"),
        (("eu-west-1", "us-east-1"), "ap-southeast-2"),
        (("us-east-1",), "eu-west-1"),
        (ATLANTIC, "eu-west-1"),
    ],
)
def test_next_lowest_when_unhealthy_and_the_lowest_when_all_are(down: tuple[str, ...], expected: str) -> None:
    assert chosen(ATLANTIC, MEASURED, *down) == expected


def test_a_set_without_a_check_is_always_a_candidate() -> None:
    group = group_of("us-east-1", "eu-west-1")
    group = group._replace(sets=(group.sets[0]._replace(health_check=None), group.sets[1]))
    context = Context(Checks(("eu-west-1", "us-east-1")), MEASURED, never)
    assert registry.select(group, context).chosen[0].id == "us-east-1"


def test_measured_latency_beats_distance() -> None:
    location = ClientLocation(region="eu-west-1", coordinates=PARIS, latency_ms={"us-east-1": 1})
    assert chosen(ATLANTIC, location) == "us-east-1"


def test_a_latency_that_is_not_measured_is_estimated_beside_the_measured_ones() -> None:
    location = ClientLocation(coordinates=PARIS, latency_ms={"us-east-1": 90, "ap-southeast-2": 250})
    assert chosen(ATLANTIC, location) == "eu-west-1"


def test_coordinates_count_before_the_region() -> None:
    location = ClientLocation(region="us-east-1", coordinates=PARIS)
    assert chosen(("us-east-1", "eu-west-1", "eu-west-3"), location) == "eu-west-3"


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_a_client_of_a_region_is_nearest_to_it(region: str) -> None:
    assert chosen(tuple(REGIONS), ClientLocation(region=region)) == region


@pytest.mark.parametrize(
    "location", [UNKNOWN, ClientLocation(), ClientLocation(country="DE", continent="EU")]
)
def test_a_client_without_a_place_is_in_us_east_1(location: ClientLocation) -> None:
    assert chosen(ATLANTIC, location) == "us-east-1"
    assert chosen(ATLANTIC, location, "us-east-1") == "eu-west-1"


def test_equal_latencies_go_to_the_first_region_by_name() -> None:
    location = ClientLocation(latency_ms={"us-west-2": 10, "eu-west-1": 10})
    assert chosen(("us-west-2", "eu-west-1"), location) == "eu-west-1"


def test_beijing_wins_for_china_whatever_the_latency() -> None:
    location = ClientLocation(country="CN", latency_ms={"cn-north-1": 300, "ap-east-1": 5})
    assert chosen(("ap-east-1", "cn-north-1"), location) == "cn-north-1"
    assert chosen(("ap-east-1", "cn-north-1"), location, "cn-north-1") == "ap-east-1"
    assert chosen(("ap-east-1", "cn-north-1"), location, "cn-north-1", "ap-east-1") == "cn-north-1"
    assert chosen(("ap-east-1", "cn-north-1"), location._replace(country="HK")) == "ap-east-1"


@pytest.mark.parametrize(("count", "scope"), [(1, 0), (2, 24), (3, 24)])
def test_scope_is_the_clients_prefix_unless_there_is_no_choice(count: int, scope: int) -> None:
    location = ClientLocation(region="eu-west-1", prefix_len=32, position_prefix_len=24)
    selection = registry.select(group_of(*ATLANTIC[:count]), Context(Checks(), location, never))
    assert (selection.scope_prefix_len, selection.ttl) == (scope, 60)
