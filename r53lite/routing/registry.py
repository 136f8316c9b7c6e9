"""Which function carries out which policy?

A policy is one module with `select(group, context)`; this table is the only place that knows them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from r53lite.routing import latency, multivalue, simple, weighted
from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.selection import Selection

Policy = Callable[[RecordSetGroup, Context], Selection]

_POLICIES: Mapping[str, Policy] = {
    "simple": simple.select,
    "weighted": weighted.select,
    "latency": latency.select,
    "multivalue": multivalue.select,
}


def select(group: RecordSetGroup, context: Context) -> Selection:
    """Let the group's policy choose what this client is answered now.

    Args:
        group: at least one set; its `policy` is one of `record_set.POLICIES`.
        context: health, location and chance of this query.

    Source: docs/route53/routing-policies.md §2.
    """
    return _POLICIES[group.policy](group, context)
