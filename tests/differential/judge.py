"""Is our answer explained by what NSD and Knot say?"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tests.differential.allowed import ONE_TREE, OPTIONAL, PEERS_DIFFER, Case, Rule
from tests.differential.compare import Atom, describe, differences
from tests.differential.facts import Facts, wire_of
from tests.differential.model import Question, udp_limit
from tests.differential.servers import Placed
from tests.differential.wire import TC, Answer

PEERS = ("NSD", "Knot")
UNSURE_OCTETS = 200


class Verdict(NamedTuple):
    """What is left unexplained against each peer; nothing at all where `is_fine`."""

    left: dict[str, frozenset[Atom]]
    used: tuple[str, ...]
    note: str = ""

    @property
    def is_fine(self) -> bool:
        """Say whether every difference was explained."""
        return not any(self.left.values())

    @property
    def signature(self) -> str:
        """Return what failures of one kind have in common."""
        return self.note + " | ".join(
            f"{peer}: {', '.join(sorted({atom.shape() for atom in atoms})) or 'same'}"
            for peer, atoms in self.left.items()
        )


class Failure(NamedTuple):
    """An unexplained difference: where it is, and what the three said."""

    placed: Placed
    question: Question
    answers: dict[str, Answer]
    verdict: Verdict

    def describe(self) -> str:
        """Return zones, question and answers as text."""
        base = self.placed.base
        lines = [f"unexplained: {self.verdict.signature}"]
        for zone in self.placed.zone_set.zones:
            lines += [
                f"zone {zone.origin.text(base)}",
                *(f"    {record.text(base)}" for record in zone.records),
            ]
        lines.append(f"question {self.question.describe(base)}")
        for name, answer in self.answers.items():
            lines += [f"{name}:", *(f"    {line}" for line in describe(answer).splitlines())]
        return "\n".join(lines)


def judge(facts: Facts, placed: Placed, question: Question, answers: dict[str, Answer]) -> Verdict:
    """Compare our answer with both peers' and take out what is allowed."""
    qname = wire_of(question.qname, placed.base)
    used: Counter[str] = Counter()
    left = {}
    cases = {}
    for peer in PEERS:
        ours = answers["r53lite"]
        theirs = _with_a_sure_tc(ours, answers[peer], question)
        case = cases[peer] = Case(facts, question, qname, peer, ours, theirs)
        left[peer] = _explain(OPTIONAL, case, differences(case.ours, case.theirs), used)
    same = [peer for peer in PEERS if not left[peer]]
    if len(same) == 1:  # the peers differ, and we agree with one of them
        other = next(peer for peer in PEERS if left[peer])
        left[other] = _explain(PEERS_DIFFER, cases[other], left[other], used)
    elif not same:  # NSD looked the name up elsewhere, so only Knot has answered this question
        nsd = _explain((ONE_TREE,), cases["NSD"], left["NSD"], used)
        if not nsd:
            left = {"NSD": nsd, "Knot": _explain(PEERS_DIFFER, cases["Knot"], left["Knot"], used)}
    return Verdict(left, tuple(used))


def _with_a_sure_tc(ours: Answer, theirs: Answer, question: Question) -> Answer:
    """Give an answer joined of two our TC near the limit: how far it had been compressed, nobody can tell."""
    is_near = abs(theirs.size - udp_limit(question.payload)) < UNSURE_OCTETS
    if not theirs.is_joined or question.is_tcp or not is_near:
        return theirs
    return theirs._replace(flags=theirs.flags & ~TC | ours.flags & TC)


def _explain(
    rules: tuple[Rule, ...], case: Case, atoms: frozenset[Atom], used: Counter[str]
) -> frozenset[Atom]:
    for rule in rules:
        if not atoms:
            break
        explained = rule.explain(case, atoms)
        if explained:
            used[rule.name] += 1
            atoms -= explained
    return atoms


def allowed_list() -> str:
    """Return the list of allowed differences as text."""
    lines = ["allowed, because the RFCs leave a choice:"]
    lines += [f"  {rule.name}: {rule.reason}" for rule in OPTIONAL]
    lines.append("allowed, because NSD and Knot differ; r53lite equals the other one in everything:")
    return "\n".join([*lines, *(f"  {rule.name}: {rule.reason}" for rule in PEERS_DIFFER)])
