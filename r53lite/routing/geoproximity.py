"""Which set does a geoproximity group answer with? The nearest on the globe, as its bias bends the distance.

A bias over 0 draws clients from further away: the distance counts as that much less. One below 0 sends them
elsewhere: -50 doubles the distance. A client without coordinates stands at the centre of its region, and one
without a region, which includes every client nobody knows, at `DEFAULT_REGION` `[INF]`. Nothing is drawn.

An unhealthy set gives way to the next nearest; when all are unhealthy the nearest answers.

Source: docs/route53/routing-policies.md §2.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r53lite.routing.context import DEFAULT_REGION, POSITION, Aspect, ClientLocation, Context
from r53lite.routing.places import REGIONS, Coordinates, distance_km
from r53lite.routing.record_set import GeoProximity, RecordSet, RecordSetGroup

MAX_SETS = 30  # records-and-changes.md §1.8
MAX_BIAS = 99  # either way


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return the sets, the nearest first; equal distances by SetIdentifier `[INF]`.

    With a single set in the group location plays no part.

    Source: docs/route53/routing-policies.md §2.5.
    """
    if len(group.sets) == 1:
        return sets
    client = coordinates_of(context.look_at(group.view or POSITION))
    return sorted(sets, key=lambda one: _rank(client, one))


def view_of(group: RecordSetGroup) -> Aspect:
    """Return what a group makes of a location: the order of its sets."""
    sets = group.sets

    def class_of(location: ClientLocation) -> tuple[str, ...]:
        client = coordinates_of(location)
        return tuple([one.id for one in sorted(sets, key=lambda one: _rank(client, one))])

    return POSITION.within(class_of)


def _rank(client: Coordinates, record_set: RecordSet) -> tuple[float, str]:
    return biased_km(client, record_set.at or GeoProximity()), record_set.id


def coordinates_of(location: ClientLocation) -> Coordinates:
    """Return where a client stands."""
    return location.coordinates or REGIONS[location.region or DEFAULT_REGION]


def biased_km(client: Coordinates, at: GeoProximity) -> float:
    """Return the distance from a client to a place, bent by its bias.

    Source: docs/route53/routing-policies.md §2.5.
    """
    distance = distance_km(client, at.coordinates or REGIONS[at.region or DEFAULT_REGION])
    if at.bias > 0:
        return distance * (1 - at.bias / 100)
    return distance / (1 + at.bias / 100)
