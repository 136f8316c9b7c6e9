"""`r53lite lab`: the mini-internet in one process; with --write its files for another network, with
--backend one of its backends.
"""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv4Network
from pathlib import Path

import click

import r53lite
from r53lite.cli.serve import exit_on_faults, parse_endpoint_option
from r53lite.config.settings import Endpoint
from r53lite.control.listing import LAB_NAME
from r53lite.lab.plan import load_plan
from r53lite.server.descriptors import raise_descriptor_limit
from r53lite.server.signals import run_until_stopped
from r53lite.system_errors import reason_of
from r53lite.telemetry.log import setup_logging


def default_lab_directory() -> Path:
    """Return `zones/lab` of the working directory, else that of the checkout this package runs from."""
    here = Path("zones") / "lab"
    return here if here.is_dir() else Path(r53lite.__file__).parent.parent / "zones" / "lab"


@click.command()
@click.option(
    "--directory", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Holds lab.yaml."
)
@click.option(
    "--write", type=click.Path(path_type=Path, file_okay=False), help="Write the lab's files to DIR and end."
)
@click.option("--network", default="10.53.0.0/16", show_default=True, help="Where --write moves the lab.")
@click.option("--backend", metavar="NAME", help="Run one web backend alone.")
@click.option(
    "--listen", metavar="ADDR:PORT", callback=parse_endpoint_option, help="Where --backend listens."
)
def lab(
    directory: Path | None, write: Path | None, network: str, backend: str | None, listen: Endpoint | None
) -> None:
    """Run root, TLD and authoritative servers, a resolver and web backends on loopback, port 5300."""
    setup_logging("info")
    began = time.perf_counter()
    if backend is not None:
        _run_backend(backend, listen or Endpoint("127.0.0.1", 8080))
        return
    with exit_on_faults():
        plan = load_plan((directory or default_lab_directory()) / LAB_NAME)
        if write is not None:
            from r53lite.lab.write import write_lab

            for path in write_lab(plan, write, _parse_network(network)):
                click.echo(path)
            return
        from r53lite.lab.run import Lab, LabError, describe

        raise_descriptor_limit()
        running = Lab(plan)

        async def start() -> None:
            await running.start()
            click.echo(f"ready in {time.perf_counter() - began:.2f} s")
            for line in describe(running):
                click.echo(line)

        try:
            asyncio.run(run_until_stopped(start, running.stop))
        except LabError as error:
            click.echo(f"r53lite: {error}", err=True)
            raise SystemExit(2) from error


def _parse_network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--network") from error


def _run_backend(name: str, endpoint: Endpoint) -> None:
    """Run one backend until a signal."""
    from r53lite.lab.backends import Backend

    running = Backend(name, endpoint.address, endpoint.port)

    async def start() -> None:
        await running.start()
        click.echo(f"ready: backend {name} on {endpoint}")

    try:
        asyncio.run(run_until_stopped(start, running.stop))
    except OSError as error:
        click.echo(f"r53lite: cannot listen on {endpoint}: {reason_of(error)}", err=True)
        raise SystemExit(2) from error
