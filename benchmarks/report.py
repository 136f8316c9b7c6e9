"""What do the figures say? The tables, in Markdown.

A cell is the median, in parentheses the lowest and the highest, and behind `×` r53lite's median divided by
that one's: over 1 r53lite is dearer. Budgets are looked up in what this run measured, and say so where a
figure is missing.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import click

from benchmarks import dnsperf, reload
from benchmarks.loading import CHECKER, Loading
from benchmarks.peers import OURS, PEERS
from benchmarks.peers.base import printed_version
from benchmarks.process import LOAD_CORE, SERVER_CORE
from benchmarks.queries import Results
from benchmarks.reload import Reload
from benchmarks.rows import BUDGETS, ROWS, Budget
from benchmarks.zones import LARGE_NAMES, SMALL_NAMES

BEGIN = "<!-- tables of make bench: begin -->"
END = "<!-- tables of make bench: end -->"

Figures = dict[str, list[float]]  # server → its runs


@dataclass
class Report:
    """Everything one run found."""

    results: Results
    loading: Loading
    reloads: dict[str, list[Reload]] = field(default_factory=dict)

    def figures(self, row: str) -> Figures:
        """Return a row's figures by server, whatever kind of row it is; empty where it was not measured."""
        if row == "start":
            return {name: [each.seconds for each in found] for name, found in self.loading.small.items()}
        if row == "load":
            found = {name: [each.seconds for each in starts] for name, starts in self.loading.large.items()}
            return found | ({CHECKER: self.loading.checker_s} if self.loading.checker_s else {})
        if row == "bytes":
            sizes = {name: self.loading.record_bytes(name) for name in self.loading.large}
            return {name: [size] for name, size in sizes.items() if size is not None}
        if row == "reload lost":
            return {name: [float(each.during.lost) for each in found] for name, found in self.reloads.items()}
        if row == "reload gap":
            return {name: [each.extra_gap_ms for each in found] for name, found in self.reloads.items()}
        return {
            name: [load.cpu_us for load in loads] for name, loads in self.results.loads.get(row, {}).items()
        }


