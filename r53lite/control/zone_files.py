"""What do a directory of zone files, or single ones, say?

Master files (`*.zone`) and policy files (`*.yaml`) are read, gathered by zone (a zone may have one of each),
built and checked. Every fault of every file is collected; the result holds the zones that are sound, and the
caller refuses the whole where there is an error.

Rules of design: a master file's name is its first $ORIGIN (`root.zone` means the root); a zone is named by
its SOA's owner; health-check ids and CIDR collections are global.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from r53lite.config.yaml_file import read_yaml
from r53lite.control.alias_links import BlockLinks, link_aliases, refuse_loops
from r53lite.control.cidr_collection_file import CidrCollection
from r53lite.control.freeing import free_document, free_in_slices, free_lists
from r53lite.control.kept_files import (
    NO_LOCATIONS,
    NOTHING_KEPT,
    KeptFiles,
    KeptLocations,
    KeptZone,
    Reading,
    read_what_changed,
)
from r53lite.control.latency_meter import merged_regions, regions_of_checks
from r53lite.control.listing import list_zone_files
from r53lite.control.location_files import load_locations
from r53lite.control.policy_file import read_policy_file
from r53lite.control.snapshot import Snapshot
from r53lite.control.stamps import Stamp, take_stamp
from r53lite.dns.name import ROOT, format_name, parse_name
from r53lite.errors import Fault, Faults, NameSyntaxError, ZoneDataError
from r53lite.health.model import HealthCheck
from r53lite.routing.locations import Locations
from r53lite.routing.record_set import OutsideTarget, RecordSetGroup
from r53lite.system_errors import reason_of
from r53lite.zone.builder import build_zone
from r53lite.zone.catalog import Catalog
from r53lite.zone.lint import lint_zones
from r53lite.zone.master_file import Include, IncludedFile, read_chunks
from r53lite.zone.model import Zone
from r53lite.zone.records import Record, RecordTable, add_records

Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all) every few milliseconds, while zones are built too; may raise to end it."""

CHUNK_BYTES = 1 << 14  # a millisecond or two of reading


class LoadedFiles(NamedTuple):
    """Sound zones and health checks, the locations, and all faults in order of files and lines.

    `included_files` are those that $INCLUDE and the locations file name, also those that are missing: a
    change of one is a change of what names it. `check_places` has the file and line of each health check.
    `outside` are the names outside the zones that aliases lead to; `regions` says which region each health
    check tells of; `kept` is for the next load.
    """

    zones: tuple[Zone, ...]
    health_checks: dict[str, HealthCheck]
    locations: Locations
    faults: tuple[Fault, ...]
    included_files: tuple[Path, ...] = ()
    check_places: Mapping[str, tuple[str, int]] = {}  # never written to
    outside: frozenset[OutsideTarget] = frozenset()
    regions: Mapping[str, str | None] = {}  # never written to
    kept: KeptFiles = NOTHING_KEPT

    @property
    def catalog(self) -> Catalog:
        """Return the zones as a catalog."""
        return Catalog(self.zones)

    def snapshot(self, version: int = 1) -> Snapshot:
        """Return all of it as a query is to see it."""
        return Snapshot(self.catalog, self.health_checks, self.locations, version, self.outside, self.regions)

    def raise_for_errors(self) -> None:
        """Raise a ZoneDataError with every fault where at least one is an error."""
        if any(fault.is_error for fault in self.faults):
            raise ZoneDataError(self.faults)


class _Parts:
    """What the files say of one zone, before it is built."""

    def __init__(self) -> None:
        self.table: RecordTable | None = None
        self.records: list[Record] = []
        self.groups: list[RecordSetGroup] = []
        self.files: list[str] = []
        self.master_file = ""
        self.is_kept = True


