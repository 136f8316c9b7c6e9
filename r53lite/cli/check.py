"""`r53lite check`: validate zone files, policy files, locations and settings without serving them."""

from __future__ import annotations

from pathlib import Path

import click

from r53lite.config.loader import load_settings
from r53lite.control.zone_files import load_zone_files
from r53lite.errors import Fault, FaultyInputError
from r53lite.lab.plan import LAB_FILE_NAME, load_plan

SETTINGS_FILE_NAME = "r53lite.yaml"
LOCATIONS_FILE_NAME = "locations.yaml"


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
def check(paths: tuple[Path, ...]) -> None:
    """Validate files and directories (default: zones). Prints `file:line: reason`; exit code 1 where one is
    an error.
    """
    faults: list[Fault] = []
    zones = checks = 0
    for path in paths or (Path("zones"),):
        found, zone_count, check_count = check_path(path)
        faults += found
        zones += zone_count
        checks += check_count
    for fault in faults:
        click.echo(fault)
    errors = sum(fault.is_error for fault in faults)
    warnings = len(faults) - errors
    click.echo(f"{zones} zones, {checks} health checks: {errors} errors, {warnings} warnings", err=True)
    if errors:
        raise SystemExit(1)


def check_path(path: Path) -> tuple[list[Fault], int, int]:
    """Check one directory or file; return its faults and how many zones and health checks are sound."""
    if path.is_file():
        return _check_file(path)
    locations = path / LOCATIONS_FILE_NAME
    loaded = load_zone_files([path], locations if locations.exists() else None)
    faults = list(loaded.faults)
    for name in (SETTINGS_FILE_NAME, LAB_FILE_NAME):
        if (path / name).exists():
            faults += _faults_of(path / name)
    return faults, len(loaded.zones), len(loaded.health_checks)


def _check_file(path: Path) -> tuple[list[Fault], int, int]:
    """Check one file by what its name says it is."""
    if path.name in (SETTINGS_FILE_NAME, LAB_FILE_NAME):
        return _faults_of(path), 0, 0
    if path.name == LOCATIONS_FILE_NAME:
        return list(load_zone_files([], path).faults), 0, 0
    loaded = load_zone_files([path])
    return list(loaded.faults), len(loaded.zones), len(loaded.health_checks)


def _faults_of(path: Path) -> list[Fault]:
    """Return the faults of a settings or lab file."""
    try:
        if path.name == LAB_FILE_NAME:
            load_plan(path)
        else:
            load_settings(path)
    except FaultyInputError as error:
        return list(error.faults)
    return []
