"""`r53lite check`: validate zone files, policy files, locations and settings without serving them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from r53lite.cli.progress import LoadingBar
from r53lite.config.loader import load_settings
from r53lite.config.settings import Settings
from r53lite.control.lint_survival import Survival
from r53lite.control.lint_targets import AssumedTargets
from r53lite.control.listing import LAB_NAME, LOCATIONS_NAME, SETTINGS_NAME, overlooked_files
from r53lite.control.location_files import find_locations
from r53lite.control.policy_lint import PolicyFindings, lint_policies
from r53lite.control.zone_files import LoadedFiles, Progress, load_zone_files
from r53lite.dns.name import format_name
from r53lite.dns.rrtypes import format_rrtype
from r53lite.errors import Fault, FaultyInputError
from r53lite.lab.plan import load_plan

_COUNTED = ("zone", "health check", "error", "warning")


class Findings(NamedTuple):
    """What was found, and how much of what was looked at is sound. `survivals` are those of groups with
    health checks.
    """

    faults: list[Fault]
    zones: int = 0
    health_checks: int = 0
    survivals: Sequence[Survival] = ()


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (YAML).")
@click.option("--survival", is_flag=True, help="Also list each group with health checks: does it survive?")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def check(paths: tuple[Path, ...], config: Path | None, survival: bool, is_json: bool) -> None:
    """Validate files and directories (default: zones), and warn of what is probably not meant.

    Prints `file:line: reason`; exit code 1 where one is an error.
    """
    with LoadingBar() as progress:
        parts = [check_path(path, progress, config) for path in paths or (Path("zones"),)]
    faults = [fault for part in parts for fault in part.faults]
    survivals = [one for part in parts for one in part.survivals]
    zones = sum(part.zones for part in parts)
    checks = sum(part.health_checks for part in parts)
    errors = sum(fault.is_error for fault in faults)
    if is_json:
        shape = {
            "zones": zones,
            "health_checks": checks,
            "faults": [_fault_shape(fault) for fault in faults],
            "groups": [_survival_shape(one) for one in survivals],
        }
        click.echo(json.dumps(shape))
    else:
        for fault in faults:
            click.echo(fault)
        for one in survivals if survival else ():
            click.echo(_survival_text(one))
        words = map(_counted, (zones, checks, errors, len(faults) - errors), _COUNTED)
        click.echo("{}, {}: {}, {}".format(*words), err=True)
        if survivals:
            lasting = sum(one.survives is True for one in survivals)
            checked = f"{_counted(len(survivals), 'group')} with health checks"
            click.echo(f"{lasting} of {checked} survive any one failure", err=True)
    if errors:
        raise SystemExit(1)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _fault_shape(fault: Fault) -> dict[str, object]:
    severity = "error" if fault.is_error else "warning"
    return {"file": fault.file, "line": fault.line, "severity": severity, "reason": fault.reason}


def _survival_shape(one: Survival) -> dict[str, object]:
    """Return whether a group survives: true, false, or null where nobody can tell."""
    group = one.group
    shape: dict[str, object] = {
        "name": format_name(group.owner),
        "type": format_rrtype(group.rrtype),
        "policy": group.policy,
        "file": group.file,
        "line": group.line,
        "survives_any_one_failure": one.survives,
        "clients_tried": one.clients,
    }
    if one.survives is False:
        shape["counter_example"] = {"down": one.check, "answer": one.answer, "client": one.client or None}
    return shape


def _survival_text(one: Survival) -> str:
    group = one.group
    words = {True: "yes", False: f"no: {one.check} down", None: "too many outcomes to tell"}
    name = f"{format_name(group.owner)} {format_rrtype(group.rrtype)}"
    return f"{group.file}:{group.line}: {name} survives any one failure: {words[one.survives]}"


def check_path(path: Path, progress: Progress | None = None, config: Path | None = None) -> Findings:
    """Check one directory or file.

    Args:
        path: a directory of zones, or a single file.
        progress: told how far the reading is.
        config: the settings that `serve` is given with this directory; None for the file inside it, if any.
    """
    if path.is_file():
        return _check_file(path, progress)
    settings_path = config or path / SETTINGS_NAME
    settings, faults = _read_settings(settings_path) if config or settings_path.exists() else (Settings(), [])
    locations = find_locations(settings or Settings(), [path])
    loaded = load_zone_files([path], locations, progress, is_linted=True)
    lint = _lint(loaded, AssumedTargets(None if settings is None else settings.targets))
    faults = [*loaded.faults, *lint.faults, *_overlooked(path, locations), *faults]
    if (path / LAB_NAME).exists():
        faults += _faults_of_plan(path / LAB_NAME)
    return Findings(faults, len(loaded.zones), len(loaded.health_checks), lint.survivals)


def _check_file(path: Path, progress: Progress | None) -> Findings:
    """Check one file by what its name says it is."""
    if path.name == SETTINGS_NAME:
        return Findings(_read_settings(path)[1])
    if path.name == LAB_NAME:
        return Findings(_faults_of_plan(path))
    if path.name == LOCATIONS_NAME:
        return Findings(list(load_zone_files([], path).faults))
    loaded = load_zone_files([path], progress=progress, is_linted=True)
    lint = _lint(loaded, AssumedTargets())
    faults = [*loaded.faults, *lint.faults]
    return Findings(faults, len(loaded.zones), len(loaded.health_checks), lint.survivals)


def _lint(loaded: LoadedFiles, targets: AssumedTargets) -> PolicyFindings:
    """Look at the policies of sound files: of others, parts are missing."""
    if any(fault.is_error for fault in loaded.faults):
        return PolicyFindings([], [])
    return lint_policies(loaded.zones, loaded.health_checks, loaded.locations, loaded.check_places, targets)


def _overlooked(directory: Path, locations: Path | None) -> list[Fault]:
    """Return warnings of files that nobody reads; the settings may name one."""
    named = None if locations is None else str(locations)
    return [fault for fault in overlooked_files([directory]) if fault.file != named]


def _read_settings(path: Path) -> tuple[Settings | None, list[Fault]]:
    """Return the settings of a file, None where it has faults."""
    try:
        return load_settings(path), []
    except FaultyInputError as error:
        return None, list(error.faults)


def _faults_of_plan(path: Path) -> list[Fault]:
    """Return the faults of a lab file."""
    try:
        load_plan(path)
    except FaultyInputError as error:
        return list(error.faults)
    return []
