"""What does a name without a policy answer? All values of its only set.

Health is never a reason to withhold it.

Source: docs/route53/routing-policies.md §2.1.
"""

from __future__ import annotations

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.selection import Selection, select_one


def select(group: RecordSetGroup, context: Context) -> Selection:
    """Choose the only set of the group.

    Source: docs/route53/routing-policies.md §2.1.
    """
    return select_one(group.sets[0])
