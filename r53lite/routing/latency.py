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

from r53lite.routing.context import DEFAULT_REGION, ClientLocation, Context
from r53lite.routing.places import REGIONS, distance_km, estimated_latency_ms
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.selection import Selection, healthy_sets, select_one

CHINA = "CN"
CHINA_REGION = "cn-north-1"


def select(group: RecordSetGroup, context: Context) -> Selection:
    """Choose the healthy set of the lowest latency, or of all when none is healthy.

    The scope is the client's prefix, whatever health made of the choice: another prefix may have another
    order of regions. With a single set location plays no part and the scope is 0.

    Source: docs/route53/routing-policies.md §2.3; RFC 7871 §7.2.1 for the scope.
    """
    if len(group.sets) == 1:
        return select_one(group.sets[0])
    location = context.location
    chosen = min(
        healthy_sets(group, context) or group.sets,
        key=lambda record_set: _rank(location, record_set.region or DEFAULT_REGION),
    )
    return select_one(chosen, location.prefix_len)


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
