"""What do a directory of zone files, or single ones, say?

Master files (`*.zone`) and policy files (`*.yaml`) are read, gathered by zone (a zone may have one of each),
built and checked. Every fault of every file is collected; the result holds the zones that are sound, and the
caller refuses the whole where there is an error.

Rules of design: `r53lite.yaml` and `locations.yaml` are reserved names, subdirectories are left alone; a
master file's name is its first $ORIGIN (`root.zone` means the root); a zone is named by its SOA's owner;
health-check ids are global.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from r53lite.config.yaml_file import read_yaml
from r53lite.control.locations_file import read_locations
from r53lite.control.policy_file import read_policy_file
from r53lite.dns.name import ROOT, format_name, parse_name
from r53lite.errors import Fault, Faults, NameSyntaxError, ZoneDataError
from r53lite.health.model import HealthCheck
from r53lite.routing.locations import Locations
from r53lite.routing.record_set import RecordSetGroup
from r53lite.zone.builder import build_zone
from r53lite.zone.catalog import Catalog
from r53lite.zone.master_file import CHUNK_BYTES, Include, IncludedFile, read_chunks
from r53lite.zone.model import Zone
from r53lite.zone.records import Record, RecordTable, add_records

Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all)."""

RESERVED_NAMES = frozenset({"r53lite.yaml", "locations.yaml", "lab.yaml"})


class LoadedFiles(NamedTuple):
    """Sound zones and health checks, the locations, and all faults in order of files and lines.

    `included_files` are those that $INCLUDE names, also those that are missing: a change of one is a change
    of its zone.
    """

    zones: tuple[Zone, ...]
    health_checks: dict[str, HealthCheck]
    locations: Locations
    faults: tuple[Fault, ...]
    included_files: tuple[Path, ...] = ()

    @property
    def catalog(self) -> Catalog:
        """Return the zones as a catalog."""
        return Catalog(self.zones)

    def raise_for_errors(self) -> None:
        """Raise a ZoneDataError with every fault where at least one is an error."""
        if any(fault.is_error for fault in self.faults):
            raise ZoneDataError(self.faults)


def list_zone_files(sources: Iterable[Path]) -> list[Path]:
    """Return the zone files of the sources: a file is itself, a directory its `*.zone` and `*.yaml`."""
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = [*source.glob("*.zone"), *source.glob("*.yaml")]
            found += sorted(path for path in inside if path.name not in RESERVED_NAMES and path.is_file())
        else:
            found.append(source)
    return found


class _Parts:
    """What the files say of one zone, before it is built."""

    def __init__(self) -> None:
        self.table: RecordTable | None = None
        self.records: list[Record] = []
        self.groups: list[RecordSetGroup] = []
        self.files: list[str] = []
        self.master_file = ""


