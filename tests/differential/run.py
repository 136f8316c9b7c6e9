"""How does one run go? Batches of sets are served, asked and judged; failures are grouped and shrunk."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.differential.chains import Asked, follow_chains
from tests.differential.facts import Facts
from tests.differential.judge import Failure, judge
from tests.differential.model import ZoneSet
from tests.differential.servers import SERVERS, Placed, place, serving
from tests.differential.wire import Answer

BATCH_SETS = 200
REPLAYED = "r53lite again"  # a second answer may be a compiled one


class Tally:
    """What a run has seen so far."""

    def __init__(self) -> None:
        self.sets = 0
        self.questions = 0
        self.used: Counter[str] = Counter()
        self.failures: dict[str, list[Failure]] = {}

    @property
    def failure_count(self) -> int:
        """Return the number of unexplained differences."""
        return sum(map(len, self.failures.values()))


def run(zone_sets: Sequence[ZoneSet], tally: Tally) -> None:
    """Serve, ask and judge sets; what owns the root goes alone."""
    many = [zone_set for zone_set in zone_sets if not zone_set.is_root]
    batches = [many[at : at + BATCH_SETS] for at in range(0, len(many), BATCH_SETS)]
    for batch in [*batches, *([zone_set] for zone_set in zone_sets if zone_set.is_root)]:
        for failure in judge_batch(batch, tally):
            tally.failures.setdefault(failure.verdict.signature, []).append(failure)


def judge_batch(zone_sets: Sequence[ZoneSet], tally: Tally) -> list[Failure]:
    """Serve sets side by side, ask all their questions and return what is unexplained."""
    placed = place(zone_sets)
    asked = []
    for one in placed:
        facts = Facts(one.zone_set, one.base)
        asked += [(one, Asked(facts, question, one.base)) for question in one.zone_set.questions]
    answers = _ask([each for _, each in asked], placed)
    failures = []
    for at, (one, each) in enumerate(asked):
        said = {name: answers[name][at] for name in SERVERS}
        verdict = judge(each.facts, one, each.question, said)
        tally.used.update(verdict.used)
        if verdict.is_fine and answers[REPLAYED][at] != said["r53lite"]:
            said["r53lite"] = answers[REPLAYED][at]
            verdict = judge(each.facts, one, each.question, said)._replace(note="asked again, ")
        if not verdict.is_fine:
            failures.append(Failure(one, each.question, said, verdict))
    tally.sets += len(zone_sets)
    tally.questions += len(asked)
    return failures


def _ask(asked: Sequence[Asked], placed: Sequence[Placed]) -> dict[str, list[Answer]]:
    """Start the servers and ask, us twice; Knot goes on where a chain leaves a zone."""
    with (
        tempfile.TemporaryDirectory(prefix="differential-") as directory,
        serving(placed, Path(directory) / "run") as servers,
    ):
        questions = [(each.question, each.base) for each in asked]
        answers = {name: servers.ask(name, questions) for name in SERVERS}
        answers[REPLAYED] = servers.ask("r53lite", questions)
        joined = follow_chains(lambda more: servers.ask("Knot", more), asked, answers["Knot"])
    for at, answer in joined.items():
        answers["Knot"][at] = answer
    return answers
