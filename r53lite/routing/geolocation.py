"""Which set does a geolocation group answer with? The one for the smallest place that the client is in.

The client's subdivision, its country, its continent and the default are tried in this order, as far as there
are sets for them. An unhealthy set gives way to the next larger place, never to another country; when all are
unhealthy the smallest answers. A client whose location is not known has the default alone, and a client for
whom there is no set gets no data. A client of the US whose state is not known gets US, then NA `[INF]`.

Source: docs/route53/routing-policies.md §2.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r53lite.routing.context import AREA, Aspect, ClientLocation, Context
from r53lite.routing.record_set import DEFAULT, GeoLocation, RecordSet, RecordSetGroup

EVERYWHERE = GeoLocation(country=DEFAULT)


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return the sets for places that the client is in, the smallest place first.

    A group of the default alone answers all alike, so that location plays no part.

    Source: docs/route53/routing-policies.md §2.4.
    """
    if all(record_set.location == EVERYWHERE for record_set in group.sets):
        return sets
    by_place = {record_set.location: record_set for record_set in sets}
    return [by_place[place] for place in places_of(context.look_at(group.view or AREA)) if place in by_place]


def view_of(group: RecordSetGroup) -> Aspect:
    """Return what a group makes of a location: the places it has sets for, the smallest first."""
    known = frozenset(record_set.location for record_set in group.sets)
    return AREA.within(lambda location: tuple(place for place in places_of(location) if place in known))


def places_of(location: ClientLocation) -> list[GeoLocation]:
    """Return the places that a client is in, the smallest first, as sets name them."""
    places = []
    if location.country is not None:
        if location.subdivision is not None:
            places.append(GeoLocation(country=location.country, subdivision=location.subdivision))
        places.append(GeoLocation(country=location.country))
    if location.continent is not None:
        places.append(GeoLocation(continent=location.continent))
    return [*places, EVERYWHERE]
