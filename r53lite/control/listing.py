"""Which files of a directory are zone files, and which look as if they were meant to be?

Subdirectories are left alone, and so are the reserved names: settings, locations, the plan of the lab.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from r53lite.errors import Fault

SUFFIXES = (".zone", ".yaml")
SETTINGS_NAME = "r53lite.yaml"
LOCATIONS_NAME = "locations.yaml"
LAB_NAME = "lab.yaml"
RESERVED_NAMES = frozenset({SETTINGS_NAME, LOCATIONS_NAME, LAB_NAME})


def list_zone_files(sources: Iterable[Path]) -> list[Path]:
    """Return the zone files of the sources: a file is itself, a directory its `*.zone` and `*.yaml`.

    Hidden files are left alone: editors and copying tools write such beside the real ones.
    """
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = [path for suffix in SUFFIXES for path in source.glob(f"[!.]*{suffix}")]
            found += sorted(path for path in inside if path.name not in RESERVED_NAMES and path.is_file())
        else:
            found.append(source)
    return found


def overlooked_files(sources: Iterable[Path]) -> list[Fault]:
    """Return a warning for each file whose name is nearly one that would be read, and for a directory in
    which nothing is.
    """
    found = []
    for source in sources:
        if not source.is_dir():
            continue
        for path in sorted(source.iterdir()):
            suffix = path.suffix.lower()
            is_near = suffix == ".yml" or (suffix in SUFFIXES and path.suffix != suffix)
            if is_near and not path.name.startswith(".") and path.is_file():
                expected = ".zone" if suffix == ".zone" else ".yaml"
                reason = f"file is not read: its name ends in {path.suffix!r}; expected {expected!r}"
                found.append(Fault(str(path), 0, reason, is_error=False))
        if not list_zone_files([source]):
            reason = "no zone files here; expected names that end in '.zone' or '.yaml'"
            found.append(Fault(str(source), 0, reason, is_error=False))
    return found
