"""Who changes what is served? The registry alone: it loads, checks and swaps one reference.

Changed files, SIGHUP and `r53lite reload` all end in `reload`. Reloads run one after another: a request while
one runs waits for it and for one more, which all requests of the meantime share, because the one that runs
may have read its files before they changed. A load that has an error changes nothing: the old snapshot
keeps serving and the faults go to the log and to who asked.

Reading, checking and comparing run in a thread of the registry's own (`control.quiet` says how it leaves the
interpreter to the event loop); what is left for the loop is to tell the health scheduler of changed checks
and to assign one reference. What is not served any more is freed in slices (`control.freeing`).

`watch` looks at the files twice a second (`control.stamps`: portable, and cheap for the dozens of files a
directory has), those of $INCLUDE and those that `locations.yaml` names too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from r53lite.control.freeing import FreeingQueue
from r53lite.control.kept_files import NOTHING_KEPT
from r53lite.control.listing import list_zone_files
from r53lite.control.quiet import make_way, quiet_loading
from r53lite.control.reload_report import ReloadReport, compare_zones
from r53lite.control.snapshot import Snapshot
from r53lite.control.stamps import Stamp, look_at_all
from r53lite.control.zone_files import LoadedFiles, load_zone_files
from r53lite.errors import Fault
from r53lite.routing.latencies import LatencyTable
from r53lite.routing.locations import Locations
from r53lite.zone.catalog import Catalog

POLL_INTERVAL_S = 0.5  # design: a good edit is live within 2 s
SETTLE_INTERVAL_S = 0.1  # a file that is still being written, or is away between two renames, gets so long
MAX_SETTLE_LOOKS = 5

logger = logging.getLogger("r53lite.control")

Result = TypeVar("Result")


class _Load(NamedTuple):
    """What one load brought; `snapshot` is None where it is refused, and the one that was `served` when it
    began where all is as it was.
    """

    files: LoadedFiles
    served: Snapshot
    snapshot: Snapshot | None
    report: ReloadReport


class _ClosedError(Exception):
    """The registry was closed while it was loading."""


class Registry:
    """The only writer of the snapshot.

    Args:
        sources: directories and files of zones.
        locations: returns the path of the locations file, or None; asked at each look, so that a file that
            appears is seen.
        on_publish: told when there is a new snapshot, in the same step of the loop, so before any query.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        locations: Callable[[], Path | None] = lambda: None,
        on_publish: Callable[[], None] | None = None,
    ) -> None:
        self._sources = tuple(sources)
        self._locations = locations
        self._on_publish = on_publish
        self._kept = NOTHING_KEPT
        self._measured = LatencyTable()
        self._seen: dict[Path, Stamp] = {}
        self._freeing: FreeingQueue | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[ReloadReport] | None = None
        self._tasks: set[asyncio.Task[ReloadReport]] = set()
        self._is_closed = False
        self._progress: Callable[[int, int], None] | None = None
        self.snapshot = Snapshot(Catalog(()), {}, Locations(()))

    async def load(self, progress: Callable[[int, int], None] | None = None) -> tuple[Fault, ...]:
        """Load everything for the first time and publish it.

        Args:
            progress: told (bytes done, bytes in all) on the way, in the registry's thread.

        Returns:
            The warnings.

        Raises:
            ZoneDataError: at least one error; nothing is published.
        """
        async with self._lock:
            self._progress = progress
            load = await self._in_thread(self._load)
            self._progress = None
            self._seen = dict(load.files.kept.stamps)
            load.files.raise_for_errors()
            return self._publish(load).faults

    async def reload(self) -> ReloadReport:
        """Load what changed and publish it, or refuse it; returns when it is over. See the module for how
        requests share a reload. Whoever waits may be canceled; the reload goes on.
        """
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._reload_in_turn())
            self._tasks.add(self._next)
            self._next.add_done_callback(self._tasks.discard)
        return await asyncio.shield(self._next)

    async def watch(self) -> None:
        """Reload whenever a file changed, until canceled."""
        while True:
            await asyncio.sleep(POLL_INTERVAL_S)
            stamps = await self._in_thread(self._look)
            for _ in range(MAX_SETTLE_LOOKS):
                if stamps == self._seen:
                    break
                await asyncio.sleep(SETTLE_INTERVAL_S)
                before, stamps = stamps, await self._in_thread(self._look)
                if stamps == before:
                    break
            if stamps != self._seen:
                await self.reload()

    async def close(self) -> None:
        """End the reloads under way; what they have read so far is dropped."""
        self._is_closed = True
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _reload_in_turn(self) -> ReloadReport:
        async with self._lock:
            self._next = None
            try:
                load = await self._in_thread(self._load)
            except Exception as error:  # a bug in a reader must not end the watch
                self._seen = await self._in_thread(self._look)
                logger.exception("reading the zone files failed")
                fault = Fault("r53lite", 0, f"reading the zone files failed: {error!r}")
                report = ReloadReport(self.snapshot.version, 0.0, None, (fault,))
            else:
                self._seen = dict(load.files.kept.stamps)
                report = self._publish(load)
        _log(report)
        return report

    def _publish(self, load: _Load) -> ReloadReport:
        """Let queries see what was loaded, unless it is refused or nothing changed.

        Returns:
            The report with the version that is served now: measured latencies may have made one meanwhile.
        """
        snapshot = load.snapshot
        if snapshot is not None:
            self._kept = load.files.kept
        if snapshot is not None and snapshot is not load.served:
            locations = snapshot.locations.with_measured(self._measured)  # maybe of this very moment
            self.snapshot = snapshot._replace(locations=locations, version=self.snapshot.version + 1)
            if self._on_publish is not None:
                self._on_publish()
        return load.report._replace(version=self.snapshot.version)

    def publish_latencies(self, measured: LatencyTable) -> None:
        """Let the times of our probes count from now on, where the locations say that they do."""
        self._measured = measured
        served = self.snapshot
        locations = served.locations.with_measured(measured)
        if locations is not served.locations:
            self.snapshot = served._replace(locations=locations, version=served.version + 1)

    # --- in the thread --------------------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        """Run in the registry's own thread: the loop's shared ones may all be waiting for something."""
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "r53lite-zones")
            self._freeing = FreeingQueue(loop)
        return await loop.run_in_executor(self._thread, work)

    def _load(self) -> _Load:
        """Read the files, and say what it comes to."""
        began = time.perf_counter()
        with quiet_loading():
            files = load_zone_files(self._sources, self._locations(), self._on_progress, kept=self._kept)
            assert self._freeing is not None  # made with the thread
            for origin, kept in files.kept.zones.items():
                if self._kept.zones.get(origin) is not kept:
                    self._freeing.watch(kept.zone.names)
            served = self.snapshot
            if any(fault.is_error for fault in files.faults):
                seconds = time.perf_counter() - began
                return _Load(files, served, None, ReloadReport(served.version, seconds, None, files.faults))
            snapshot = _next_snapshot(served, files)
            zones, warnings = compare_zones(served.catalog.zones, files.zones)
            seconds = time.perf_counter() - began
            report = ReloadReport(snapshot.version, seconds, zones, (*files.faults, *warnings))
            return _Load(files, served, snapshot, report)

    def _on_progress(self, done_bytes: int, total_bytes: int) -> None:
        """Make way for queries, once there are any; end the load when nobody wants it any more."""
        if self._is_closed:
            raise _ClosedError
        if self._progress is not None:
            self._progress(done_bytes, total_bytes)
        if self.snapshot.version:
            make_way()

    def _look(self) -> dict[Path, Stamp]:
        """Return the stamps of all files that the next load would read, as far as the last one tells."""
        with quiet_loading():
            paths = dict.fromkeys(list_zone_files(self._sources))
            locations = self._locations()
            if locations is not None:
                paths[locations] = None
            included = [path for path in self._seen if path not in paths]
            return {**look_at_all(paths), **look_at_all(included)}


def _next_snapshot(served: Snapshot, files: LoadedFiles) -> Snapshot:
    """Return the snapshot of what was loaded: the served one, or parts of it, where they are the same."""
    zones = served.catalog.zones
    checks = served.health_checks if files.health_checks == served.health_checks else files.health_checks
    is_same = len(zones) == len(files.zones) and all(map(lambda a, b: a is b, zones, files.zones))
    are_places_same = files.locations.is_from_same_files(served.locations)
    if is_same and served.version and checks is served.health_checks and are_places_same:
        return served
    return files.snapshot(served.version + 1)._replace(health_checks=checks)


def _log(report: ReloadReport) -> None:
    """Write a reload to the log: a line for each fault, and one for the whole."""
    for fault in report.faults:
        logger.log(logging.ERROR if fault.is_error else logging.WARNING, "%s", fault)
    logger.log(logging.ERROR if report.is_refused else logging.INFO, "%s", report)
