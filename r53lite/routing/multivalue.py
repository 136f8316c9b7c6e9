"""Which sets does a multivalue group answer with? Up to eight healthy ones, another sample for each query.

The sample is drawn without replacement and in random order, so every healthy set is equally likely to be in
it and equally likely to come first. When no set is healthy the sample is of all.

Source: docs/route53/routing-policies.md §2.7.
"""

from __future__ import annotations

from collections.abc import Sequence

from r53lite.routing.context import Context, arranged
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.routing.selection import Selection, healthy_sets

MAX_SETS = 8  # §2.7


def select(group: RecordSetGroup, context: Context) -> Selection:
    """Choose up to eight sets at random; their least TTL counts and equal values appear once.

    Source: docs/route53/routing-policies.md §2.7; per query rather than per resolver `[INF]`, least TTL
    `[INF]`.
    """
    sets = healthy_sets(group, context) or list(group.sets)
    chosen = tuple(sets[index] for index in _arrange(sets, min(MAX_SETS, len(sets)), context))
    ttl = min(record_set.ttl for record_set in chosen)
    rdatas = dict.fromkeys(rdata for record_set in chosen for rdata in record_set.rdatas)
    is_arranged = 1 < len(rdatas) == sum(len(record_set.rdatas) for record_set in chosen) == len(chosen)
    return Selection(ttl, tuple(rdatas), chosen, is_arranged=is_arranged)


def _arrange(sets: Sequence[RecordSet], wanted: int, context: Context) -> Sequence[int]:
    """Sample the sets.

    Where the sample settles more than which records come and in which order (a TTL, values that appear once),
    it is drawn rather than arranged: whoever compiles answers must not take records for the whole difference.
    """
    if wanted < len(sets):
        values = {record_set.rdatas for record_set in sets}
        is_plain = len(values) == len(sets) and all(len(rdatas) == 1 for rdatas in values)
        if not is_plain or len({record_set.ttl for record_set in sets}) > 1:
            return arranged(len(sets), wanted, context.draw)
    return context.arrange(len(sets), wanted)