class _Loading:
    """One pass over the files."""

    def __init__(
        self, paths: Sequence[Path], progress: Progress | None, kept: KeptFiles, *, is_linted: bool
    ) -> None:
        self._paths = paths
        self._progress = progress
        self._kept = kept
        self._is_linted = is_linted
        self._linted: dict[bytes, tuple[Zone, RecordTable]] = {}
        self._done_bytes = 0
        self._total_bytes = 0
        self.stamps: dict[Path, Stamp] = {}
        self.readings: dict[Path, Reading] = {}
        self.zones: dict[bytes, KeptZone] = {}
        self.parts: dict[bytes, _Parts] = {}
        self.checks: dict[str, tuple[HealthCheck, str, int]] = {}
        self.references: list[tuple[str, str, int]] = []
        self.collections: dict[str, tuple[CidrCollection, str, int]] = {}
        self.faults: list[Fault] = []
        self.faulty_origins: set[bytes] = set()

    def take_stamp(self, path: Path) -> Stamp:
        """Return the stamp of a file; the same one however often it is asked for."""
        if path not in self.stamps:
            self.stamps[path] = take_stamp(path)
        return self.stamps[path]

    def read_all(self) -> None:
        """Read what changed, and gather by zone what all files say, in their order."""
        is_master = [path for path in self._paths if path.suffix != ".yaml"]
        self._total_bytes = sum(max(self.take_stamp(path).size, 0) for path in is_master)
        self.readings = read_what_changed(self._paths, self._kept, self.take_stamp, self._read)
        for path in self._paths:
            reading = self.readings[path]
            self.faults += reading.faults
            if reading.origin is not None:
                self._gather(reading.origin, reading)
            self._note_health_checks(reading)
            self._note_collections(reading)
            if not reading.is_kept:
                self.readings[path] = reading.without_data()

    def _read(self, path: Path) -> Reading:
        """Read one file."""
        self.take_stamp(path)
        faults = Faults(str(path))
        reading = _read_policy_file(path, faults) if path.suffix == ".yaml" else None
        if reading is None:
            reading = self._read_master_file(path, faults)
        return reading._replace(faults=tuple(faults.items))

    def _read_master_file(self, path: Path, faults: Faults) -> Reading:
        try:
            origin = ROOT if path.stem == "root" else parse_name(path.stem)
        except NameSyntaxError as error:
            faults.error(0, f"the file's name is no zone name: {error}")
            return Reading(path)
        included: list[Path] = []
        try:
            table = RecordTable(path.stat().st_size)
            include = self._includer(path.parent, included)
            identity = str(path.resolve())
            read_chunks(self._chunks(path), str(path), origin, table, faults.items, include, identity)
        except OSError as error:
            faults.error(0, f"cannot read: {reason_of(error)}")
            return Reading(path, origin)
        zone = table.soa_owners[0] if table.soa_owners else origin
        return Reading(path, zone, included=tuple(dict.fromkeys(included)), table=table)

    def _chunks(self, path: Path) -> Iterator[bytes]:
        """Yield a file in pieces, telling after each how far the reading is."""
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                self._done_bytes += len(chunk)
                self._tell()

    def _tell(self) -> None:
        """Tell how far the reading is."""
        if self._progress is not None:
            self._progress(self._done_bytes, self._total_bytes)

    def _includer(self, directory: Path, included: list[Path]) -> Include:
        """Return what opens the files of $INCLUDE: relative to the file that names them, in the directory."""
        root = directory.resolve()

        def include(text: str, including: str) -> IncludedFile:
            path = Path(including).parent / text
            try:
                resolved = path.resolve()
                is_inside = resolved.is_relative_to(root)
                if is_inside:
                    included.append(path)
                    self.take_stamp(path)
                    self._total_bytes += resolved.stat().st_size
                    if not resolved.is_file():
                        raise ValueError(f"cannot include {text!r}: it is not a regular file")
            except OSError as error:
                raise ValueError(f"cannot include {text!r}: {reason_of(error)}") from error
            except RuntimeError as error:  # a loop of symbolic links
                raise ValueError(f"cannot include {text!r}: too many levels of symbolic links") from error
            if not is_inside:
                raise ValueError(f"cannot include {text!r}: it is outside the directory {str(directory)!r}")
            return IncludedFile(str(path), str(resolved), self._chunks(path))

        return include

    def _gather(self, origin: bytes, reading: Reading) -> None:
        """Add what a file says of a zone to the zone's parts."""
        if reading.has_errors:
            self.faulty_origins.add(origin)
        file = str(reading.path)
        is_unreadable = reading.is_master_file and reading.table is None and not reading.is_kept
        if is_unreadable:
            return
        parts = self.parts.setdefault(origin, _Parts())
        if reading.is_master_file:
            if parts.master_file:
                reason = f"zone {format_name(origin)!r} has a master file already: {parts.master_file}"
                self.faults.append(Fault(file, 0, reason))
                if reading.table is not None:
                    free_in_slices(reading.table)
                return
            parts.master_file = file
            parts.table = reading.table
        parts.is_kept &= reading.is_kept
        parts.files.append(file)
        parts.records += reading.records
        parts.groups += reading.groups

    def _note_health_checks(self, reading: Reading) -> None:
        """Note the health checks that a file defines and names; an id may be defined once."""
        file = str(reading.path)
        for check, line in reading.health_checks:
            if check.id in self.checks:
                _, first_file, first_line = self.checks[check.id]
                reason = f"health check {check.id!r} is defined already at {first_file}:{first_line}"
                self.faults.append(Fault(file, line, reason))
            else:
                self.checks[check.id] = (check, file, line)
        self.references += [(check_id, file, line) for check_id, line in reading.references]

    def _note_collections(self, reading: Reading) -> None:
        """Note the CIDR collections that a file defines; a name may be defined once."""
        file = str(reading.path)
        for collection, line in reading.cidr_collections:
            name = collection.name
            if name in self.collections:
                _, first_file, first_line = self.collections[name]
                reason = f"CIDR collection {name!r} is defined already at {first_file}:{first_line}"
                self.faults.append(Fault(file, line, reason))
            else:
                self.collections[name] = (collection, file, line)

    def load_locations(self, path: Path | None) -> KeptLocations:
        """Read where clients are; what did not change is taken over."""
        if path is None:
            return NO_LOCATIONS
        kept = self._kept.locations
        is_kept = path in kept.files and all(
            self.take_stamp(file) == self._kept.stamps.get(file) for file in kept.files
        )
        if not is_kept:
            kept = KeptLocations(*load_locations(path, self.take_stamp))
        self.faults += kept.faults
        return kept

    def build(self) -> list[Zone]:
        """Build every zone whose files could be read; note what the builder finds."""
        for check_id, file, line in self.references:
            if check_id not in self.checks:
                self.faults.append(Fault(file, line, f"health check {check_id!r} is not defined"))
        blocks = BlockLinks({name: collection for name, (collection, _, _) in self.collections.items()})
        for origin, parts in self.parts.items():
            kept = self._kept.zones.get(origin) if parts.is_kept else None
            if kept is None and not parts.is_kept:
                kept = self._build(origin, parts, blocks)
            if kept is not None:
                self.zones[origin] = kept
                self.faults += kept.faults
        self.faults += lint_zones(self._linted)
        return [kept.zone for kept in self.zones.values()]

    def _build(self, origin: bytes, parts: _Parts, blocks: BlockLinks) -> KeptZone | None:
        """Build a zone; None where it has an error, which is noted, or nothing in it."""
        table = parts.table or RecordTable()
        parts.table = None  # the builder takes it over
        add_records(table, parts.records)
        if not len(table) and not parts.groups and not parts.master_file:
            return None  # a policy file without records; a master file without any lacks its SOA
        records = table.snapshot() if self._is_linted else None
        built: list[Fault] = []
        files = tuple(dict.fromkeys((*parts.files, *table.files)))
        groups = blocks.link(parts.groups, built, self._tell)
        zone = build_zone(origin, table, groups, built, files, self._tell)
        outside = frozenset[OutsideTarget]()
        if zone is None:
            refuse_loops(groups, built)
        else:
            outside = link_aliases(zone, groups, built, self._tell)
        is_faulty = origin in self.faulty_origins
        if is_faulty:  # a record that could not be read explains what the builder misses
            built = [fault for fault in built if fault.is_error and fault.line]
        if zone is not None and not is_faulty:
            free_lists(table)
            if records is not None:
                self._linted[origin] = zone, records
            regions = regions_of_checks(one for group in groups for one in group.sets)
            return KeptZone(zone, tuple(built), outside, blocks.used_by(groups), regions)
        self.faults += built
        free_in_slices(table)
        return None


