"""What has a policy chosen, and which sets may it choose from?

Pure; the values every policy module shares.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup


class Selection(NamedTuple):
    """What a group answers with.

    `rdatas` holds no duplicates; its order is the file's, and the answer arranges it anew, unless the policy
    itself has (`is_arranged`). Without rdata there is nothing for this client: NODATA. `chosen` are the sets
    that the values come from, `path` the SetIdentifiers from the root of an alias tree down to them; sets
    without one add none. `scope_prefix_len` is the prefix length for
    which the choice holds whoever asks from it (RFC 7871 §7.2.1): 0 when location played no part.
    `is_healthy` is False for a last resort. `is_usable` is False where the choice is an alias that leads
    nowhere: SERVFAIL.
    """

    ttl: int
    rdatas: tuple[bytes, ...]
    chosen: tuple[RecordSet, ...]
    scope_prefix_len: int = 0
    is_arranged: bool = False
    path: tuple[str, ...] = ()
    is_healthy: bool = True
    is_usable: bool = True

    def below(self, record_set: RecordSet) -> Selection:
        """Return the selection as an alias set sees what its target has chosen."""
        return self._replace(path=(record_set.id, *self.path)) if record_set.id else self


NOTHING = Selection(0, (), (), is_healthy=False)
"""No set is for this client: NODATA."""

UNUSABLE = Selection(0, (), (), is_healthy=False, is_usable=False)
"""An alias that leads nowhere."""


def is_healthy(record_set: RecordSet, context: Context) -> bool:
    """Say whether a set may be chosen: its check is healthy, or it has none. An alias's target is not looked
    at.

    Source: docs/route53/routing-policies.md §2, general selection rule; alias-trees.md §3.2, own(r).
    """
    return record_set.health_check is None or context.health.is_healthy(record_set.health_check)


def healthy_sets(group: RecordSetGroup, context: Context) -> list[RecordSet]:
    """Return the sets of a group that may be chosen, in file order; empty when all are unhealthy."""
    return [record_set for record_set in group.sets if is_healthy(record_set, context)]


def select_one(record_set: RecordSet) -> Selection:
    """Return the selection of exactly one set with values: all of them."""
    path = (record_set.id,) if record_set.id else ()
    return Selection(record_set.ttl, record_set.rdatas, (record_set,), path=path)


def arranged_rdatas(rdatas: tuple[bytes, ...], context: Context) -> tuple[bytes, ...]:
    """Return the values in a uniformly random order.

    Source: docs/route53/records-and-changes.md §1.10: all values, in random order each time.
    """
    if len(rdatas) < 2:
        return rdatas
    return tuple([rdatas[index] for index in context.arrange(len(rdatas), len(rdatas))])
