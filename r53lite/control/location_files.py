"""What do `locations.yaml` and the files that it names say together?

Reads them all into memory; nothing is read again because of a query. Paths inside the file are relative to
its directory. `files` of the result are all files that a change of the locations can come from, also those
that are missing, so that whoever watches files sees them appear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from r53lite.config.settings import Settings
from r53lite.config.text_file import decode_text
from r53lite.config.yaml_file import read_yaml
from r53lite.control.latencies_file import read_latencies
from r53lite.control.listing import LOCATIONS_NAME
from r53lite.control.locations_file import read_locations
from r53lite.errors import Fault, Faults
from r53lite.routing.latencies import LatencyMatrix
from r53lite.routing.locations import Locations
from r53lite.system_errors import reason_of

if TYPE_CHECKING:
    from r53lite.control.maxmind import MaxMindDatabase

MAX_DATABASE_BYTES = 1 << 30  # our choice: the whole file is held in memory; GeoLite2-City has 60 MB

T = TypeVar("T")


class LocationFiles(NamedTuple):
    """The locations, the faults of all their files, and the files."""

    locations: Locations
    faults: tuple[Fault, ...]
    files: tuple[Path, ...]


def find_locations(settings: Settings, sources: Sequence[Path]) -> Path | None:
    """Return the locations file: the settings' one, else the first directory's `locations.yaml`."""
    if settings.locations is not None:
        return Path(settings.locations)
    candidates = (source / LOCATIONS_NAME for source in sources if source.is_dir())
    return next((path for path in candidates if path.exists()), None)


def load_locations(path: Path, before_opening: Callable[[Path], object] | None = None) -> LocationFiles:
    """Read a locations file and what it names.

    Args:
        path: the locations file.
        before_opening: told of each file before it is opened, for who watches files.

    Returns:
        The locations, empty after an error in the YAML file's syntax; every fault, each with its file.
    """
    faults = Faults(str(path))
    files = _NamedFiles(path, before_opening or (lambda _path: None))
    files.before_opening(path)
    node = read_yaml(path, faults)
    locations = Locations() if faults.has_errors else read_locations(node, faults, files)
    return LocationFiles(locations, (*faults.items, *files.faults), (path, *files.paths))


class _NamedFiles:
    """Opens the files that a locations file names."""

    def __init__(self, path: Path, before_opening: Callable[[Path], object]) -> None:
        self._path = path
        self.before_opening = before_opening
        self.paths: list[Path] = []
        self.faults: list[Fault] = []

    def database(self, name: str, line: int) -> MaxMindDatabase | None:
        """Open a MaxMind DB file."""
        from r53lite.control.maxmind import open_maxmind  # the library is imported where it is needed only

        return self._open(name, line, lambda octets, faults: open_maxmind(octets, Path(name).name, faults))

    def matrix(self, name: str, line: int) -> LatencyMatrix | None:
        """Read a CSV file of latencies."""

        def read(octets: bytes, faults: Faults) -> LatencyMatrix | None:
            text = decode_text(octets, faults)
            return None if text is None else read_latencies(text, faults)

        return self._open(name, line, read)

    def _open(self, name: str, line: int, read: Callable[[bytes, Faults], T | None]) -> T | None:
        """Read a file whole; None, and a fault, where that fails."""
        path = self._path.parent / name
        self.paths.append(path)
        self.before_opening(path)
        faults = Faults(str(path))
        result = None
        try:
            size = path.stat().st_size
            if size > MAX_DATABASE_BYTES:
                faults.error(0, f"has {size} octets; the limit is {MAX_DATABASE_BYTES}")
            else:
                result = read(path.read_bytes(), faults)
        except OSError as error:
            faults.error(0, f"cannot read: {reason_of(error)}; {self._path}:{line} names it")
        self.faults += faults.items
        return result
