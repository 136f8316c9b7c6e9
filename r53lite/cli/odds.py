"""`r53lite odds`: every possible answer to a question, with its exact probability."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from r53lite.answering.asking import Ask
from r53lite.answering.odds_report import report_odds
from r53lite.answering.policy_story import count
from r53lite.cli.bars import Bar, Section, draw_bars
from r53lite.cli.looking import Question, Where, look, question_options
from r53lite.control.snapshot import Snapshot
from r53lite.health.table import HealthTable
from r53lite.routing.context import TargetView
from r53lite.system_errors import reason_of

Shape = Mapping[str, Any]
MAX_SHOWN_VALUES = 8  # routing-policies.md §2.7: the most that a multivalue group answers with
MAX_PATH = 60  # our choice: eight sets of a sample would make another line


def _check_picture(_context: click.Context, _parameter: click.Parameter, plot: Path | None) -> Path | None:
    """Refuse a picture whose name promises another format than is drawn."""
    if plot is not None and plot.suffix.lower() != ".svg":
        raise click.BadParameter(f"expected a file name that ends with .svg, got {plot.name!r}")
    return plot


@click.command("odds")
@question_options
@click.option("--each-failure", "is_each_failure", is_flag=True, help="Also with each single check failing.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_check_picture,
    help="Draw bars into this SVG file.",
)
def odds(
    name: str,
    rrtype: str,
    client: str,
    region: str | None,
    down: tuple[str, ...],
    up: tuple[str, ...],
    zones: Path | None,
    server: str | None,
    is_json: bool,
    is_each_failure: bool,
    plot: Path | None,
) -> None:
    """Print every possible answer to NAME TYPE for a client, with its exact probability.

    Computed from the policies themselves, not sampled; the order of records counts for nothing. Health is a
    running server's, or all healthy with --zones; --down and --up state it otherwise (repeat them, or put
    commas between ids).

    Exit codes: 0 fine, 1 no zone holds the name, a zone is faulty or there are too many outcomes, 2 wrong
    usage or settings.
    """

    def make(snapshot: Snapshot, ask: Ask, health: HealthTable, targets: TargetView) -> dict[str, object]:
        return report_odds(snapshot, ask, health, targets, is_each_failure=is_each_failure)

    question = Question(name, rrtype, client, region, down, up)
    extra = [("each_failure", "1")] if is_each_failure else []
    shape: Shape = look(Where(zones, server), question, "odds", make, extra)
    if plot is not None:
        try:
            plot.write_text(draw_odds(shape), encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"cannot write {str(plot)!r}: {reason_of(error)}") from error
    if is_json:
        click.echo(json.dumps(shape, ensure_ascii=False))
        return
    for line in format_odds(shape):
        click.echo(line)


def format_odds(shape: Shape) -> Iterator[str]:
    """Yield the lines of odds for people."""
    yield _title(shape)
    sick = [check for check, status in shape["health"].items() if status != "healthy"]
    if shape["health"]:
        checks = count(len(shape["health"]), "check")
        yield f"health: {checks}, {', '.join(sick) + ' down' if sick else 'all healthy'}"
    yield f"scope: /{shape['scope_prefix_len']}"
    if shape.get("merged"):
        yield "too many ways to tell apart: each answer with all the ways to it"
    yield ""
    yield from _table(shape)
    failures = shape.get("failures", ())
    for failure in failures:
        yield ""
        yield _verdict(failure)
        yield from _table(failure)
    if failures:
        yield ""
        lost = [failure["down"] for failure in failures if not failure["survives"]]
        yield f"survives any one failure: {'no: ' + ', '.join(lost) if lost else 'yes'}"


def draw_odds(shape: Shape) -> str:
    """Return odds as an SVG document of bars."""
    failures = shape.get("failures", ())
    sections = [Section("", _bars(shape)), *(Section(_verdict(one), _bars(one)) for one in failures)]
    return draw_bars(_title(shape), sections)


def _bars(shape: Shape) -> list[Bar]:
    return [Bar(_label(one), float(one["percent"]), one["probability"]) for one in shape["answers"]]


def _verdict(failure: Shape) -> str:
    verdict = "survives" if failure["survives"] else f"does not survive: {failure['reason']}"
    return f"{failure['down']} failing: {verdict}"


def _title(shape: Shape) -> str:
    location = shape["location"]
    client = f"{shape['client']} in {location['region']} ({location['source']})"
    return f"{shape['name']} {shape['type']} for {client}"


def _table(shape: Shape) -> Iterator[str]:
    """Yield the answers in aligned columns, and what kind of shares they are."""
    rows = [("chance", "percent", "ttl", "values", "path")]
    for answer in shape["answers"]:
        ttl = "-" if answer["ttl"] is None else str(answer["ttl"])
        percent = f"{answer['percent']:.2f} %"
        rows.append((answer["probability"], percent, ttl, _values(answer), _path(answer)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for chance, percent, ttl, values, path in rows:
        cells = (
            chance.rjust(widths[0]),
            percent.rjust(widths[1]),
            ttl.rjust(widths[2]),
            values.ljust(widths[3]),
            path,
        )
        yield "  ".join(cells).rstrip()
    for wanted, among in dict.fromkeys((one["wanted"], one["of"]) for one in shape.get("samples", ())):
        yield (
            f"{wanted} of {among} sets are sampled: too many combinations to list. A share"
            " marked * is the chance that a reply holds the value, among others."
        )


def _values(answer: Shape) -> str:
    """Return what an answer holds, on one line."""
    if not answer["values"]:
        if "rcode" in answer:
            return str(answer["rcode"])
        if "leaving" in answer:
            return f"(goes on at {answer['leaving']})"
        return f"(a referral to {answer['referral']})" if "referral" in answer else "(no answer)"
    more = len(answer["values"]) - MAX_SHOWN_VALUES
    shown: Sequence[str] = answer["values"]
    if more > 1:
        shown = [*shown[:MAX_SHOWN_VALUES], f"and {more} more"]
    mark = " *" if answer.get("marginal") else ""
    warning = f" (down: {', '.join(answer['down'])})" if "down" in answer else ""
    return " ".join(shown) + mark + warning


def _path(answer: Shape) -> str:
    path = " > ".join(answer["path"]) or "-"
    return path if len(path) <= MAX_PATH else f"{path[: MAX_PATH - 1]}…"


def _label(answer: Shape) -> str:
    return f"{_path(answer)}: {_values(answer)}" if answer["path"] else _values(answer)
