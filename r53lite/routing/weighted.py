"""Which set does a weighted group answer with? One, with a probability of its share of the weights.

Chance decides by whole weights in file order (`Context.choose`), so that the shares are exact fractions.

A set of weight 0 is not offered while a healthy set of another weight exists. Our reading of a group where
only some sets have checks: a zero-weight set without a check is healthy, so it takes over once every
weighted one is down.

Source: docs/route53/routing-policies.md §2.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.routing.selection import Selection, healthy_sets, select_one


def select(group: RecordSetGroup, context: Context) -> Selection:
    """Choose one set by weight.

    Source: docs/route53/routing-policies.md §2.2.
    """
    candidates = eligible_sets(group, context)
    weights = [record_set.weight or 0 for record_set in candidates]
    if not any(weights):
        weights = [1] * len(candidates)
    return select_one(candidates[context.choose(weights)])


def eligible_sets(group: RecordSetGroup, context: Context) -> Sequence[RecordSet]:
    """Return the sets among which chance decides, in file order.

    They are either all of a weight over 0, and chosen by weight, or all of weight 0, and chosen evenly.
    """
    healthy = healthy_sets(group, context)
    weighted = [record_set for record_set in healthy if record_set.weight]
    if weighted:
        return weighted
    if healthy:
        return healthy
    # Last resort: all count as healthy. In a group of zeros only, the zeros are all there is.
    return [record_set for record_set in group.sets if record_set.weight] or group.sets
