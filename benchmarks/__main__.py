"""`python -m benchmarks`: compare r53lite with other servers on this machine and print the tables.

Answers are compared first. Then the servers take turns, one run each a round, so that what disturbs the
machine disturbs all; the tables have the medians. The figure that compares is CPU time per query: the rate of
a fast server is the load generator's limit. README.md tells how to read it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from benchmarks.loading import Loading, measure_loading
from benchmarks.peers import OURS, PEERS
from benchmarks.process import LOAD_CORE, SERVER_CORE, BenchmarkError, need_program
from benchmarks.queries import Plan, Results, measure_queries
from benchmarks.reload import measure_reloads
from benchmarks.report import Report, format_conditions, format_report, save_report
from benchmarks.rows import KEYS, LOADING, RELOAD, ROWS

_PEER_NAMES = [name for name in PEERS if name != OURS.name]


@click.command()
@click.option("--only", multiple=True, type=click.Choice(KEYS), help="Only this row; repeatable.")
@click.option(
    "--peer", "chosen", multiple=True, type=click.Choice(_PEER_NAMES), help="Only this peer; repeatable."
)
@click.option("--seconds", default=2, show_default=True, type=click.IntRange(1, 60), help="Length of a run.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20), help="Runs per server.")
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False), help="Write the tables to a file too."
)
def main(
    only: tuple[str, ...], chosen: tuple[str, ...], seconds: int, rounds: int, write: Path | None
) -> None:
    """Compare r53lite with NSD, Knot, BIND, gdnsd, PowerDNS and dnslib. All rows take about ten minutes."""
    keys = only or KEYS
    try:
        for program in ("taskset", "dnsperf"):
            need_program(program)
        if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
            raise BenchmarkError(f"cores {SERVER_CORE} and {LOAD_CORE} are needed")
        peers = find_peers(chosen or _PEER_NAMES)
        measured = commit()
        conditions = format_conditions(measured, peers, seconds, rounds)
        click.echo(conditions, err=True)
        os.sched_setaffinity(0, {LOAD_CORE})
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that servers are ended
        with tempfile.TemporaryDirectory(prefix="r53lite-bench-") as name:
            report = measure(keys, Plan(peers, seconds, rounds, Path(name)))
        if commit() != measured:
            error = BenchmarkError(f"the sources changed during the run: {measured} before, {commit()} after")
            report.results.refuse("all", OURS.name, error)
    except BenchmarkError as error:
        click.echo(f"benchmarks: {error}", err=True)
        sys.exit(1)
    compared = f"{report.results.compared:,} answers were compared before."
    text = f"{conditions}\n{compared}\n\n{format_report(report)}"
    click.echo(text)
    if write is not None:
        save_report(text, write)
    sys.exit(1 if report.results.refused else 0)


def find_peers(names: Sequence[str]) -> frozenset[str]:
    """Return those of the peers that are installed; say which are not, and go on without them."""
    for name in names:
        if not PEERS[name].is_installed:
            click.echo(f"benchmarks: {name} is not installed; its columns stay empty", err=True)
    return frozenset(name for name in names if PEERS[name].is_installed)


def measure(keys: Sequence[str], plan: Plan) -> Report:
    """Measure the rows with these keys; a part that fails is told of and keeps what it has found so far."""
    report = Report(Results(), Loading({}, {}, []))
    rows = [row for row in ROWS if row.key in keys]
    parts: dict[str, Callable[[], None]] = {"queries": partial(measure_queries, rows, plan, report.results)}
    if set(LOADING) & set(keys):
        parts["loading"] = partial(measure_loading, keys, plan, report.loading, report.results)
    if RELOAD in keys:
        parts["reload"] = partial(measure_reloads, plan, report.reloads, report.results)
    for part, run in parts.items():
        try:
            run()
        except BenchmarkError as error:
            report.results.refuse(part, OURS.name, error)
    return report


def commit() -> str:
    """Return the commit measured; `-dirty` means that files differ from it."""
    command = ["git", "describe", "--always", "--dirty"]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent, timeout=10
    )
    return ran.stdout.strip() or "no commit"


if __name__ == "__main__":
    main()