def _read_policy_file(path: Path, faults: Faults) -> Reading:
    document = read_yaml(path, faults)
    policy_file = read_policy_file(document, faults)
    free_document(document)
    if policy_file is None:
        return Reading(path)
    return Reading(
        path,
        policy_file.origin,
        health_checks=policy_file.health_checks,
        references=policy_file.references,
        cidr_collections=policy_file.cidr_collections,
        records=policy_file.records,
        groups=policy_file.groups,
    )


def load_zone_files(
    sources: Sequence[Path],
    locations: Path | None = None,
    progress: Progress | None = None,
    *,
    is_linted: bool = False,
    kept: KeptFiles = NOTHING_KEPT,
) -> LoadedFiles:
    """Read and check zone files.

    Args:
        sources: directories and single files.
        locations: the `locations.yaml` to read; None leaves every client unknown.
        progress: told now and then how many bytes of how many are read; master files alone count.
        is_linted: also warn of what `zone.lint` finds, which takes time and memory that serving has not.
        kept: what the last load without errors left; zones of which no file changed are taken over as they
            are.

    Returns:
        Everything that is sound, and every fault; nothing is raised for what a person wrote.
    """
    loading = _Loading(list_zone_files(sources), progress, kept, is_linted=is_linted)
    loading.read_all()
    zones = loading.build()
    places = loading.load_locations(locations)
    checks = {check_id: check for check_id, (check, _, _) in loading.checks.items()}
    order = sorted(set(loading.faults), key=lambda fault: (fault.file, fault.line, fault.reason))
    included = dict.fromkeys(path for reading in loading.readings.values() for path in reading.included)
    check_places = {check_id: (file, line) for check_id, (_, file, line) in loading.checks.items()}
    outside = frozenset[OutsideTarget]().union(*(zone.outside for zone in loading.zones.values()))
    keeping = KeptFiles(loading.readings, loading.stamps, loading.zones, places)
    return LoadedFiles(
        tuple(zones),
        checks,
        places.locations,
        tuple(order),
        tuple(dict.fromkeys((*included, *places.files))),
        check_places,
        outside,
        merged_regions(zone.regions for zone in loading.zones.values()),
        keeping,
    )
