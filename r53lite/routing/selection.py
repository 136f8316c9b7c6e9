"""What has a policy chosen, and which sets may it choose from?

Pure; the values every policy module shares.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup


class Selection(NamedTuple):
    """What a policy answers with.

    `rdatas` holds no duplicates and is never empty; its order is the file's, and the answer arranges it anew,
    unless the policy itself has (`is_arranged`). `chosen` are the sets the values come from.
    `scope_prefix_len` is the prefix length for which the choice holds whoever asks from it (RFC 7871 §7.2.1):
    0 when location played no part.
    """

    ttl: int
    rdatas: tuple[bytes, ...]
    chosen: tuple[RecordSet, ...]
    scope_prefix_len: int = 0
    is_arranged: bool = False


def is_healthy(record_set: RecordSet, context: Context) -> bool:
    """Say whether a set may be chosen: its check is healthy, or it has none.

    Source: docs/route53/routing-policies.md §2, general selection rule.
    """
    return record_set.health_check is None or context.health.is_healthy(record_set.health_check)


def healthy_sets(group: RecordSetGroup, context: Context) -> list[RecordSet]:
    """Return the sets of a group that may be chosen, in file order; empty when all are unhealthy."""
    return [record_set for record_set in group.sets if is_healthy(record_set, context)]


def select_one(record_set: RecordSet, scope_prefix_len: int = 0) -> Selection:
    """Return the selection of exactly one set: all its values."""
    return Selection(record_set.ttl, record_set.rdatas, (record_set,), scope_prefix_len)
