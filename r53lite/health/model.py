"""What is a health check, and what does one probe of it say? (docs/route53/health-checks.md §4.1, §4.2)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

DEFAULT_INTERVAL_S = 30
DEFAULT_FAILURE_THRESHOLD = 3
CONNECT_LIMIT_S = 4.0  # §4.1: TCP connection of an HTTP check
RESPONSE_LIMIT_S = 2.0  # §4.1: status line after the connection stands


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One endpoint check. `interval_s` counts from the end of a probe to the start of the next (§4.2)."""

    id: str
    type: str = "HTTP"
    ip: str | None = None
    host: str | None = None
    port: int = 80
    path: str = "/"
    interval_s: int = DEFAULT_INTERVAL_S
    failure_threshold: int = DEFAULT_FAILURE_THRESHOLD
    inverted: bool = False
    disabled: bool = False


class ProbeResult(NamedTuple):
    """The outcome of one probe; `reason` reads as in Route 53 (`Success: …` or `Failure: …`, §4.5)."""

    is_success: bool
    reason: str


class HealthStatus(NamedTuple):
    """The published state of one check: what policies see, and why. `changed_at` is monotonic seconds.

    `consecutive` is how many probes in a row had the result `last_reason` tells; 0 before the first probe.
    """

    is_healthy: bool
    last_reason: str
    consecutive: int
    changed_at: float
    checked_at: float | None
