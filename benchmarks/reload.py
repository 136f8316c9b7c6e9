"""Does a reload of a large zone stop the answers?

A server of 1,000,000 records is asked at a steady rate while its zone file is replaced by one with a higher
serial and it is told to reload; the run ends a second after the new serial is served. The same server is then
asked for as long while nothing happens. Compared are lost queries and the longest gap between two answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import dns.exception
import dns.query

from benchmarks.peers import OURS, PEERS, Site
from benchmarks.process import LOAD_CORE, BenchmarkError, Server, free_port
from benchmarks.queries import Plan, Results
from benchmarks.rows import RELOAD_PEERS
from benchmarks.sender import Traffic
from benchmarks.zones import ADDRESS, FLAT, LARGE_NAMES, Question, ZoneFile, make_query, write_flat

RATE = 20_000
NAMES = 20_000
BEFORE_S = 1.0
AFTER_S = 1.0
RELOAD_LIMIT_S = 120.0
POLL_S = 0.05
_SERIAL = b" hostmaster 1 "


class Reload(NamedTuple):
    """One reload: seconds until the new serial was served, the traffic meanwhile, and that of an idle run."""

    seconds: float
    during: Traffic
    idle: Traffic

    @property
    def extra_gap_ms(self) -> float:
        """Return the longest gap beyond the idle run's."""
        return self.during.longest_gap_ms - self.idle.longest_gap_ms


class _Sending:
    """The sender's process, until `stop`."""

    def __init__(self, port: int) -> None:
        command = ["taskset", "--cpu-list", str(LOAD_CORE), sys.executable, "-m", "benchmarks.sender"]
        command += [str(port), str(RATE), str(NAMES), str(int(RELOAD_LIMIT_S * 2))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self) -> Traffic:
        """Close its stdin and read what it found."""
        output, _ = self._process.communicate(timeout=60)
        if self._process.returncode != 0:
            raise BenchmarkError("the sender failed")
        return Traffic(**json.loads(output))


def measure_reloads(plan: Plan, found: dict[str, list[Reload]], results: Results) -> None:
    """Reload r53lite and the peers in turns; add to `found`, server → reloads."""
    home = plan.directory / "reload"
    home.mkdir()
    zone = write_flat(home / "master", LARGE_NAMES)
    with ExitStack() as stack:
        servers: dict[str, tuple[Server, Path]] = {}
        for name in (OURS.name, *RELOAD_PEERS):
            if name == OURS.name or name in plan.peers:
                path = home / name / "zones" / zone.path.name
                path.parent.mkdir(parents=True)
                os.link(zone.path, path)
                site = Site(home / name, free_port(), (ZoneFile(FLAT, path),))
                server = stack.enter_context(PEERS[name].start(site))
                server.wait_for_answer(Question(FLAT, "SOA"))
                servers[name] = (server, path)
        for serial in range(2, plan.rounds + 2):
            changed = _write_changed(zone, serial)
            for name, (server, path) in tuple(servers.items()):
                try:
                    found.setdefault(name, []).append(_reload(server, path, changed, serial))
                except BenchmarkError as error:
                    results.refuse("reload", name, error)
                    del servers[name]


def _write_changed(zone: ZoneFile, serial: int) -> Path:
    """Write the zone with another serial and return the file."""
    path = zone.path.with_suffix(f".{serial}")
    path.write_bytes(zone.path.read_bytes().replace(_SERIAL, f" hostmaster {serial} ".encode(), 1))
    return path


def _reload(server: Server, path: Path, changed: Path, serial: int) -> Reload:
    """Replace the zone file under load, then watch the same server idle for as long."""
    sending = _Sending(server.port)
    time.sleep(BEFORE_S)
    replacement = path.with_suffix(".new")
    os.link(changed, replacement)
    began = time.perf_counter()
    replacement.replace(path)
    if server.name != OURS.name or server.handles(signal.SIGHUP):
        server.send_signal(signal.SIGHUP)  # a version of ours without the handler watches its files
    while _serial(server) != serial:
        if time.perf_counter() - began > RELOAD_LIMIT_S or not server.is_running():
            sending.stop()
            raise BenchmarkError(f"{server.name} does not serve the changed zone after {RELOAD_LIMIT_S} s")
        time.sleep(POLL_S)
    seconds = time.perf_counter() - began
    time.sleep(AFTER_S)
    during = sending.stop()
    sending = _Sending(server.port)
    time.sleep(during.seconds)
    reload = Reload(seconds, during, sending.stop())
    click.echo(
        f"reload     {server.name:8} {seconds:.2f} s, lost {during.lost} of {during.sent:,}, longest gap "
        f"{during.longest_gap_ms:.1f} ms, idle {reload.idle.longest_gap_ms:.1f} ms",
        err=True,
    )
    return reload


def _serial(server: Server) -> int | None:
    """Return the serial served now; None where no answer came."""
    try:
        query = make_query(Question(FLAT, "SOA"), is_edns=False)
        reply = dns.query.udp(query, ADDRESS, timeout=1.0, port=server.port)
        return int(reply.answer[0][0].serial)
    except (dns.exception.DNSException, OSError, IndexError):
        return None
