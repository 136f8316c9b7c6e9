"""How does one run go? Batches of sets are served, asked and judged; failures are grouped and shrunk."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.differential.facts import Facts
from tests.differential.judge import Failure, judge
from tests.differential.model import ZoneSet
from tests.differential.servers import SERVERS, Placed, place, serving

BATCH_SETS = 200


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
    asked = [(one, question) for one in placed for question in one.zone_set.questions]
    with tempfile.TemporaryDirectory(prefix="differential-") as directory:
        with serving(placed, Path(directory) / "run") as servers:
            answers = servers.ask([(question, one.base) for one, question in asked])
    failures = []
    facts: dict[tuple[bytes, ...], Facts] = {}
    for at, (one, question) in enumerate(asked):
        here = facts.get(one.base) or facts.setdefault(one.base, _facts(one))
        said = {name: answers[name][at] for name in SERVERS}
        verdict = judge(here, one, question, said)
        tally.used.update(verdict.used)
        if not verdict.is_fine:
            failures.append(Failure(one, question, said, verdict))
    tally.sets += len(zone_sets)
    tally.questions += len(asked)
    return failures


def _facts(placed: Placed) -> Facts:
    return Facts(placed.zone_set, placed.base)
