"""Does a group survive the failure of any one health check?

It does where, whichever check fails, no client is answered with that check's target, and none gets nothing
who got something before. A check that was not looked at for a client makes no difference to that client, so
its failure need not be tried. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from r53lite.control.lint_clients import Client
from r53lite.control.lint_trial import Trial
from r53lite.dns.presentation import format_rdata
from r53lite.routing.odds import Outcome, TooManyOutcomesError
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.selection import Selection
from r53lite.routing.tracing import sets_on_path

MAX_EXAMPLES = 3
MIN_PERCENT = Fraction(1, 100)  # less is a fraction


class Survival(NamedTuple):
    """Whether a group survives any one failure; None where it has too many outcomes to find out.

    `clients` were tried. A group that does not survive has a counter-example: the `check` that fails, the
    `answer`, and the `client` that gets it, empty where all clients are alike.
    """

    group: RecordSetGroup
    survives: bool | None
    clients: int
    check: str = ""
    answer: str = ""
    client: str = ""


def survival_of(trial: Trial) -> Survival:
    """Try every single failure for every client."""
    trial.begin()
    found = trial.clients.found
    try:
        calm = [(client, *trial.outcomes_and_checks(client, ())) for client in found]
        for check in trial.checks:
            for client, before, looked_at in calm:
                if check in looked_at:
                    example = _dead_answer(trial, client, check, _nothing(before))
                    if example is not None:
                        return Survival(trial.group, False, len(found), check, example, client.text)
    except TooManyOutcomesError:
        return Survival(trial.group, None, len(found))
    return Survival(trial.group, True, len(found))


def _dead_answer(trial: Trial, client: Client, check: str, before: Fraction) -> str | None:
    """Return the answers that hold the target of a check that is down, with their probabilities; or how often
    there is nothing to answer, where that is more often than `before`.
    """
    dead: dict[tuple[bytes, ...], Fraction] = {}
    outcomes = trial.outcomes(client, (check,))
    for outcome in outcomes:
        on_path = sets_on_path(trial.group, outcome.value)
        lost = next((one for one in on_path if one.health_check == check), None)
        if lost is not None:
            values = tuple(sorted(outcome.value.rdatas if outcome.sample is None else lost.rdatas))
            among = 1 if outcome.sample is None else outcome.sample.wanted
            dead[values] = dead.get(values, Fraction()) + outcome.probability * among
    if dead:
        likeliest = sorted(dead.items(), key=lambda item: (-item[1], item[0]))
        shown = [
            f"{_text(trial.group, values)} ({_share(share)})" for values, share in likeliest[:MAX_EXAMPLES]
        ]
        more = len(likeliest) - MAX_EXAMPLES
        return "; ".join([*shown, f"{more} more"] if more > 0 else shown)
    nothing = _nothing(outcomes)
    return f"nothing ({_share(nothing)})" if nothing > before else None


def _text(group: RecordSetGroup, rdatas: Iterable[bytes]) -> str:
    return ", ".join(format_rdata(group.rrtype, rdata) for rdata in rdatas)


def _share(share: Fraction) -> str:
    return f"in {float(share):.0%} of answers" if share >= MIN_PERCENT else f"in {share} of answers"


def _nothing(outcomes: Iterable[Outcome[Selection]]) -> Fraction:
    """Return how likely there is nothing to answer."""
    return sum((one.probability for one in outcomes if not one.value.rdatas), Fraction())
