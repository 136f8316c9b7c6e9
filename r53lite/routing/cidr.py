"""Which set does a CIDR group answer with? The one whose location has the longest block around the client.

A client in no block, or in one whose location has no set, gets the default set, or no data where there is
none. An unhealthy set gives way to that of the next longest block around the client, at last to the default;
when all are unhealthy the longest block's answers `[INF]`.

Source: docs/route53/routing-policies.md §2.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r53lite.routing.context import Context
from r53lite.routing.record_set import DEFAULT, CidrLocation, RecordSet, RecordSetGroup
from r53lite.routing.selection import Candidates


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return the sets of the blocks that the client is in, the longest block's first, the default last.

    A group without a collection, as one of the default alone is, answers all alike.

    Source: docs/route53/routing-policies.md §2.6.
    """
    locations = (DEFAULT,) if group.blocks is None else context.locations_in(group.blocks)

    def chain(sets: Sequence[RecordSet]) -> list[RecordSet]:
        by_location = {one.cidr.location: one for one in sets if one.cidr is not None}
        return [by_location[location] for location in locations if location in by_location]

    context.note(Candidates(lambda: chain(group.sets), _shown))
    return chain(sets)


def _shown(record_set: RecordSet) -> str:
    """Return the blocks that a set is for, in words."""
    cidr = record_set.cidr or CidrLocation("", DEFAULT)
    return "default" if cidr.location == DEFAULT else f"location {cidr.location} of {cidr.collection}"
