"""Which sets does a multivalue group answer with? Up to eight healthy ones, another sample for each query.

The sample is drawn without replacement and in random order, so every healthy set is equally likely to be in
it and equally likely to come first. When no set is healthy the sample is of all.

Source: docs/route53/routing-policies.md §2.7.
"""

from __future__ import annotations

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.selection import Selection, healthy_sets

MAX_SETS = 8  # §2.7


def select(group: RecordSetGroup, context: Context) -> Selection:
    """Choose up to eight sets at random; their least TTL counts and equal values appear once.

    Source: docs/route53/routing-policies.md §2.7; per query rather than per resolver `[INF]`, least TTL
    `[INF]`.
    """
    sets = healthy_sets(group, context) or list(group.sets)
    count = min(MAX_SETS, len(sets))
    for index in range(count):  # the first steps of a Fisher-Yates shuffle
        other = index + context.draw(len(sets) - index)
        sets[index], sets[other] = sets[other], sets[index]
    chosen = tuple(sets[:count])
    rdatas = dict.fromkeys(rdata for record_set in chosen for rdata in record_set.rdatas)
    return Selection(min(record_set.ttl for record_set in chosen), tuple(rdatas), chosen)
