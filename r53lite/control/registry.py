"""Who changes what is served? The registry alone: it loads, checks and swaps one reference.

A load that has an error changes nothing: the old snapshot keeps serving and the faults go to the caller.
`watch` looks at the files twice a second (modification time and size: portable, and cheap for the dozens of
files a directory has) and reloads when something changed, so a good edit is live within 2 s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from r53lite.control.snapshot import Snapshot
from r53lite.control.zone_files import LoadedFiles, list_zone_files, load_zone_files
from r53lite.errors import Fault, ZoneDataError
from r53lite.routing.latencies import LatencyTable
from r53lite.routing.locations import Locations
from r53lite.zone.catalog import Catalog

POLL_INTERVAL_S = 0.5  # design: a good edit is live within 2 s

logger = logging.getLogger("r53lite.control")

_Signature = dict[str, tuple[int, int]]


class Registry:
    """The only writer of the snapshot.

    Args:
        sources: directories and files of zones.
        locations: path of `locations.yaml`, or None.
        on_publish: told of each new snapshot, before queries see it.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        locations: Path | None = None,
        on_publish: Callable[[Snapshot], None] | None = None,
    ) -> None:
        self._sources = tuple(sources)
        self._locations = locations
        self._on_publish = on_publish
        self._signature: _Signature = {}
        self._measured = LatencyTable()
        self._named: tuple[Path, ...] = ()  # files that the last load's files name
        self.snapshot = Snapshot(Catalog(()), {}, Locations(()))

    def load(self) -> tuple[Fault, ...]:
        """Load everything and publish it.

        Returns:
            The warnings.

        Raises:
            ZoneDataError: at least one error; the old snapshot stands.
        """
        self._signature = self._look()
        loaded = load_zone_files(self._sources, self._locations)
        self._watch_named(loaded)
        return self._publish(loaded)

    def _watch_named(self, loaded: LoadedFiles) -> None:
        """Look from now on at the files that the loaded ones name as well; those that were looked at before
        the load are compared with what they were then.
        """
        dropped = {str(path) for path in self._named} - {str(path) for path in loaded.included_files}
        self._named = loaded.included_files
        before = {path: state for path, state in self._signature.items() if path not in dropped}
        self._signature = _look_at(self._named) | before

    def _publish(self, loaded: LoadedFiles) -> tuple[Fault, ...]:
        loaded.raise_for_errors()
        version = self.snapshot.version + 1
        locations = loaded.locations.with_measured(self._measured)
        snapshot = Snapshot(loaded.catalog, loaded.health_checks, locations, version, loaded.outside)
        if self._on_publish is not None:
            self._on_publish(snapshot)
        self.snapshot = snapshot
        return loaded.faults

    def publish_latencies(self, measured: LatencyTable) -> None:
        """Let the times of our probes count from now on, where the locations say that they do."""
        self._measured = measured
        served = self.snapshot
        locations = served.locations.with_measured(measured)
        if locations is not served.locations:
            self.snapshot = served._replace(locations=locations, version=served.version + 1)

    async def watch(self) -> None:
        """Reload whenever a file changed, until cancelled; a faulty change is logged and refused."""
        while True:
            await asyncio.sleep(POLL_INTERVAL_S)
            signature = self._look()
            if signature == self._signature:
                continue
            self._signature = signature
            try:
                # Read off the answering path: parsing a large zone takes seconds.
                loaded = await asyncio.to_thread(load_zone_files, self._sources, self._locations)
            except Exception:  # a bug in a reader must not end the watch
                logger.exception(
                    "reading the zone files failed; version %d keeps serving", self.snapshot.version
                )
                continue
            self._watch_named(loaded)
            self._take(loaded)

    def _take(self, loaded: LoadedFiles) -> None:
        """Publish what was loaded, or log why not."""
        try:
            self._publish(loaded)
        except ZoneDataError as error:
            for fault in error.faults:
                logger.log(logging.ERROR if fault.is_error else logging.WARNING, "%s", fault)
            logger.log(logging.ERROR, "change refused; version %d keeps serving", self.snapshot.version)
        else:
            for fault in loaded.faults:
                logger.warning("%s", fault)
            logger.info("reloaded: %d zones, version %d", len(loaded.zones), self.snapshot.version)

    def _look(self) -> _Signature:
        """Return what tells one state of the files from another."""
        paths = list_zone_files(self._sources)
        if self._locations is not None:
            paths.append(self._locations)
        return _look_at([*paths, *self._named])


def _look_at(paths: Iterable[Path]) -> _Signature:
    """Return the modification time and the size of files; -1 of those that are missing."""
    signature: _Signature = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            signature[str(path)] = (-1, -1)
        else:
            signature[str(path)] = (stat.st_mtime_ns, stat.st_size)
    return signature
