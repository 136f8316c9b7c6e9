"""`python -m benchmarks`: compare r53lite with NSD on this machine and print the table.

Answers are compared first. Then the servers take turns, one run each a round, so that what disturbs the
machine disturbs both; the table has the medians. The figure that compares is CPU time per query: the rate of
a fast server is the load generator's limit. README.md tells what the rows leave out.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

import r53lite
from benchmarks.servers import (
    LOAD_CORE,
    SERVER_CORE,
    BenchmarkError,
    Load,
    Server,
    find_program,
    start_nsd,
    start_r53lite,
)
from benchmarks.workload import (
    FLOOD_NAMES,
    HOT_NAMES,
    LOADED_RECORDS,
    ORIGIN,
    WEIGHTED_NAME,
    Question,
    UnequalAnswersError,
    check_weighted,
    compare_answers,
    flood_questions,
    host,
    hot_questions,
    write_queries,
    write_weighted_zone,
    write_zone,
)

WARM_UP_S = 1
SMALL_ZONE_NAMES = 10
CODE_TOLERANCE = 0.01
HOT_CODES = {"NOERROR": 0.9, "NXDOMAIN": 0.1}


class Start(NamedTuple):
    """One start of a server: seconds until its first answer, memory after it."""

    seconds: float
    memory_bytes: int


class Row(NamedTuple):
    """One row of a table: what, and a figure per server; a peer that cannot do it has None."""

    work: str
    r53lite: list[float]
    nsd: list[float] | None


@click.command()
@click.option("--seconds", default=5, show_default=True, type=click.IntRange(1, 60), help="Length of a run.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20), help="Runs per server.")
def main(seconds: int, rounds: int) -> None:
    """Compare r53lite with NSD: CPU time per query, and loading. Takes about two minutes."""
    try:
        for program in ("taskset", "dnsperf", "nsd"):
            find_program(program)
        if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
            raise BenchmarkError(f"cores {SERVER_CORE} and {LOAD_CORE} are needed")
        measured = commit()
        print_conditions(seconds, rounds)
        os.sched_setaffinity(0, {LOAD_CORE})
        with tempfile.TemporaryDirectory(prefix="r53lite-bench-") as name:
            print_query_table(measure_queries(Path(name), seconds, rounds))
            print_load_table(*measure_starts(Path(name), rounds))
        if commit() != measured:
            raise BenchmarkError(f"the sources changed during the run: {measured} before, {commit()} after")
    except (BenchmarkError, UnequalAnswersError) as error:
        click.echo(f"benchmarks: {error}", err=True)
        sys.exit(1)


# --- queries ------------------------------------------------------------------------------------------------


def measure_queries(directory: Path, seconds: int, rounds: int) -> dict[str, dict[str, list[Load]]]:
    """Run the workloads against both servers in turns; return workload → server → runs.

    Raises:
        UnequalAnswersError: before anything is timed, where the servers' answers differ.
    """
    zones = directory / "hot"
    zones.mkdir()
    zone = write_zone(zones, HOT_NAMES)
    write_weighted_zone(zones)
    hot = write_queries(directory / "hot.queries", hot_questions())
    weighted = write_queries(directory / "weighted.queries", [Question(WEIGHTED_NAME, "A")])
    flood = directory / "flood.queries"
    runs: dict[str, dict[str, list[Load]]] = {}
    with ExitStack() as stack:
        nsd = stack.enter_context(start_nsd(directory, zone))
        ours = stack.enter_context(start_r53lite(directory, zones))
        prepare((nsd, ours))
        for server in (nsd, ours):
            server.load(hot, WARM_UP_S)
        ours.load(weighted, WARM_UP_S)
        for number in range(rounds):
            for server in (nsd, ours):
                note(runs, "hot", server, server.load(hot, seconds), HOT_CODES)
            write_queries(flood, flood_questions(f"round{number}"))
            for server in (nsd, ours):
                note(runs, "flood", server, server.load(flood, seconds), {"NXDOMAIN": 1.0})
            note(runs, "weighted", ours, ours.load(weighted, seconds), {"NOERROR": 1.0})
    return runs


def prepare(servers: tuple[Server, Server]) -> None:
    """Wait for both servers and compare their answers."""
    for server in servers:
        server.wait_for_answer(Question(ORIGIN, "SOA"))
    compared = compare_answers({server.name: server.port for server in servers})
    shares = check_weighted(servers[1].port)
    drawn = ", ".join(f"{share:.1%}" for share in shares.values())
    click.echo(f"answers compared: {compared} questions, all equal; weighted 40/40/20 drew {drawn}\n")


def note(
    runs: dict[str, dict[str, list[Load]]], workload: str, server: Server, load: Load, codes: dict[str, float]
) -> None:
    """Keep a run, if its response codes are those of right answers and its names were new where they must be.

    Raises:
        BenchmarkError: otherwise.
    """
    for code in codes.keys() | load.codes.keys():
        if abs(load.codes.get(code, 0.0) - codes.get(code, 0.0)) > CODE_TOLERANCE:
            raise BenchmarkError(
                f"{server.name}, {workload}: response codes are {load.codes}; expected {codes}"
            )
    if workload == "flood" and load.sent > FLOOD_NAMES:
        raise BenchmarkError(f"flood: {load.sent} queries for {FLOOD_NAMES} names; shorten --seconds")
    click.echo(
        f"{workload:8} {server.name:8} {load.cpu_us:6.2f} µs {load.rate:9,.0f} queries/s, lost {load.lost}",
        err=True,
    )
    runs.setdefault(workload, {}).setdefault(server.name, []).append(load)


# --- loading ------------------------------------------------------------------------------------------------


def measure_starts(directory: Path, rounds: int) -> tuple[dict[str, list[Start]], dict[str, list[Start]]]:
    """Start both servers in turns; return server → starts, with a small zone and with a large one."""
    small: dict[str, list[Start]] = {}
    large: dict[str, list[Start]] = {}
    for names, starts in ((SMALL_ZONE_NAMES, small), (LOADED_RECORDS, large)):
        zones = directory / f"load{names}"
        zones.mkdir()
        zone = write_zone(zones, names)
        last = Question(host(names - 1), "A")
        for _ in range(rounds):
            for start in (partial(start_nsd, directory, zone), partial(start_r53lite, directory, zones)):
                with start() as server:
                    seconds = server.wait_for_answer(last)
                    starts.setdefault(server.name, []).append(Start(seconds, server.memory_bytes()))
    return small, large


# --- the tables ---------------------------------------------------------------------------------------------


def print_conditions(seconds: int, rounds: int) -> None:
    """Print what the figures depend on."""
    load = os.getloadavg()[0]
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    click.echo(f"r53lite {r53lite.__version__} ({commit()}), Python {platform.python_version()}")
    click.echo(f"{version('nsd', '-v')}; dnsperf {version('dnsperf', '-h')}")
    click.echo(
        f"Linux {platform.release()}, {os.cpu_count()} cores, {model[1] if model else platform.machine()}; "
        f"load before the run {load:.2f}"
    )
    click.echo(f"dnsperf -c 8 -q 200 on core {LOAD_CORE}, the server on core {SERVER_CORE}")
    click.echo(f"median (lowest–highest) of {rounds} runs of {seconds} s each")


def version(program: str, flag: str) -> str:
    """Return the version a program prints, which NSD and dnsperf do with exit code 1 or on stderr."""
    ran = subprocess.run([find_program(program), flag], capture_output=True, text=True, check=False)
    match = re.search(r"(?:NSD )?[Vv]ersion ([\d.]+)", ran.stdout + ran.stderr)
    found = match[1] if match else "of unknown version"
    return f"NSD {found}" if program == "nsd" else found


def commit() -> str:
    """Return the commit measured; `-dirty` means that files differ from it."""
    command = ["git", "describe", "--always", "--dirty"]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent, timeout=10
    )
    return ran.stdout.strip() or "no commit"


def print_query_table(runs: dict[str, dict[str, list[Load]]]) -> None:
    """Print CPU time per query, its spread, the ratio, and the rates."""
    works = {
        "hot": f"hot, {HOT_NAMES:,} names, 10 % NXDOMAIN",
        "flood": "NXDOMAIN flood, every name new",
        "weighted": "weighted 40/40/20, one name",
    }
    click.echo("| UDP answer | r53lite µs CPU | NSD µs CPU | ratio | r53lite queries/s | NSD queries/s |")
    click.echo("|---|---|---|---|---|---|")
    for workload, work in works.items():
        ours, peer = runs[workload]["r53lite"], runs[workload].get("NSD", [])
        row = Row(work, [run.cpu_us for run in ours], [run.cpu_us for run in peer] or None)
        rates = [f"{median(run.rate for run in side):,.0f}" if side else "–" for side in (ours, peer)]
        click.echo(f"{format_row(row, 1)} {rates[0]} | {rates[1]} |")
    own_hot = median(run.cpu_us for run in runs["hot"]["r53lite"])
    own_weighted = median(run.cpu_us for run in runs["weighted"]["r53lite"])
    click.echo(f"\nweighted is {own_weighted / own_hot:.2f} × r53lite's own hot answer\n")


def print_load_table(small: dict[str, list[Start]], large: dict[str, list[Start]]) -> None:
    """Print start times and memory; a record's memory is the difference between the two zones' medians."""
    click.echo("| start and load | r53lite | NSD | ratio |\n|---|---|---|---|")
    for starts, names in ((small, SMALL_ZONE_NAMES), (large, LOADED_RECORDS)):
        seconds = {server: [start.seconds for start in found] for server, found in starts.items()}
        row = Row(f"{names:,} records: s until the first answer", seconds["r53lite"], seconds["NSD"])
        click.echo(format_row(row, 3))
    for starts, names in ((small, SMALL_ZONE_NAMES), (large, LOADED_RECORDS)):
        memory = {server: [start.memory_bytes / 1e6 for start in found] for server, found in starts.items()}
        click.echo(format_row(Row(f"{names:,} records: memory, MB", memory["r53lite"], memory["NSD"]), 1))
    each = {server: record_bytes(small[server], large[server]) for server in large}
    click.echo(format_row(Row("memory, bytes a record", [each["r53lite"]], [each["NSD"]]), 0))


def record_bytes(small: list[Start], large: list[Start]) -> float:
    """Return the memory that each further record takes."""
    extra = median(start.memory_bytes for start in large) - median(start.memory_bytes for start in small)
    return extra / (LOADED_RECORDS - SMALL_ZONE_NAMES)


def format_row(row: Row, digits: int) -> str:
    """Return work, both medians with lowest and highest, and the ratio of the medians, as table cells."""
    ours = format_figures(row.r53lite, digits)
    if row.nsd is None:
        return f"| {row.work} | {ours} | – | – |"
    ratio = median(row.r53lite) / median(row.nsd)
    return f"| {row.work} | {ours} | {format_figures(row.nsd, digits)} | {ratio:.2f} |"


def format_figures(figures: list[float], digits: int) -> str:
    """Return the median, and in parentheses the lowest and highest where there are several."""
    middle = f"{median(figures):.{digits}f}"
    if len(figures) == 1:
        return middle
    return f"{middle} ({min(figures):.{digits}f}–{max(figures):.{digits}f})"


if __name__ == "__main__":
    main()
