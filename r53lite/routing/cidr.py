"""Which set does a CIDR group answer with? The one whose location has the longest block around the client.

A client in no block, or in one whose location has no set, gets the default set, or no data where there is
none. An unhealthy set gives way to that of the next longest block around the client, at last to the default;
when all are unhealthy the longest block's answers `[INF]`.

Source: docs/route53/routing-policies.md §2.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r53lite.routing.context import Context
from r53lite.routing.record_set import DEFAULT, RecordSet, RecordSetGroup


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return the sets of the blocks that the client is in, the longest block's first, the default last.

    A group without a collection, as one of the default alone is, answers all alike.

    Source: docs/route53/routing-policies.md §2.6.
    """
    by_location = {record_set.cidr.location: record_set for record_set in sets if record_set.cidr is not None}
    locations = (DEFAULT,) if group.blocks is None else context.locations_in(group.blocks)
    return [by_location[location] for location in locations if location in by_location]
