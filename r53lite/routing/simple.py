"""What does a name without a policy answer? All values of its only set, or what its alias leads to.

Health is never a reason to withhold it; it matters to an alias that leads here.

Source: docs/route53/routing-policies.md §2.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return the only set.

    Source: docs/route53/routing-policies.md §2.1.
    """
    return sets
