"""`r53lite check`: validate zone files, policy files, locations and settings without serving them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import click

from r53lite.cli.progress import LoadingBar
from r53lite.config.loader import load_settings
from r53lite.config.target_settings import TargetRule
from r53lite.control.lint_targets import AssumedTargets
from r53lite.control.listing import overlooked_files
from r53lite.control.policy_lint import lint_policies
from r53lite.control.zone_files import LoadedFiles, Progress, load_zone_files
from r53lite.errors import Fault, FaultyInputError
from r53lite.lab.plan import LAB_FILE_NAME, load_plan

SETTINGS_FILE_NAME = "r53lite.yaml"
_COUNTED = ("zone", "health check", "error", "warning")
LOCATIONS_FILE_NAME = "locations.yaml"


class Findings(NamedTuple):
    """What was found, and how much of what was looked at is sound."""

    faults: list[Fault]
    zones: int
    health_checks: int


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def check(paths: tuple[Path, ...], is_json: bool) -> None:
    """Validate files and directories (default: zones), and warn of what is probably not meant.

    Prints `file:line: reason`; exit code 1 where one is an error.
    """
    with LoadingBar() as progress:
        parts = [check_path(path, progress) for path in paths or (Path("zones"),)]
    faults = [fault for part in parts for fault in part.faults]
    zones = sum(part.zones for part in parts)
    checks = sum(part.health_checks for part in parts)
    errors = sum(fault.is_error for fault in faults)
    if is_json:
        shown = [
            {
                "file": fault.file,
                "line": fault.line,
                "severity": "error" if fault.is_error else "warning",
                "reason": fault.reason,
            }
            for fault in faults
        ]
        click.echo(json.dumps({"zones": zones, "health_checks": checks, "faults": shown}))
    else:
        for fault in faults:
            click.echo(fault)
        words = map(_counted, (zones, checks, errors, len(faults) - errors), _COUNTED)
        click.echo("{}, {}: {}, {}".format(*words), err=True)
    if errors:
        raise SystemExit(1)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def check_path(path: Path, progress: Progress | None = None) -> Findings:
    """Check one directory or file.

    Args:
        path: a directory of zones, or a single file.
        progress: told how far the reading is.
    """
    if path.is_file():
        return _check_file(path, progress)
    locations = path / LOCATIONS_FILE_NAME
    loaded = load_zone_files([path], locations if locations.exists() else None, progress, is_linted=True)
    rules = _rules_beside(path)
    faults = [*loaded.faults, *_lint(loaded, AssumedTargets(rules)), *overlooked_files([path])]
    for name in (SETTINGS_FILE_NAME, LAB_FILE_NAME):
        if (path / name).exists():
            faults += _faults_of(path / name)
    return Findings(faults, len(loaded.zones), len(loaded.health_checks))


def _check_file(path: Path, progress: Progress | None) -> Findings:
    """Check one file by what its name says it is."""
    if path.name in (SETTINGS_FILE_NAME, LAB_FILE_NAME):
        return Findings(_faults_of(path), 0, 0)
    if path.name == LOCATIONS_FILE_NAME:
        return Findings(list(load_zone_files([], path).faults), 0, 0)
    loaded = load_zone_files([path], progress=progress, is_linted=True)
    return Findings(
        [*loaded.faults, *_lint(loaded, AssumedTargets())], len(loaded.zones), len(loaded.health_checks)
    )


def _rules_beside(directory: Path) -> tuple[TargetRule, ...] | None:
    """Return the `targets` of the settings file of a directory; None without a sound one."""
    path = directory / SETTINGS_FILE_NAME
    try:
        return load_settings(path).targets if path.exists() else None
    except FaultyInputError:
        return None  # its faults are told by themselves


def _lint(loaded: LoadedFiles, targets: AssumedTargets) -> list[Fault]:
    """Look at the policies of sound files: of others, parts are missing."""
    if any(fault.is_error for fault in loaded.faults):
        return []
    return lint_policies(loaded.zones, loaded.health_checks, loaded.locations, loaded.check_places, targets)


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
