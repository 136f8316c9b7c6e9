"""What do the health checks of a server's snapshot set going? Probes, and latencies measured by them.

Everything here is made with the first check: a server without checks starts without aiohttp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from r53lite.config.settings import HealthSettings
from r53lite.control.latency_meter import LatencyMeter
from r53lite.control.snapshot import Snapshot
from r53lite.health.model import HealthCheck
from r53lite.health.table import HealthTable
from r53lite.routing.latencies import LatencyTable

if TYPE_CHECKING:
    from r53lite.health.probes.http import HttpProbe
    from r53lite.health.scheduler import HealthScheduler


class HealthLoop:
    """The probes of one server, kept to what its snapshot says.

    Args:
        settings: where probes may go, and how many at once.
        publish_latencies: told a new table where the locations say that probes tell of latencies.
    """

    def __init__(self, settings: HealthSettings, publish_latencies: Callable[[LatencyTable], object]) -> None:
        self._settings = settings
        self._publish_latencies = publish_latencies
        self._checks: Mapping[str, HealthCheck] = {}
        self._scheduler: HealthScheduler | None = None
        self._probe: HttpProbe | None = None
        self._meter = LatencyMeter()
        self._is_measured = False
        self._is_started = False
        self._no_health = HealthTable()

    @property
    def table(self) -> HealthTable:
        """Return the published health table."""
        return self._no_health if self._scheduler is None else self._scheduler.table

    def follow(self, snapshot: Snapshot) -> None:
        """Take the checks of a new snapshot, and the regions they tell of."""
        if snapshot.health_checks is not self._checks:
            self._checks = snapshot.health_checks
            self._take_checks()
        self._is_measured = snapshot.locations.is_measured
        if self._is_measured:
            self._meter.watch(snapshot.regions)

    def start(self) -> None:
        """Begin to probe."""
        self._is_started = True
        if self._scheduler is not None:
            self._scheduler.start()

    async def wait_first_probes(self) -> None:
        """Return when every check has been looked at for the first time, or is being so."""
        if self._scheduler is not None:
            await self._scheduler.wait_first_probes()

    async def stop(self) -> None:
        """End all probes; safe before the start."""
        self._is_started = False
        if self._scheduler is not None:
            await self._scheduler.stop()
        if self._probe is not None:
            await self._probe.close()

    def _take_checks(self) -> None:
        if self._scheduler is None:
            if not self._checks:
                return
            from r53lite.health.probes.http import HttpProbe
            from r53lite.health.scheduler import HealthScheduler

            self._probe = HttpProbe(self._settings.probe_networks)
            self._scheduler = HealthScheduler(
                probe=self._probe,
                max_in_flight=self._settings.max_in_flight,
                on_success=self.measure,
            )
            self._scheduler.update(self._checks)
            if self._is_started:
                self._scheduler.start()
        else:
            self._scheduler.update(self._checks)

    def measure(self, check: str, seconds: float, now: float) -> None:
        """Let the time of a probe count for latencies, where the locations say that it does."""
        if self._is_measured and self._meter.observe(check, seconds, now):
            self._publish_latencies(self._meter.published)
