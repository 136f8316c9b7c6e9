"""Which set does a failover group answer with? The primary, as long as it is healthy; else the secondary.

With both down the primary answers: it is the first of the last resort as well. Where one of the two is
missing the other answers `[INF]`.

Source: docs/route53/routing-policies.md §2.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup

PRIMARY, SECONDARY = ROLES = ("primary", "secondary")


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return the sets, the primary first.

    Source: docs/route53/routing-policies.md §2.8.
    """
    return sorted(sets, key=lambda record_set: record_set.failover != PRIMARY)
