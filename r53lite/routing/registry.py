"""Which function carries out which policy?

A policy is one module with `order(group, sets, context)`, which puts sets in the order in which they answer;
multivalue answers with several at once and has `sample` instead. This table is the only place that knows them
all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from r53lite.routing import cidr, failover, geolocation, geoproximity, latency, simple, weighted
from r53lite.routing.context import Aspect, Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.routing.selection import Selection
from r53lite.routing.tree import Order, Walk

_ORDERS: Mapping[str, Order] = {
    "simple": simple.order,
    "weighted": weighted.order,
    "latency": latency.order,
    "failover": failover.order,
    "geolocation": geolocation.order,
    "geoproximity": geoproximity.order,
    "cidr": cidr.order,
}


_VIEWS: Mapping[str, Callable[[RecordSetGroup], Aspect]] = {
    "latency": latency.view_of,
    "geolocation": geolocation.view_of,
    "geoproximity": geoproximity.view_of,
}


def view_of(group: RecordSetGroup) -> Aspect | None:
    """Return what a group makes of a client's location; None where it makes nothing of it."""
    make = _VIEWS.get(group.policy)
    return None if make is None else make(group)


def select(group: RecordSetGroup, context: Context) -> Selection:
    """Let the group's policy, and those of groups its aliases lead to, choose what this client is answered.

    Args:
        group: at least one set; its `policy` is one of `record_set.POLICIES`.
        context: health, location and chance of this query.

    Source: docs/route53/routing-policies.md §2, alias-trees.md §3.
    """
    selection = Walk(order, context).select(group)
    scope_prefix_len = context.scope_prefix_len
    if scope_prefix_len:
        selection = selection._replace(scope_prefix_len=scope_prefix_len)
    context.settle(group, selection)
    return selection


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterable[RecordSet]:
    """Return sets of a group in the order in which its policy answers with them; any policy but multivalue.

    Sets that are not for this client do not come. Where chance decides, each is drawn when it is asked for.
    """
    return _ORDERS[group.policy](group, sets, context)
