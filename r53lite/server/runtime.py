"""How do the parts become a running server? The composition root.

Start order: zones are loaded (a fault ends the start), sockets are bound, the door opens, health checks
begin, the HTTP port opens, files are watched. Stop in reverse. A process may hold several servers (the lab
does), each with its own catalog, snapshot, registry and health table; nothing here lives at module level.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from r53lite.answering.access import AccessList
from r53lite.answering.chaos import Chaos
from r53lite.answering.dispatch import Dispatch, make_draw
from r53lite.answering.replay import Targets
from r53lite.answering.reply_options import ClientOptions
from r53lite.answering.seeded import SeededDispatch, SeededDraw
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.config.settings import Endpoint, Settings
from r53lite.config.text_file import read_text
from r53lite.control.location_files import find_locations
from r53lite.control.registry import Registry
from r53lite.control.reload_report import ReloadReport
from r53lite.control.snapshot import Snapshot
from r53lite.dns.cookies import SECRET_BYTES, ServerCookies
from r53lite.errors import Fault, Faults, R53Error, SettingsError
from r53lite.health.table import HealthTable
from r53lite.server.health_loop import HealthLoop
from r53lite.server.tcp import TcpListener
from r53lite.server.tcp_pool import TcpPool
from r53lite.server.udp import UdpListener

if TYPE_CHECKING:
    from r53lite.answering.recursive import Recursive
    from r53lite.api.http import HttpPort
    from r53lite.api.reports import Reports
    from r53lite.resolver.delegation import Delegation
    from r53lite.server.targets import OutsideTargets


LET_GO_PAUSE_S = 0.001  # our choice: freeing takes a tenth of the time at most


class BindError(R53Error):
    """An address and port could not be had."""

    def __init__(self, endpoint: Endpoint, error: OSError) -> None:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        super().__init__(f"cannot listen on {endpoint}: {reason}")
        self.endpoint = endpoint
        self.errno = error.errno


class Server:
    """One server: its zones, sockets, health checks, resolver and HTTP port.

    Args:
        settings: what it does; paths are taken as they are.
        sources: directories and files of zones; none for a resolver without zones of its own.
    """

    def __init__(self, settings: Settings, sources: Sequence[Path]) -> None:
        self._settings = settings
        self._registry = Registry(sources, lambda: find_locations(settings, sources), self._on_publish)
        self._has_sources = bool(sources)
        self._dispatch: Dispatch | None = None
        self._health = HealthLoop(settings.health, self._registry.publish_latencies)
        self._reloads: set[asyncio.Task[ReloadReport]] = set()
        self._udp: list[UdpListener] = []
        self._tcp: list[TcpListener] = []
        self._tcp_pool = TcpPool(settings.tcp)
        self._recursive: Recursive | None = None
        self._http: HttpPort | None = None
        self._reports: Reports | None = None
        self._targets: OutsideTargets | None = None
        self._no_targets: Targets = {}
        self._watcher: asyncio.Task[None] | None = None
        self._is_ready = False

    @property
    def endpoints(self) -> list[Endpoint]:
        """Return where the server listens, real ports in place of 0."""
        return [
            Endpoint(asked.address, listener.port)
            for asked, listener in zip(self._settings.listen, self._udp, strict=False)
        ]

    @property
    def http_port(self) -> int | None:
        """Return the HTTP port, or None where there is none."""
        return None if self._http is None else self._http.port

    @property
    def snapshot(self) -> Snapshot:
        """Return what is served now."""
        return self._registry.snapshot

    @property
    def targets_table(self) -> Targets:
        """Return the published addresses of outside names."""
        return self._no_targets if self._targets is None else self._targets.table

    @property
    def health_table(self) -> HealthTable:
        """Return the published health table."""
        return self._health.table

    async def start(self, progress: Callable[[int, int], None] | None = None) -> tuple[Fault, ...]:
        """Load and open everything; ready when it returns.

        Args:
            progress: told how far the zones are read: (bytes done, bytes in all), from another thread.

        Returns:
            The warnings of the zone files.

        Raises:
            ZoneDataError: a file has an error. SettingsError: the root hints have one. BindError: an address
            is taken.
        """
        try:
            warnings = await self._registry.load(progress)
            self._dispatch = self._make_dispatch()
            for endpoint in self._settings.listen:
                self._bind(self._dispatch, endpoint)
            for udp in self._udp:
                udp.start()
            for tcp in self._tcp:
                await tcp.start()
            if self._targets is not None:
                self._targets.start(self._recursive, self._dispatch.local)
            self._health.start()
            if self._settings.api.listen is not None:
                await self._start_http(self._settings.api.listen)
            await self._health.wait_first_probes()
            if self._has_sources:
                self._watcher = asyncio.get_running_loop().create_task(self._registry.watch())
        except BaseException:
            await self.stop()
            raise
        self._is_ready = True
        return warnings

    async def stop(self) -> None:
        """Close everything in the reverse order; safe after a start that failed half-way."""
        self._is_ready = False
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        await self._registry.close()
        if self._reports is not None:
            self._reports.close()
        if self._http is not None:
            await self._http.stop()
        for udp in self._udp:
            await udp.stop()
        for tcp in self._tcp:
            await tcp.stop()
        if self._targets is not None:
            await self._targets.stop()
        if self._recursive is not None:
            await self._recursive.close()
        await self._health.stop()

    async def reload(self) -> ReloadReport:
        """Load the files that changed; returns when what they say is served, or refused."""
        return await self._registry.reload()

    def request_reload(self) -> None:
        """Reload soon, as SIGHUP asks. During the start there is no need: what changes after a file was read
        is seen by the watch.
        """
        if self._is_ready:
            task = asyncio.get_running_loop().create_task(self.reload())
            self._reloads.add(task)
            task.add_done_callback(self._reloads.discard)

    def _make_dispatch(self) -> Dispatch:
        recursion = self._settings.recursion
        seed = self._settings.seed
        kind, draw = (Dispatch, make_draw()) if seed is None else (SeededDispatch, SeededDraw(seed))
        settings = _dispatch_settings(self._settings)
        dispatch: Dispatch | None = None
        if recursion.enabled:
            # A resolver alone needs these; a server without recursion starts faster without them.
            from r53lite.answering.recursive import Recursive
            from r53lite.resolver.cache import Cache
            from r53lite.resolver.upstream import Upstream

            self._recursive = Recursive(
                load_root_hints(recursion.root_hints),
                Upstream(recursion.upstream_networks, recursion.upstream_port),
                cache=Cache(),
                local=lambda qname, qtype: None if dispatch is None else dispatch.local(qname, qtype),
            )
        dispatch = kind(
            lambda: self._registry.snapshot,
            lambda: self.health_table,
            self._recursive,
            settings,
            draw,
            targets=lambda: self.targets_table,
        )
        return dispatch

    def _bind(self, dispatch: Dispatch, endpoint: Endpoint) -> None:
        """Bind UDP and TCP on one address and one port; port 0 takes one that both can have."""
        for attempt in range(16):
            try:
                udp = UdpListener(dispatch, endpoint.address, endpoint.port)
            except OSError as error:
                raise BindError(endpoint, error) from error
            self._udp.append(udp)
            try:
                self._tcp.append(TcpListener(dispatch, endpoint.address, udp.port, self._tcp_pool))
            except OSError as error:
                if endpoint.port or attempt == 15:
                    raise BindError(endpoint, error) from error
                self._udp.pop().close()
            else:
                return

    def _on_publish(self) -> None:
        """Hand a new snapshot to those who keep things up to date in the background; the old one may go."""
        snapshot = self.snapshot
        self._health.follow(snapshot)
        self._apply_targets(snapshot)
        if self._dispatch is not None:
            self._dispatch.refresh()
            self._let_go(self._dispatch)

    def _let_go(self, dispatch: Dispatch) -> None:
        """Free what was made for the snapshot before, some of it each millisecond."""
        if dispatch.let_go():
            asyncio.get_running_loop().call_later(LET_GO_PAUSE_S, self._let_go, dispatch)

    def _apply_targets(self, snapshot: Snapshot) -> None:
        """Hand the outside names of a new snapshot to who resolves them; made with the first name."""
        if self._targets is None:
            if not snapshot.outside:
                return
            from r53lite.server.targets import OutsideTargets

            self._targets = OutsideTargets(self._settings.targets)
            if self._dispatch is not None:
                self._targets.start(self._recursive, self._dispatch.local)
        self._targets.update(snapshot.outside)

    async def _start_http(self, endpoint: Endpoint) -> None:
        from r53lite.api.http import HttpPort  # aiohttp costs 0.2 s: only after the DNS sockets are open
        from r53lite.api.reports import Reports

        self._reports = reports = Reports(
            lambda: self.snapshot, lambda: self.health_table, targets=lambda: self.targets_table
        )
        http = HttpPort(
            endpoint.address,
            endpoint.port,
            ready=lambda: self._is_ready,
            state=self._describe,
            reload=self._reload_for_http,
            extend=reports.add_routes,
        )
        try:
            await http.start()
        except OSError as error:
            raise BindError(endpoint, error) from error
        self._http = http

    async def _reload_for_http(self) -> dict[str, object]:
        """Reload and return the report as the HTTP port answers it."""
        return (await self.reload()).as_json()

    def _describe(self) -> dict[str, object]:
        """Return the state that /healthz shows."""
        return {
            "zones": len(self.snapshot.catalog.zones),
            "health_checks": {
                check: {"healthy": status.is_healthy, "reason": status.last_reason}
                for check, status in sorted(self.health_table.statuses.items())
            },
        }


def _dispatch_settings(settings: Settings) -> DispatchSettings:
    """Return what the door needs of the settings; a cookie secret that nobody gave is drawn."""
    cookies = None
    if settings.cookies.enabled:
        cookies = ServerCookies(settings.cookies.secrets or (secrets.token_bytes(SECRET_BYTES),))
    chaos = settings.chaos
    return DispatchSettings(
        AccessList(settings.recursion.clients),
        settings.udp_payload_bytes,
        settings.minimal_responses,
        ClientOptions(
            settings.nsid.encode(), cookies, settings.cookies.required, settings.tcp.keepalive_100ms
        ),
        Chaos(chaos.version, chaos.hostname, chaos.id),
        is_explaining=settings.explain_in_answers,
    )


def load_root_hints(path: str | None) -> Delegation:
    """Read root hints, or return the IANA root servers.

    Raises:
        SettingsError: the file cannot be read or has a fault.
    """
    from r53lite.resolver.root_hints import IANA_ROOT_HINTS, parse_root_hints

    if path is None:
        return IANA_ROOT_HINTS
    faults = Faults(path)
    text = read_text(Path(path), faults)
    hints = None if text is None else parse_root_hints(text, faults)
    if hints is None or faults.has_errors:
        raise SettingsError(faults.items)
    return hints
