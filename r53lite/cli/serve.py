"""`r53lite serve`: answer authoritatively for a directory of zones and recursively for the rest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from r53lite.cli.progress import LoadingBar
from r53lite.config.loader import load_settings
from r53lite.config.settings import Endpoint, Settings, parse_endpoint
from r53lite.control.listing import SETTINGS_NAME, overlooked_files
from r53lite.errors import FaultyInputError, SettingsError
from r53lite.server.descriptors import raise_descriptor_limit
from r53lite.server.runtime import BindError, Server
from r53lite.server.signals import run_until_stopped
from r53lite.telemetry.log import setup_logging


def parse_endpoint_option(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> Endpoint | None:
    """Turn ADDR:PORT into an endpoint for click."""
    if value is None:
        return None
    try:
        return parse_endpoint(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _parse_endpoints(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Endpoint, ...]:
    parsed = (parse_endpoint_option(context, parameter, value) for value in values)
    return tuple(endpoint for endpoint in parsed if endpoint is not None)


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (YAML).")
@click.option("--zones", type=click.Path(path_type=Path, file_okay=False), help="Directory of zone files.")
@click.option("--listen", metavar="ADDR:PORT", multiple=True, callback=_parse_endpoints, help="Repeatable.")
@click.option("--api", metavar="ADDR:PORT", callback=parse_endpoint_option, help="HTTP port.")
@click.option("--no-api", is_flag=True, help="No HTTP port.")
@click.option("--no-recursion", is_flag=True, help="Answer for the zones alone.")
def serve(
    config: Path | None,
    zones: Path | None,
    listen: tuple[Endpoint, ...],
    api: Endpoint | None,
    no_api: bool,
    no_recursion: bool,
) -> None:
    """Answer authoritatively for a directory of zones, and recursively for the rest."""
    if api is not None and no_api:
        raise click.UsageError("--api and --no-api exclude each other")
    with exit_on_faults():
        settings = _load(config, zones)
        if listen:
            settings = replace(settings, listen=listen)
        if api is not None or no_api:
            settings = replace(settings, api=replace(settings.api, listen=api))
        if no_recursion:
            settings = replace(settings, recursion=replace(settings.recursion, enabled=False))
        sources = _find_zones(settings, zones)
        setup_logging(settings.log.level)
        raise_descriptor_limit()
        for warning in overlooked_files(sources):
            click.echo(warning, err=True)
        server = Server(settings, sources)
        asyncio.run(run_until_stopped(lambda: _start(server, settings), server.stop, server.request_reload))


def _load(config: Path | None, zones: Path | None) -> Settings:
    """Return the settings: the given file's, else those of an r53lite.yaml among the zones, else the
    defaults.
    """
    if config is not None:
        return load_settings(config)
    beside = (zones or Path("zones")) / SETTINGS_NAME
    return load_settings(beside) if beside.exists() else Settings()


def _find_zones(settings: Settings, zones: Path | None) -> list[Path]:
    """Return the directory to serve: the flag's, the settings' one, or `zones` where it exists."""
    if zones is None and settings.zones is not None:
        zones = Path(settings.zones)
    if zones is None:
        default = Path("zones")
        return [default] if default.is_dir() else []
    if not zones.is_dir():
        raise click.UsageError(f"--zones: no such directory: {str(zones)!r}")
    return [zones]


async def _start(server: Server, settings: Settings) -> None:
    began = time.perf_counter()
    with LoadingBar() as progress:
        warnings = await server.start(progress)
    for warning in warnings:
        click.echo(warning, err=True)
    where = ", ".join(str(endpoint) for endpoint in server.endpoints)
    http = (
        ""
        if server.http_port is None or settings.api.listen is None
        else f", HTTP on {settings.api.listen.address}:{server.http_port}"
    )
    elapsed_s = time.perf_counter() - began
    click.echo(f"ready: {len(server.snapshot.catalog.zones)} zones on {where}{http} ({elapsed_s:.2f} s)")


class exit_on_faults(contextlib.AbstractContextManager[None]):  # noqa: N801  # used as a verb, like suppress
    """Turn errors a person can mend into lines on stderr and the exit code of the command."""

    def __init__(self, echo: Callable[[str], None] | None = None) -> None:
        self._echo = echo or (lambda line: click.echo(line, err=True))

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Print the faults, exit with 2 for settings and sockets, 1 for zones."""
        if isinstance(error, FaultyInputError):
            for fault in error.faults:
                self._echo(str(fault))
            raise SystemExit(2 if isinstance(error, SettingsError) else 1)
        if isinstance(error, BindError):
            self._echo(f"r53lite: {error}")
            raise SystemExit(2)
