"""Which set does a failover group answer with? The primary, as long as it is healthy; else the secondary.

With both down the primary answers: it is the first of the last resort as well. Where one of the two is
missing the other answers `[INF]`.

Source: docs/route53/routing-policies.md §2.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.routing.selection import Candidates

PRIMARY, SECONDARY = ROLES = ("primary", "secondary")


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return the sets, the primary first.

    Source: docs/route53/routing-policies.md §2.8.
    """

    def rank(record_set: RecordSet) -> bool:
        return record_set.failover != PRIMARY

    context.note(Candidates(lambda: sorted(group.sets, key=rank), lambda one: one.failover or ""))
    return sorted(sets, key=rank)
