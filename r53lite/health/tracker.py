"""When does a check's published status flip? (docs/route53/health-checks.md §4.4 items 1, 3 and 4)

A tracker starts healthy and counts how many probes in a row had the same result; the state flips when that
run is opposite to it and as long as the failure threshold, in both directions. `disabled` forces healthy,
then `inverted` flips what is published. Always true: two flips are at least `failure_threshold` results
apart.

Pure: results and time are handed in. One checker per check: the 18 % rule of §4.4 item 2 has nothing to
aggregate.
"""

from __future__ import annotations

from r53lite.health.model import HealthCheck, HealthStatus, ProbeResult

NOT_PROBED = "no probe has ended yet"
DISABLED = "the check is disabled"


class Tracker:
    """Turns the probe results of one check into its published status.

    Args:
        check: the check whose threshold, inversion and disabling apply.
        now: when the check begins, monotonic seconds.

    Source: Route 53 health checks §4.4.
    """

    __slots__ = ("_check", "_is_passing", "_last_success", "status")

    def __init__(self, check: HealthCheck, now: float) -> None:
        self._check = check
        self._is_passing = True
        self._last_success = True
        self.status = HealthStatus(
            is_healthy=not check.inverted,
            last_reason=DISABLED if check.disabled else NOT_PROBED,
            consecutive=0,
            changed_at=now,
            checked_at=None,
        )

    def observe(self, result: ProbeResult, now: float) -> bool:
        """Count one probe result and renew `status`.

        Args:
            result: what the probe found.
            now: when the probe ended, monotonic seconds.

        Returns:
            True when the published status changed; always False for a disabled check.
        """
        if self._check.disabled:
            return False
        before = self.status
        consecutive = before.consecutive + 1 if result.is_success == self._last_success else 1
        self._last_success = result.is_success
        is_flip = result.is_success != self._is_passing and consecutive >= self._check.failure_threshold
        if is_flip:
            self._is_passing = result.is_success
        self.status = HealthStatus(
            is_healthy=self._is_passing != self._check.inverted,
            last_reason=result.reason,
            consecutive=consecutive,
            changed_at=now if is_flip else before.changed_at,
            checked_at=now,
        )
        return is_flip