def format_report(report: Report) -> str:
    """Return all tables for which there are figures."""
    parts = [
        _format_budgets(report),
        _format_costs(report),
        _format_rates(report),
        _format_loading(report),
        _format_reloads(report.reloads),
        _format_refused(report.results.refused),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# --- budgets ------------------------------------------------------------------------------------------------


def _format_budgets(report: Report) -> str:
    rows = [cells for budget in BUDGETS if (cells := _judge(budget, report)) is not None]
    head = ("budget", "r53lite", "against", "ratio", "budget ≤", "", "moonshot ≤", "")
    return _table(head, rows) if rows else ""


def _judge(budget: Budget, report: Report) -> list[str] | None:
    """Return the cells of a budget; None where r53lite has no figure of its row in this run."""
    ours = report.figures(budget.row).get(OURS.name)
    if not ours:
        return None
    # A lost query is not made good by a run that lost none: the worst run counts where none is allowed.
    figure = max(ours) if budget.limit == 0 else median(ours)
    shown = f"{figure:,.{_digits(figure)}f}"
    if budget.base is None:
        return [budget.what, shown, "–", "–", *_verdicts(budget, figure, budget.unit)]
    base = report.figures(budget.base.row).get(budget.base.server)
    against = budget.base.server + (f", {budget.base.row}" if budget.base.row != budget.row else "")
    if not base:
        return [budget.what, shown, against, "not measured", *_verdicts(budget, None, "×")]
    ratio = figure / median(base)
    against += f" {median(base):,.{_digits(median(base))}f}"
    return [budget.what, shown, against, f"{ratio:.2f}", *_verdicts(budget, ratio, "×")]


def _verdicts(budget: Budget, figure: float | None, unit: str) -> Iterator[str]:
    """Yield limit and verdict of the budget, then those of the moonshot; a verdict needs a figure."""
    for limit in (budget.limit, budget.moonshot):
        if limit is None:
            yield from ("–", "")
        else:
            yield f"{limit:g} {unit}"
            yield "" if figure is None else "met" if figure <= limit else "**not met**"


def _digits(figure: float) -> int:
    return 0 if abs(figure) >= 100 or not figure else 1 if abs(figure) >= 10 else 2


# --- tables -------------------------------------------------------------------------------------------------


def _format_costs(report: Report) -> str:
    rows = {row.work: report.figures(row.key) for row in ROWS}
    return _format_by_server("CPU µs per query", rows)


def _format_rates(report: Report) -> str:
    rows = {
        row.work: {
            name: [load.rate for load in loads]
            for name, loads in report.results.loads.get(row.key, {}).items()
        }
        for row in ROWS
    }
    return _format_by_server("queries/s (the fastest are near dnsperf's own limit)", rows, is_compared=False)


def _format_loading(report: Report) -> str:
    memory: dict[str, Figures] = {}
    for records, starts in ((SMALL_NAMES, report.loading.small), (LARGE_NAMES, report.loading.large)):
        memory[f"{records:,} records: memory, MB"] = {
            name: [each.memory_bytes / 1e6 for each in found] for name, found in starts.items()
        }
    rows = {
        f"{SMALL_NAMES:,} records: s until the first answer": report.figures("start"),
        f"{LARGE_NAMES:,} records: s until the first answer": report.figures("load"),
        f"{LARGE_NAMES:,} records: s of CPU by then": {
            name: [each.cpu_s for each in found] for name, found in report.loading.large.items()
        },
        **memory,
        "memory, bytes a record": report.figures("bytes"),
    }
    return _format_by_server("start and load", rows)


def _format_by_server(what: str, rows: dict[str, Figures], is_compared: bool = True) -> str:
    """Return a table with a column per server that has a figure in it."""
    rows = {work: figures for work, figures in rows.items() if figures}
    measured = {name for figures in rows.values() for name in figures}
    names = [name for name in (*PEERS, CHECKER) if name in measured]
    head = [what, *names]
    lines = (
        [work, *(_format_cell(name, figures, is_compared) for name in names)]
        for work, figures in rows.items()
    )
    return _table(head, lines) if names else ""


def _format_cell(name: str, figures: Figures, is_compared: bool) -> str:
    runs = figures.get(name)
    if not runs:
        return "–"
    cell = format_runs(runs)
    ours = figures.get(OURS.name)
    if not is_compared or name == OURS.name or not ours:
        return cell
    return f"{cell} ×{median(ours) / median(runs):.2f}"


def format_runs(runs: Sequence[float]) -> str:
    """Return the median, and in parentheses the lowest and highest where there are several."""
    digits = _digits(median(runs))
    middle = f"{median(runs):,.{digits}f}"
    return middle if len(runs) == 1 else f"{middle} ({min(runs):,.{digits}f}–{max(runs):,.{digits}f})"


def _format_reloads(reloads: dict[str, list[Reload]]) -> str:
    def cell(found: list[Reload], figure: Callable[[Reload], float]) -> str:
        return format_runs([figure(each) for each in found])

    rows = [
        [
            name,
            cell(found, lambda each: each.seconds),
            cell(found, lambda each: each.during.sent),
            cell(found, lambda each: each.during.lost),
            cell(found, lambda each: each.idle.lost),
            cell(found, lambda each: each.during.longest_gap_ms),
            cell(found, lambda each: each.idle.longest_gap_ms),
            cell(found, lambda each: each.extra_gap_ms),
            cell(found, lambda each: each.during.p99_ms),
            cell(found, lambda each: each.idle.p99_ms),
            cell(found, lambda each: max(each.during.longest_pause_ms, each.idle.longest_pause_ms)),
        ]
        for name, found in reloads.items()
    ]
    head = [
        f"reload of {LARGE_NAMES:,} records at {reload.RATE:,} queries/s",
        "s until served",
        "asked",
        "lost",
        "idle run",
        "longest gap, ms",
        "idle run, ms",
        "beyond it, ms",
        "p99 of answers, ms",
        "idle p99, ms",
        "sender's own longest pause, ms",
    ]
    return _table(head, rows) if rows else ""


def _format_refused(refused: dict[tuple[str, str], str]) -> str:
    lines = [
        f"- {row}, {server}: {(reason.splitlines() or ['no reason'])[0]}"
        for (row, server), reason in refused.items()
    ]
    return "Not timed:\n\n" + "\n".join(lines) if lines else ""


# --- conditions ---------------------------------------------------------------------------------------------


def format_conditions(commit: str, names: Iterable[str], seconds: int, rounds: int) -> str:
    """Return what the figures depend on: versions, machine, way of measuring."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    model = found[1] if found else platform.machine()
    versions = [f"{name} {PEERS[name].version()}" for name in PEERS if name in names]
    return "\n".join(
        [
            f"{OURS.name} {OURS.version()} ({commit}), Python {platform.python_version()};",
            f"{', '.join(versions)}; dnsperf {printed_version('dnsperf', '-h')}.",
            f"Linux {platform.release()}, {os.cpu_count()} cores, {model}; "
            f"load before the run {os.getloadavg()[0]:.2f}.",
            f"dnsperf -c {dnsperf.CLIENTS} -q {dnsperf.IN_FLIGHT} on core {LOAD_CORE}, "
            f"the servers on core {SERVER_CORE}.",
            f"Median (lowest–highest) of {rounds} runs of {seconds} s each, in turns; ×: r53lite's figure "
            "divided by that one.",
        ]
    )


def save_report(text: str, path: Path) -> None:
    """Write the report to a file; between the markers where the file has them.

    Raises:
        click.FileError: the file cannot be written.
    """
    try:
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        before, begin, rest = old.partition(BEGIN)
        _, end, after = rest.partition(END)
        if begin and end:
            text = f"{before}{BEGIN}\n\n{text}\n{END}{after}"
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
