"""Which set does a latency group answer with? The one whose region is nearest to the client in milliseconds.

The client's location gives measured latencies for some regions; for any other the latency is estimated from
the distance between the client and the region. A client without coordinates stands at the centre of its
region, and one without a region, which includes every client nobody knows, at `DEFAULT_REGION` `[INF]`.
Nothing is drawn: one client gets the same set until health changes. Equal latencies go to the region that
comes first by name (our choice).

An unhealthy set gives way to the next nearest; when all are unhealthy the nearest answers. A set for
cn-north-1 counts as the nearest for clients in China.

Source: docs/route53/routing-policies.md §2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r53lite.routing.context import DEFAULT_REGION, POSITION, Aspect, ClientLocation, Context
from r53lite.routing.places import REGIONS, distance_km, estimated_latency_ms
from r53lite.routing.record_set import RecordSet, RecordSetGroup

CHINA = "CN"
CHINA_REGION = "cn-north-1"


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return the sets, that of the lowest latency first.

    Health is no matter to the scope: another prefix may have another order of regions. With a single set in
    the group location plays no part.

    Source: docs/route53/routing-policies.md §2.3; RFC 7871 §7.2.1 for the scope.
    """
    if len(group.sets) == 1:
        return sets
    location = context.look_at(group.view or POSITION)
    return sorted(sets, key=lambda record_set: _rank(location, record_set.region or DEFAULT_REGION))


def view_of(group: RecordSetGroup) -> Aspect:
    """Return what a group makes of a location: the order of its regions."""
    regions = tuple({record_set.region or DEFAULT_REGION: None for record_set in group.sets})
    return POSITION.within(lambda location: tuple(sorted(regions, key=lambda one: _rank(location, one))))


def latency_ms(location: ClientLocation, region: str) -> float:
    """Return the latency from a client to a region: as measured, else estimated from the distance."""
    measured = location.latency_ms.get(region)
    if measured is not None:
        return measured
    at = location.coordinates or REGIONS[location.region or DEFAULT_REGION]
    return estimated_latency_ms(distance_km(at, REGIONS[region]))


def _rank(location: ClientLocation, region: str) -> tuple[bool, float, str]:
    is_home_of_china = location.country == CHINA and region == CHINA_REGION
    return (not is_home_of_china, latency_ms(location, region), region)
