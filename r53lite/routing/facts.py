"""By which facts does a policy go, and in which order does it take the sets of a group?

For those who explain answers. The order is asked of the policy itself; the fact of a set is what its file
says, and for distances and latencies what its policy works out. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from r53lite.routing.cidr_index import ClientPrefix
from r53lite.routing.context import DEFAULT_REGION, ClientLocation, Context, HealthView
from r53lite.routing.geoproximity import biased_km, coordinates_of
from r53lite.routing.latency import latency_ms
from r53lite.routing.record_set import DEFAULT, GeoLocation, GeoProximity, RecordSet, RecordSetGroup
from r53lite.routing.registry import order


class _Preview(Context):
    """A context in which chance takes what comes first in the file."""

    __slots__ = ()

    def choose(self, weights: Sequence[int]) -> int:
        """Take the first."""
        return 0


def _no_draw(_limit: int) -> int:
    return 0


def ordered_sets(
    group: RecordSetGroup, health: HealthView, location: ClientLocation, client: ClientPrefix | None
) -> list[RecordSet]:
    """Return the sets that are for a client, in the order in which its policy takes them, health aside.

    Where chance decides they stand in the order of the file, those of weight 0 last.
    """
    if group.policy == "multivalue":
        return list(group.sets)
    return list(order(group, group.sets, _Preview(health, location, _no_draw, client=client)))


def fact_of(group: RecordSetGroup, record_set: RecordSet, location: ClientLocation) -> str:
    """Return by which fact a policy goes for one of its sets; empty where there is none."""
    match group.policy:
        case "weighted":
            return f"weight {record_set.weight}"
        case "latency":
            region = record_set.region or DEFAULT_REGION
            return f"{region}, {latency_ms(location, region):.0f} ms, {location.latency_source(region)}"
        case "failover":
            return str(record_set.failover)
        case "geolocation":
            return place_text(record_set.location or GeoLocation())
        case "geoproximity":
            return _proximity_text(record_set.at or GeoProximity(), location)
        case "cidr":
            return "" if record_set.cidr is None else f"location {record_set.cidr.location}"
    return ""


def place_text(place: GeoLocation) -> str:
    """Return which clients a geolocation set is for: `US-CA`, `US`, `continent EU`, `default`."""
    if place.country == DEFAULT:
        return "default"
    if place.continent is not None:
        return f"continent {place.continent}"
    return f"{place.country}-{place.subdivision}" if place.subdivision else str(place.country)


def _proximity_text(at: GeoProximity, location: ClientLocation) -> str:
    where = at.region or at.local_zone_group
    if where is None:
        where = f"{at.coordinates[0]}, {at.coordinates[1]}" if at.coordinates else DEFAULT_REGION
    bias = f", bias {at.bias:+d}" if at.bias else ""
    return f"{where}{bias}, {biased_km(coordinates_of(location), at):.0f} km"
