"""What does a run of dnsperf say about a server?

dnsperf sends from the other core for a bounded time, with as many queries in flight as the server can hold
without loss. The figure that compares is the server's CPU time per completed query: the rate of a fast
server is dnsperf's own limit.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from benchmarks.process import LOAD_CORE, BenchmarkError, Server, need_program
from benchmarks.zones import ADDRESS

CLIENTS = 8
# A socket's default receive buffer (212,992 bytes) holds 194 queries of this size. With 200 in flight a
# server that waits for the core a moment loses six, and dnsperf waits for them until its timeout.
IN_FLIGHT = 160
TIMEOUT_S = 2
MAX_LOST_SHARE = 0.01  # above it a cost per completed query says little
CODE_TOLERANCE = 0.01
MIN_CPU_S = 0.05  # five ticks; a shorter run measures the clock


class Load(NamedTuple):
    """What one run did to a server; `codes` are shares of the completed queries."""

    sent: int
    completed: int
    lost: int
    rate: float
    cpu_us: float
    codes: dict[str, float]


def run_dnsperf(server: Server, queries: Path, seconds: int, options: tuple[str, ...] = ()) -> Load:
    """Send queries for a bounded time.

    Args:
        server: who is asked.
        queries: the query file; it is run through again and again unless the options limit that.
        seconds: the longest duration.
        options: further arguments of dnsperf.

    Raises:
        BenchmarkError: where dnsperf fails, or loses more than 1 % of the queries.
    """
    command = ["taskset", "--cpu-list", str(LOAD_CORE), need_program("dnsperf"), "-s", ADDRESS]
    command += ["-p", str(server.port), "-c", str(CLIENTS), "-q", str(IN_FLIGHT), "-l", str(seconds)]
    command += ["-t", str(TIMEOUT_S)]
    command += ["-d", str(queries), *options]
    before = server.cpu_s()
    ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    used_s = server.cpu_s() - before
    if ran.returncode != 0:
        raise BenchmarkError(
            f"dnsperf against {server.name} failed:\n{ran.stdout[-1000:]}{ran.stderr[-1000:]}"
        )
    sent, completed, lost = (_count(ran.stdout, what) for what in ("sent", "completed", "lost"))
    if not completed or lost > sent * MAX_LOST_SHARE:
        raise BenchmarkError(
            f"{server.name} lost {lost} of {sent} queries; the limit is {MAX_LOST_SHARE:.0%}"
        )
    rate = re.search(r"Queries per second:\s+([\d.]+)", ran.stdout)
    codes = {code: int(count) / completed for code, count in re.findall(r"([A-Z]+) (\d+) \(", ran.stdout)}
    return Load(sent, completed, lost, float(rate[1]) if rate else 0.0, used_s / completed * 1e6, codes)


def check_load(server: Server, load: Load, codes: dict[str, float]) -> None:
    """Check that the response codes of a run are those of right answers, and that it was long enough.

    Raises:
        BenchmarkError: otherwise.
    """
    for code in codes.keys() | load.codes.keys():
        if abs(load.codes.get(code, 0.0) - codes.get(code, 0.0)) > CODE_TOLERANCE:
            raise BenchmarkError(f"{server.name}: response codes are {load.codes}; expected {codes}")
    if load.cpu_us * load.completed < MIN_CPU_S * 1e6:
        raise BenchmarkError(f"{server.name}: {load.completed} queries took less than {MIN_CPU_S} s of CPU")


def _count(output: str, what: str) -> int:
    match = re.search(rf"Queries {what}:\s+(\d+)", output)
    if match is None:
        raise BenchmarkError(f"dnsperf printed no number of queries {what}:\n{output[-1000:]}")
    return int(match[1])
