"""What may a policy look at? The health table, where the client is, and a draw of chance. Nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

DEFAULT_REGION = "us-east-1"  # routing-policies.md §2.3: a client nobody knows `[INF]`


class HealthView(Protocol):
    """What policies need of the published health table (`health.table.HealthTable`)."""

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy now; an unknown one counts as healthy (§3.4 row 13 `[INF]`)."""
        ...


class ClientLocation(NamedTuple):
    """Where a client is, by the longest matching network of `locations.yaml`.

    `latency_ms` has the measured latency per region where the file gives it; the rest is estimated.
    `prefix_len` is the length of the shortest prefix around the client for which this location holds (for
    RFC 7871's scope); `source` says which rule located it (`locations.yaml:12`).
    """

    region: str | None = None
    country: str | None = None
    subdivision: str | None = None
    continent: str | None = None
    coordinates: tuple[float, float] | None = None
    latency_ms: Mapping[str, float] = {}  # never written to
    prefix_len: int = 0
    source: str = ""


class Context(NamedTuple):
    """The facts of one query that a policy may use.

    `draw(n)` returns a whole number from 0 to n-1, uniform.
    """

    health: HealthView
    location: ClientLocation
    draw: Callable[[int], int]
