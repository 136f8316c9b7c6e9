"""Which set does a weighted group answer with? One, with a probability of its share of the weights.

Chance decides by whole weights in file order (`Context.choose`), so that the shares are exact fractions.

A set of weight 0 is not offered while a healthy set of another weight exists. Our reading of a group where
only some sets have checks: a zero-weight set without a check is healthy, so it takes over once every
weighted one is down. A set that turns out to lead nowhere healthy (an alias) is drawn no second time: chance
decides among the others.

Source: docs/route53/routing-policies.md §2.2, alias-trees.md §3.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup

MAX_WEIGHT = 255


def order(group: RecordSetGroup, sets: Sequence[RecordSet], context: Context) -> Iterator[RecordSet]:
    """Draw the sets without replacement: those of a weight over 0 by weight, then those of weight 0 evenly.

    Each is drawn only when it is asked for.

    Source: docs/route53/routing-policies.md §2.2; alias-trees.md §3.3.
    """
    for turn in turns(sets):
        yield from _draw_all(list(turn), [record_set.weight or 1 for record_set in turn], context)


def turns(sets: Sequence[RecordSet]) -> list[Sequence[RecordSet]]:
    """Return the sets of a weight over 0, which are drawn first, and those of weight 0; neither is empty."""
    weighted = [record_set for record_set in sets if record_set.weight]
    zeros = [record_set for record_set in sets if not record_set.weight]
    return [turn for turn in (weighted, zeros) if turn]


def _draw_all(sets: list[RecordSet], weights: list[int], context: Context) -> Iterator[RecordSet]:
    while sets:
        index = context.choose(weights) if len(sets) > 1 else 0
        weights.pop(index)
        yield sets.pop(index)
