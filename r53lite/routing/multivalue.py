"""Which sets does a multivalue group answer with? Up to eight healthy ones, another sample for each query.

The sample is drawn without replacement and in random order, so every healthy set is equally likely to be in
it and equally likely to come first, with one of its values. When no set is healthy the sample is of all.

Source: docs/route53/routing-policies.md §2.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSet
from r53lite.routing.selection import Selection, arranged_rdatas, select_one

MAX_SETS = 8  # §2.7


def sample(sets: Sequence[RecordSet], context: Context) -> Selection:
    """Choose up to eight of some sets at random; their least TTL counts and equal values appear once.

    Args:
        sets: the healthy sets of a group, or all where none is.
        context: chance.

    Source: docs/route53/routing-policies.md §2.7; per query rather than per resolver `[INF]`, least TTL
    `[INF]`.
    """
    wanted = min(MAX_SETS, len(sets))
    draw = context.arrange if wanted == len(sets) or _is_even(sets) else context.sample
    chosen = tuple([sets[index] for index in draw(len(sets), wanted)])
    if len(chosen) == 1:
        return select_one(chosen[0])
    ttl = min(record_set.ttl for record_set in chosen)
    values = [arranged_rdatas(record_set.rdatas, context) for record_set in chosen]
    rdatas = tuple(dict.fromkeys(chain.from_iterable(values)))
    path = tuple([record_set.id for record_set in chosen])
    return Selection(ttl, rdatas, chosen, is_arranged=True, path=path)


def _is_even(sets: Sequence[RecordSet]) -> bool:
    """Say whether samples differ in nothing but which records come and in which order: one value each, all
    different, and one TTL.
    """
    values = {record_set.rdatas for record_set in sets}
    is_plain = len(values) == len(sets) and all(len(rdatas) == 1 for rdatas in values)
    return is_plain and len({record_set.ttl for record_set in sets}) == 1
