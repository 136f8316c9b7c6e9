"""`r53lite explain`: why a client gets its answer, step by step."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import click

from r53lite.answering.asking import Ask
from r53lite.answering.explain_report import report_explanation
from r53lite.cli.looking import Question, Where, look, question_options
from r53lite.control.snapshot import Snapshot
from r53lite.health.table import HealthTable
from r53lite.routing.context import TargetView


@click.command("explain")
@question_options
def explain(
    name: str,
    rrtype: str,
    client: str,
    region: str | None,
    down: tuple[str, ...],
    up: tuple[str, ...],
    zones: Path | None,
    server: str | None,
    is_json: bool,
) -> None:
    """Make one answer to NAME TYPE for a client, and say step by step why it is this one.

    Where chance decides, another call may give another answer: `r53lite odds` has them all.

    Exit codes: 0 fine, 1 no zone holds the name or a zone is faulty, 2 wrong usage or settings.
    """
    question = Question(name, rrtype, client, region, down, up)
    shape: dict[str, Any] = look(Where(zones, server), question, "explain", _explain)
    if is_json:
        click.echo(json.dumps(shape, ensure_ascii=False))
        return
    width = max(len(step["step"]) for step in shape["steps"])
    for step in shape["steps"]:
        click.echo(f"{step['step'].ljust(width)}  {step['text']}")


def _explain(snapshot: Snapshot, ask: Ask, health: HealthTable, targets: TargetView) -> dict[str, object]:
    return report_explanation(snapshot, ask, health, random.randrange, None, targets)
