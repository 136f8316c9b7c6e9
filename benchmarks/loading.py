"""How long until the first answer, and how much memory does a record take?

Each server is started anew every time, in turns, with a zone of ten records and with one of a million, and
asked every 2 ms until it answers for the last record. Memory is what all its processes hold right after
(PSS), not the peak; bytes of a record are the difference between the two zones. `named-checkzone` reads the
large zone as often, on the same core.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import click

from benchmarks.peers import OURS, PEERS, Site
from benchmarks.process import SERVER_CORE, BenchmarkError, find_program, free_port
from benchmarks.queries import Plan, Results
from benchmarks.rows import LOADING_PEERS
from benchmarks.zones import LARGE_NAMES, SMALL_NAMES, Question, ZoneFile, host, write_flat

CHECKER = "named-checkzone"
CHECK_LIMIT_S = 120


class Start(NamedTuple):
    """One start of a server: seconds until its first answer, CPU time and memory by then."""

    seconds: float
    cpu_s: float
    memory_bytes: int


Starts = dict[str, list[Start]]


class Loading(NamedTuple):
    """Server → starts with the small and with the large zone, and the seconds of `named-checkzone`."""

    small: Starts
    large: Starts
    checker_s: list[float]

    def record_bytes(self, server: str) -> float | None:
        """Return the memory that each further record takes; None where a zone was not loaded."""
        small, large = self.small.get(server), self.large.get(server)
        if not small or not large:
            return None
        extra = median(each.memory_bytes for each in large) - median(each.memory_bytes for each in small)
        return extra / (LARGE_NAMES - SMALL_NAMES)


def measure_loading(keys: Sequence[str], plan: Plan, loading: Loading, results: Results) -> None:
    """Start every server in turns: with the small zone always, with the large one for the row `load`."""
    names = [name for name in (OURS.name, *LOADING_PEERS) if name == OURS.name or name in plan.peers]
    _measure_starts(names, SMALL_NAMES, loading.small, plan, results)
    if "load" in keys:
        # 29 µs a record: dnslib's reader would take half a minute, and its row says nothing new.
        large = [name for name in names if name != "dnslib"]
        zone = _measure_starts(large, LARGE_NAMES, loading.large, plan, results)
        if find_program(CHECKER) is not None:
            loading.checker_s.extend(_check_zone(zone) for _ in range(plan.rounds))


def _measure_starts(names: list[str], records: int, starts: Starts, plan: Plan, results: Results) -> ZoneFile:
    home = plan.directory / f"load{records}"
    home.mkdir()
    zone = write_flat(home / "master", records)
    starting = list(names)
    for number in range(plan.rounds):
        for name in tuple(starting):
            directory = home / f"{name}{number}"
            directory.mkdir()
            try:
                start = _start(name, Site(directory, free_port(), (zone,)), Question(host(records - 1)))
            except BenchmarkError as error:
                results.refuse(f"{records:,} records", name, error)
                starting.remove(name)
                continue
            starts.setdefault(name, []).append(start)
            shown = f"{start.seconds:7.3f} s, {start.memory_bytes / 1e6:.1f} MB"
            click.echo(f"{records:,} records {name:8} {shown}", err=True)
    return zone


def _start(name: str, site: Site, last: Question) -> Start:
    """Start a server, take its figures at its first answer, and end it."""
    with PEERS[name].start(site) as server:
        return Start(server.wait_for_answer(last), server.cpu_s(), server.memory_bytes())


def _check_zone(zone: ZoneFile) -> float:
    """Return the seconds `named-checkzone` takes.

    Raises:
        BenchmarkError: it finds a fault.
    """
    command = ["taskset", "--cpu-list", str(SERVER_CORE), find_program(CHECKER) or CHECKER, "-q"]
    started = time.perf_counter()
    ran = subprocess.run(
        [*command, zone.origin, str(zone.path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=CHECK_LIMIT_S,
    )
    seconds = time.perf_counter() - started
    if ran.returncode != 0:
        raise BenchmarkError(f"{CHECKER} refuses the zone:\n{ran.stdout[-1000:]}{ran.stderr[-1000:]}")
    click.echo(f"{CHECKER} {seconds:.3f} s", err=True)
    return seconds