class _Loading:
    """One pass over the files."""

    def __init__(self, paths: Sequence[Path], progress: Progress | None) -> None:
        self._progress = progress
        self._done_bytes = 0
        self._total_bytes = sum(
            path.stat().st_size for path in paths if path.suffix != ".yaml" and path.exists()
        )
        self.included: list[Path] = []
        self.parts: dict[bytes, _Parts] = {}
        self.checks: dict[str, tuple[HealthCheck, str, int]] = {}
        self.references: list[tuple[str, str, int]] = []
        self.faults: list[Fault] = []
        self.faulty_origins: set[bytes] = set()

    def read(self, path: Path) -> None:
        """Read one file into its zone's parts."""
        faults = Faults(str(path))
        if path.suffix == ".yaml":
            self._read_policy_file(path, faults)
        else:
            self._read_master_file(path, faults)
        self.faults += faults.items

    def _read_master_file(self, path: Path, faults: Faults) -> None:
        try:
            origin = ROOT if path.stem == "root" else parse_name(path.stem)
        except NameSyntaxError as error:
            faults.error(0, f"the file's name is no zone name: {error}")
            return
        try:
            table = RecordTable(path.stat().st_size)
            include = self._includer(path.parent)
            identity = str(path.resolve())
            read_chunks(self._chunks(path), str(path), origin, table, faults.items, include, identity)
        except OSError as error:
            faults.error(0, f"cannot read: {error}")
            self.faulty_origins.add(origin)
            return
        zone = table.soa_owners[0] if table.soa_owners else origin
        parts = self.parts.setdefault(zone, _Parts())
        if parts.master_file:
            faults.error(0, f"zone {format_name(zone)!r} has a master file already: {parts.master_file}")
            return
        parts.master_file = str(path)
        parts.files.append(str(path))
        parts.table = table
        if faults.has_errors:
            self.faulty_origins.add(zone)

    def _chunks(self, path: Path) -> Iterator[bytes]:
        """Yield a file in pieces, telling after each how far the reading is."""
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                self._done_bytes += len(chunk)
                if self._progress is not None:
                    self._progress(self._done_bytes, self._total_bytes)

    def _includer(self, directory: Path) -> Include:
        """Return what opens the files of $INCLUDE: relative to the file that names them, in the directory."""
        root = directory.resolve()

        def include(text: str, including: str) -> IncludedFile:
            path = Path(including).parent / text
            try:
                resolved = path.resolve()
                is_inside = resolved.is_relative_to(root)
                if is_inside:
                    self.included.append(path)
                    self._total_bytes += resolved.stat().st_size
                    if not resolved.is_file():
                        raise ValueError(f"cannot include {text!r}: it is not a regular file")
            except (OSError, RuntimeError) as error:  # a RuntimeError is a loop of symbolic links
                raise ValueError(f"cannot include {text!r}: {error}") from error
            if not is_inside:
                raise ValueError(f"cannot include {text!r}: it is outside the directory {str(directory)!r}")
            return IncludedFile(str(path), str(resolved), self._chunks(path))

        return include

    def _read_policy_file(self, path: Path, faults: Faults) -> None:
        node = read_yaml(path, faults)
        policy_file = read_policy_file(node, faults)
        if policy_file is None:
            return
        if policy_file.origin is not None:
            parts = self.parts.setdefault(policy_file.origin, _Parts())
            parts.files.append(str(path))
            parts.records += policy_file.records
            parts.groups += policy_file.groups
            if faults.has_errors:
                self.faulty_origins.add(policy_file.origin)
        for check, line in policy_file.health_checks:
            if check.id in self.checks:
                _, file, first_line = self.checks[check.id]
                faults.error(line, f"health check {check.id!r} is defined already at {file}:{first_line}")
            else:
                self.checks[check.id] = (check, str(path), line)
        self.references += [(check_id, str(path), line) for check_id, line in policy_file.references]

    def build(self) -> list[Zone]:
        """Build every zone whose files could be read; note what the builder finds."""
        for check_id, file, line in self.references:
            if check_id not in self.checks:
                self.faults.append(Fault(file, line, f"health check {check_id!r} is not defined"))
        zones = []
        for origin, parts in self.parts.items():
            table = parts.table or RecordTable()
            parts.table = None  # the builder takes it over
            add_records(table, parts.records)
            if not len(table) and not parts.groups:
                continue
            built: list[Fault] = []
            zone = build_zone(
                origin, table, parts.groups, built, tuple(dict.fromkeys((*parts.files, *table.files)))
            )
            if (
                origin in self.faulty_origins
            ):  # a record that could not be read explains what the builder misses
                built = [fault for fault in built if fault.is_error and fault.line]
            elif zone is not None:
                zones.append(zone)
            self.faults += built
        return zones


def load_zone_files(
    sources: Sequence[Path], locations: Path | None = None, progress: Progress | None = None
) -> LoadedFiles:
    """Read and check zone files.

    Args:
        sources: directories and single files.
        locations: the `locations.yaml` to read; None leaves every client unknown.
        progress: told now and then how many bytes of how many are read; master files alone count.

    Returns:
        Everything that is sound, and every fault; nothing is raised for what a person wrote.
    """
    paths = list_zone_files(sources)
    loading = _Loading(paths, progress)
    for path in paths:
        loading.read(path)
    zones = loading.build()
    places = Locations(())
    if locations is not None:
        faults = Faults(str(locations))
        node = read_yaml(locations, faults)
        if not faults.has_errors:
            places = read_locations(node, faults)
        loading.faults += faults.items
    checks = {check_id: check for check_id, (check, _, _) in loading.checks.items()}
    order = sorted(set(loading.faults), key=lambda fault: (fault.file, fault.line, fault.reason))
    return LoadedFiles(tuple(zones), checks, places, tuple(order), tuple(dict.fromkeys(loading.included)))
