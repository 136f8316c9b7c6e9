"""How does the mini-internet come up? The backends, then every server of the plan, all in one process."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from r53lite.config.settings import ApiSettings, Endpoint, HealthSettings, RecursionSettings, Settings
from r53lite.errors import R53Error
from r53lite.lab.backends import Backend, start_backends, stop_backends
from r53lite.lab.plan import LabPlan, LabServer
from r53lite.server.runtime import BindError, Server

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class LabError(R53Error):
    """The lab cannot come up; the message says what to do."""


class Lab:
    """The running mini-internet. Probes and upstream queries stay on loopback."""

    def __init__(self, plan: LabPlan) -> None:
        self.plan = plan
        self.servers = {server.name: Server(_settings(server, plan), server.zones) for server in plan.servers}
        self._backends: list[Backend] = []

    async def start(self) -> None:
        """Start the backends first, so that the first probes find them, then every server.

        Raises:
            LabError: an address or port cannot be had. ZoneDataError, SettingsError: a file is faulty.
        """
        try:
            self._backends = await start_backends(self.plan.backends.items(), self.plan.backend_port)
            await asyncio.gather(*(server.start() for server in self.servers.values()))
        except BindError as error:
            await self.stop()
            raise LabError(_explain(error.errno, str(error), self.plan)) from error
        except OSError as error:
            await self.stop()
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            where = f"cannot listen on port {self.plan.backend_port} for the backends: {reason}"
            raise LabError(_explain(error.errno, where, self.plan)) from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything; safe after a start that failed half-way."""
        await asyncio.gather(*(server.stop() for server in self.servers.values()))
        await stop_backends(self._backends)
        self._backends = []


def _settings(server: LabServer, plan: LabPlan) -> Settings:
    """Return the settings of one server of the lab."""
    hints = server.root_hints
    return Settings(
        listen=tuple(Endpoint(address, plan.port) for address in server.addresses.values()),
        locations=None if server.locations is None else str(server.locations),
        recursion=RecursionSettings(
            enabled=hints is not None,
            root_hints=None if hints is None else str(hints),
            upstream_port=plan.port,
            upstream_networks=LOOPBACK,
        ),
        health=HealthSettings(probe_networks=LOOPBACK),
        api=ApiSettings(listen=server.http),
    )


def _explain(number: int | None, message: str, plan: LabPlan) -> str:
    """Return one line for a port in use; for an address that is missing, the command that adds it."""
    if number != errno.EADDRNOTAVAIL:
        return message
    every = {address for server in plan.servers for address in server.addresses.values()} | {
        *plan.backends.values()
    }
    wanted = sorted((address for address in every if address != "127.0.0.1"), key=ip_address)
    commands = "".join(f"\n  sudo ifconfig lo0 alias {address} up" for address in wanted)
    return f"{message}\nthe lab needs more loopback addresses; add them with:{commands}"


def describe(lab: Lab) -> Iterator[str]:
    """Yield the lines that tell who listens where and what to try."""
    plan = lab.plan
    for server in plan.servers:
        zones = lab.servers[server.name].snapshot.catalog.zones
        what = f"{len(zones)} zones" if zones else "resolver, no zones of its own"
        for name, address in server.addresses.items():
            yield f"  {name:<10} {address}:{plan.port:<6} {what}"
        if server.http is not None:
            yield f"  {'http':<10} {server.http!s:<16} /healthz of {server.name}"
    addresses = list(plan.backends.values())
    if addresses:
        yield f"  {len(addresses)} backends {addresses[0]} … {addresses[-1]}, port {plan.backend_port}"
        yield "try:"
        yield f"  dig @127.0.0.1 -p {plan.port} www.example.com"
        yield f"  dig @127.0.0.1 -p {plan.port} www.abc.com"
        yield "  r53lite trace www.abc.com"
        yield f"  curl -X POST http://{addresses[0]}:{plan.backend_port}/down"
    yield "Ctrl-C ends it"
