"""What does a query cost each server? Runs the rows of dnsperf work.

The rows of one stage share their servers, which all run at once and idle while another is asked. In every
round each server has one turn, and the first turn goes round, so that what disturbs the machine disturbs all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.answers import UnequalAnswersError, check_answers, compare_answers, wait_for_health
from benchmarks.dnsperf import Load, check_load, run_dnsperf
from benchmarks.peers import OURS, PEERS, Site
from benchmarks.policies import Targets
from benchmarks.process import BenchmarkError, Server, free_port
from benchmarks.rows import NEW_NAMES_PER_S, Row
from benchmarks.zones import (
    FLAT,
    HOT_NAMES,
    LARGE_NAMES,
    Question,
    Run,
    ZoneFile,
    write_flat,
    write_messages,
    write_queries,
    write_tld,
    write_wild,
)

WARM_UP_S = 1
# r53lite keeps the answer to a question at its second sight, and the reply to one request, byte for byte,
# at that request's second: the third pass is the first that may be all replayed. Where two
# requests want one slot of the doorkeeper it can take a few more.
WARM_UP_PASSES = 6
WARM_UP_LIMIT_S = 30  # a server that takes longer for its passes is measured as far as it came
WARM_UP_NAMES = 100_000


class Results:
    """What was found: row → server → figures of its runs, and why a server has none."""

    def __init__(self) -> None:
        self.loads: dict[str, dict[str, list[Load]]] = {}
        self.refused: dict[tuple[str, str], str] = {}
        self.compared = 0

    def note(self, row: Row, server: Server, load: Load) -> None:
        """Keep a run and show it."""
        self.loads.setdefault(row.key, {}).setdefault(server.name, []).append(load)
        figures = f"{load.cpu_us:8.2f} µs {load.rate:9,.0f} queries/s, lost {load.lost}"
        click.echo(f"{row.key:10} {server.name:8} {figures}", err=True)

    def refuse(self, row: str, server: str, error: Exception) -> None:
        """Keep why a server is out of a row, drop what it has of it, and show it."""
        self.refused[row, server] = str(error)
        self.loads.get(row, {}).pop(server, None)
        click.echo(f"{row:10} {server:8} refused: {error}", err=True)


class Plan(NamedTuple):
    """How the rows are run: which peers there are, how long, how often, and where files may be written."""

    peers: frozenset[str]
    seconds: int
    rounds: int
    directory: Path


def measure_queries(rows: Sequence[Row], plan: Plan, results: Results) -> None:
    """Run the rows, stage by stage; a stage without r53lite is told of, and the next one begins."""
    for stage in dict.fromkeys(row.stage for row in rows):
        mine = [row for row in rows if row.stage == stage]
        try:
            with _serve(stage, mine, plan, results) as servers:
                for row in mine:
                    _measure_row(row, servers, plan, results)
        except BenchmarkError as error:
            results.refuse(stage, OURS.name, error)


@contextmanager
def _serve(stage: str, rows: Sequence[Row], plan: Plan, results: Results) -> Iterator[dict[str, Server]]:
    """Start the servers of a stage, one after the other, and wait until each answers; a peer that does not is
    out of the stage's rows.
    """
    wanted = sorted({name for row in rows for name in row.peers} & plan.peers)
    home = plan.directory / stage
    home.mkdir()
    zones = _STAGES[stage](home / "master")
    with ExitStack() as stack:
        check_port = stack.enter_context(Targets()).port if stage == "policy" else None
        servers = {}
        for name in (OURS.name, *wanted):
            click.echo(f"starting {name} ({stage})", err=True)
            (home / name).mkdir()
            site = Site(home / name, free_port(), zones, check_port)
            server = stack.enter_context(PEERS[name].start(site))
            try:
                server.wait_for_answer(Question(FLAT, "SOA"))
                if check_port is not None:
                    wait_for_health(server)
                servers[name] = server
            except BenchmarkError as error:
                if name == OURS.name:
                    raise
                for row in rows:
                    results.refuse(row.key, name, error)
        yield servers


def _plain_zones(directory: Path) -> tuple[ZoneFile, ...]:
    return write_flat(directory, HOT_NAMES), write_tld(directory), write_wild(directory)


def _large_zone(directory: Path) -> tuple[ZoneFile, ...]:
    return (write_flat(directory, LARGE_NAMES),)


def _small_zone(directory: Path) -> tuple[ZoneFile, ...]:
    return (write_flat(directory, HOT_NAMES),)


_STAGES: dict[str, Callable[[Path], tuple[ZoneFile, ...]]] = {
    "plain": _plain_zones,
    "large": _large_zone,
    "policy": _small_zone,
}


def _measure_row(row: Row, servers: dict[str, Server], plan: Plan, results: Results) -> None:
    """Compare, warm up, and let the servers take turns; a server that fails is out of this row."""
    ours = servers[OURS.name]
    taking_part = [ours]
    try:
        results.compared += check_answers(row, ours)
    except UnequalAnswersError as error:
        results.refuse(row.key, ours.name, error)
        return
    for name in row.peers:
        if name in servers:
            try:
                results.compared += compare_answers(row, ours, servers[name])
                taking_part.append(servers[name])
            except UnequalAnswersError as error:
                results.refuse(row.key, name, error)
    if len(taking_part) == 1 and not plan.peers.isdisjoint(row.peers):
        return  # nobody agrees with us: our own figure would be that of a wrong answer
    for number in range(plan.rounds + 1):
        queries = _write(row, Run(number, plan.rounds, _new_names(number, plan)), plan.directory)
        first = number % max(1, len(taking_part))
        for server in [*taking_part[first:], *taking_part[:first]]:
            try:
                if not number:
                    _warm_up(row, server, queries)
                    continue
                load = run_dnsperf(server, queries, plan.seconds, row.options)
                check_load(server, load, row.codes)
                results.note(row, server, load)
            except BenchmarkError as error:
                results.refuse(row.key, server.name, error)
                taking_part.remove(server)
                if not server.is_running():
                    raise


def _warm_up(row: Row, server: Server, queries: Path) -> None:
    """Send what is measured later, until a second is over and, where every query is another, each was sent
    often enough to be remembered.
    """
    if row.has_subnet:
        run_dnsperf(server, queries, WARM_UP_LIMIT_S, (*row.options, "-n", str(WARM_UP_PASSES)))
    run_dnsperf(server, queries, WARM_UP_S, row.options)


def _new_names(number: int, plan: Plan) -> int:
    return NEW_NAMES_PER_S * plan.seconds if number else WARM_UP_NAMES


def _write(row: Row, run: Run, directory: Path) -> Path:
    write = write_messages if row.has_subnet else write_queries
    return write(directory / f"{row.key}.queries", row.questions(run))
