"""What of the last load still holds for the next?

A zone whose files are all as they were is the same zone: the next snapshot gets the very object. Its files
are master file, policy files and what they include; what the health checks that it names look like is no part
of it, because a zone holds their ids alone and whether each id is defined is checked at every load. The CIDR
collections that it names are a part of it, because it holds their blocks: where one is another now, in
whichever file, the files of the zone are read again.

Where one file of a zone changed, was added or is gone, all files of that zone are read again, and of a file
that moved from one zone to another those of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from r53lite.control.cidr_collection_file import CidrCollection
from r53lite.control.stamps import Stamp
from r53lite.errors import Fault
from r53lite.health.model import HealthCheck
from r53lite.routing.locations import Locations
from r53lite.routing.record_set import OutsideTarget, RecordSetGroup
from r53lite.zone.model import Zone
from r53lite.zone.records import Record, RecordTable


class Reading(NamedTuple):
    """What one file says.

    `origin` is the zone it belongs to; None for a policy file with what is common to the directory alone, or
    a name that is none. `health_checks`, `references` and `cidr_collections` have the lines where they stand.
    `included` are the files that $INCLUDE names. Data (`table` of a master file, `records` and `groups` of a
    policy file) is there only from reading to building.
    """

    path: Path
    origin: bytes | None = None
    faults: tuple[Fault, ...] = ()
    included: tuple[Path, ...] = ()
    health_checks: tuple[tuple[HealthCheck, int], ...] = ()
    references: tuple[tuple[str, int], ...] = ()
    table: RecordTable | None = None
    records: tuple[Record, ...] = ()
    groups: tuple[RecordSetGroup, ...] = ()
    is_kept: bool = False
    cidr_collections: tuple[tuple[CidrCollection, int], ...] = ()

    @property
    def is_master_file(self) -> bool:
        """Say whether it was read as a master file."""
        return self.path.suffix != ".yaml"

    @property
    def has_errors(self) -> bool:
        """Say whether at least one of its faults is an error."""
        return any(fault.is_error for fault in self.faults)

    def without_data(self) -> Reading:
        """Return what is kept for the next load."""
        return self._replace(table=None, records=(), groups=(), is_kept=True)


class KeptZone(NamedTuple):
    """A zone, and the warnings of building it.

    `outside` are the names outside it that its aliases lead to, `collections` the CIDR collections that its
    groups go by, `regions` those that the health checks of its groups tell of.
    """

    zone: Zone
    faults: tuple[Fault, ...]
    outside: frozenset[OutsideTarget] = frozenset()
    collections: tuple[CidrCollection, ...] = ()
    regions: Mapping[str, str | None] = {}  # never written to


class KeptLocations(NamedTuple):
    """Where clients are, the warnings of reading it, and all files that it comes from."""

    locations: Locations
    faults: tuple[Fault, ...] = ()
    files: tuple[Path, ...] = ()


NO_LOCATIONS = KeptLocations(Locations(()))


class KeptFiles(NamedTuple):
    """What a load without errors leaves for the next; `stamps` are of all files, those of $INCLUDE too."""

    readings: Mapping[Path, Reading]
    stamps: Mapping[Path, Stamp]
    zones: Mapping[bytes, KeptZone]
    locations: KeptLocations = NO_LOCATIONS


NOTHING_KEPT = KeptFiles({}, {}, {})


def read_what_changed(
    paths: Sequence[Path],
    kept: KeptFiles,
    take_stamp: Callable[[Path], Stamp],
    read: Callable[[Path], Reading],
) -> dict[Path, Reading]:
    """Return a reading of every file: anew for each zone that something changed for, else the kept one.

    Args:
        paths: the files that there are now.
        kept: what the last load left.
        take_stamp: returns a file's stamp; the same one each time in one load.
        read: reads a file.
    """

    def is_unchanged(path: Path) -> bool:
        reading = kept.readings.get(path)
        return reading is not None and all(
            take_stamp(file) == kept.stamps.get(file) for file in (path, *reading.included)
        )

    readings: dict[Path, Reading] = {}
    there = dict.fromkeys(paths)
    changed = [path for path in there if not is_unchanged(path)]
    gone = [path for path in kept.readings if path not in there]
    changed_origins = {kept.readings[path].origin for path in (*changed, *gone) if path in kept.readings}
    todo = changed
    while True:
        for path in todo:
            readings[path] = read(path)
            changed_origins.add(readings[path].origin)
        unread = [path for path in there if path not in readings]
        as_before = [kept.readings[path] for path in unread]
        changed_origins |= _with_other_blocks(kept, (*readings.values(), *as_before))
        changed_origins.discard(None)
        todo = [path for path in unread if kept.readings[path].origin in changed_origins]
        if not todo:
            break
    return {path: readings.get(path) or kept.readings[path] for path in paths}


def _with_other_blocks(kept: KeptFiles, readings: Iterable[Reading]) -> set[bytes]:
    """Return the zones that go by a CIDR collection that is another now, or none."""
    used = {origin: zone.collections for origin, zone in kept.zones.items() if zone.collections}
    if not used:
        return set()
    now: dict[str, CidrCollection] = {}
    for reading in readings:
        for collection, _ in reading.cidr_collections:
            now[collection.name] = collection  # a name that is there twice is an error: nothing is kept then
    return {
        origin
        for origin, collections in used.items()
        if any(now.get(collection.name) != collection for collection in collections)
    }
