"""How likely is each answer to a question, for one client and one health state?

The clear path (`authoritative.respond`) is walked through every choice of every policy on its way
(`routing.odds`), and equal answers are merged: equal values, TTL, path and response code. What comes out is
the shape that `r53lite odds --json` and `GET /r53lite/v1/odds` share.

Rules that always hold: probabilities are exact fractions; those of the listed answers and of the samples sum
to 1. Where a sample has too many combinations to list (`routing.odds.MAX_LISTED`), there is an answer for
each of its values with the chance that it is among the values of a reply, marked `marginal`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from r53lite.answering.asking import Ask, NotOurNameError, client_of, is_fixed, locate, with_checks
from r53lite.answering.authoritative import Options, Result, respond
from r53lite.answering.summary import summary_of
from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes
from r53lite.dns.name import format_name
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rrtypes import format_rcode, format_rrtype
from r53lite.health.table import HealthTable
from r53lite.routing.context import (
    NO_TARGETS,
    ClientLocation,
    Context,
    HealthView,
    TargetView,
)
from r53lite.routing.latencies import client_region
from r53lite.routing.odds import (
    Outcome,
    OutcomeCount,
    Sample,
    Situation,
    TooManyOutcomesError,
    merged_outcomes,
    outcomes,
)
from r53lite.routing.tracing import checks_below, sets_on_path
from r53lite.zone.model import Zone

MAX_REPORT_OUTCOMES = 200_000  # our choice, of all health states of a report: some ten seconds

Shape = dict[str, object]
"""A JSON object."""


class Answered(NamedTuple):
    """What makes two answers the same. `values` are sorted; `leaving` is where a CNAME chain goes on,
    `referral` the delegation where our data ends.
    """

    rcode: int
    ttl: int | None
    values: tuple[bytes, ...]
    path: tuple[str, ...]
    rrtype: int
    leaving: bytes | None
    referral: bytes | None = None

    @property
    def is_nothing(self) -> bool:
        """Say whether whoever asks has nothing to go on with."""
        return not self.values and self.leaving is None and self.referral is None


class Share(NamedTuple):
    """One answer with its probability; of a sampled value, that it is among those of a reply.

    `dead` are the health checks that are down and whose targets the answer holds all the same.
    """

    answered: Answered
    probability: Fraction
    is_marginal: bool
    dead: frozenset[str]


class Odds(NamedTuple):
    """Every answer to one question, the likeliest first, and the samples of which not all are listed.

    `is_merged` says that there were too many ways to each answer to tell them apart: no answer has a path.
    """

    shares: tuple[Share, ...]
    samples: tuple[Sample, ...]
    scope_prefix_len: int
    checks: frozenset[str]
    is_merged: bool

    @property
    def nothing(self) -> Fraction:
        """Return how likely no answer is, or SERVFAIL."""
        nothing = (share.probability for share in self.shares if share.answered.is_nothing)
        return sum(nothing, Fraction())

    def why_lost(self, before: Odds) -> str | None:
        """Say why a health state is not survived: an answer holds a target whose health check is down, or
        there is nothing to answer more often than before. None where it is survived.
        """
        if any(share.dead for share in self.shares):
            return "a target that is down is answered"
        return "nothing is left to answer" if self.nothing > before.nothing else None


def odds_of(
    snapshot: Snapshot,
    qname: bytes,
    qtype: int,
    situation: Situation,
    pause: Callable[[], object] | None = None,
) -> Odds:
    """Return every answer to a question with its exact probability.

    Args:
        snapshot: the zones.
        qname: the name.
        qtype: the type.
        situation: health and the client.
        pause: called after each outcome; may raise to give up.

    Raises:
        NotOurNameError: no zone holds the name.
        TooManyOutcomesError: nobody could read them.
    """
    zone = zone_of(snapshot, qname)
    run = partial(_respond, snapshot, zone, qname, qtype)
    is_merged = False
    try:
        found = outcomes(run, situation, pause=pause)
    except TooManyOutcomesError:
        is_merged = True
        found = [_without_path(one) for one in merged_outcomes(run, situation, pause)]
    health = situation.health
    listed = _merge([outcome for outcome in found if outcome.sample is None], qtype, health)
    sampled = [outcome for outcome in found if outcome.sample is not None]
    shares = [*listed, *_marginals(sampled, qtype, health)]
    shares.sort(key=lambda share: (-share.probability, share.answered.path, share.answered.values))
    samples = tuple(dict.fromkeys(outcome.sample for outcome in sampled if outcome.sample is not None))
    assert sum(share.probability for share in listed) + sum(sample.probability for sample in samples) == 1
    scope = max(outcome.value.response.scope_prefix_len for outcome in found)
    checks = checks_below(group for outcome in found for group, _ in outcome.visits)
    return Odds(tuple(shares), samples, scope, checks, is_merged)


def _without_path(outcome: Outcome[Result]) -> Outcome[Result]:
    visits = tuple((group, selection._replace(path=())) for group, selection in outcome.visits)
    return outcome._replace(visits=visits)


def zone_of(snapshot: Snapshot, qname: bytes) -> Zone:
    """Return the zone that answers for a name.

    Raises:
        NotOurNameError: there is none.
    """
    zone = snapshot.catalog.find(qname)
    if zone is None:
        raise NotOurNameError(f"no zone holds {format_name(qname)!r}")
    return zone


def _respond(snapshot: Snapshot, zone: Zone, qname: bytes, qtype: int, context: Context) -> Result:
    return respond(snapshot.catalog, zone, qname, qtype, context, Options(is_minimal=True))


def answered_of(outcome: Outcome[Result], qtype: int) -> Answered:
    """Return what an outcome answers."""
    ttl, rrtype, values = summary_of(outcome.value, qtype)
    path = tuple(step for _, selection in outcome.visits for step in selection.path)
    return Answered(
        outcome.value.response.rcode,
        ttl,
        tuple(sorted(values)),
        path,
        rrtype,
        outcome.value.leaving,
        None if outcome.value.referral is None else outcome.value.referral.ns.owner,
    )


def _merge(found: Iterable[Outcome[Result]], qtype: int, health: HealthView) -> list[Share]:
    """Add up the probabilities of equal answers."""
    total: dict[Answered, Fraction] = {}
    dead: dict[Answered, frozenset[str]] = {}
    for outcome in found:
        answered = answered_of(outcome, qtype)
        total[answered] = total.get(answered, Fraction()) + outcome.probability
        dead[answered] = dead.get(answered, frozenset()) | _dead_checks(outcome, health)
    return [Share(answered, share, False, dead[answered]) for answered, share in total.items()]


def _marginals(found: Sequence[Outcome[Result]], qtype: int, health: HealthView) -> list[Share]:
    """Return for each value of a sample the chance that it is in a reply.

    A value that several sets of one sample have is there if any of them is.
    """
    members: dict[tuple[Sample, int, tuple[bytes, ...]], list[Outcome[Result]]] = {}
    for outcome in found:
        assert outcome.sample is not None
        whole = answered_of(outcome, qtype)
        each: list[tuple[bytes, ...]] = [(value,) for value in whole.values]
        for values in each or [()]:
            members.setdefault((outcome.sample, whole.rcode, values), []).append(outcome)
    ttls: dict[Sample, set[int | None]] = {}
    for outcome in found:
        assert outcome.sample is not None
        ttls.setdefault(outcome.sample, set()).add(answered_of(outcome, qtype).ttl)
    return [
        _marginal(those, values, ttls[sample], qtype, health)
        for (sample, _, values), those in members.items()
    ]


def _marginal(
    those: Sequence[Outcome[Result]],
    values: tuple[bytes, ...],
    ttls: set[int | None],
    qtype: int,
    health: HealthView,
) -> Share:
    """Return the chance that a reply holds what some members of one sample have in common.

    The path names them all. The TTL is there where all members of the sample have the same: a reply has the
    least of those that are in it.
    """
    sample = those[0].sample
    assert sample is not None
    answers = [answered_of(one, qtype) for one in those]
    members = sum((one.probability for one in those), Fraction()) * sample.among / sample.probability
    answered = answers[0]._replace(
        values=values,
        path=tuple(dict.fromkeys(step for answer in answers for step in answer.path)),
        ttl=answers[0].ttl if len(ttls) == 1 else None,
    )
    dead = frozenset[str]().union(*(_dead_checks(one, health) for one in those))
    return Share(answered, sample.probability * sample.share(int(members)), True, dead)


def _dead_checks(outcome: Outcome[Result], health: HealthView) -> frozenset[str]:
    """Return the checks that are down of the sets an answer comes from, aliases on the way included."""
    sets = [one for group, selection in outcome.visits for one in sets_on_path(group, selection)]
    checks = {one.health_check for one in sets if one.health_check is not None}
    return frozenset(check for check in checks if not health.is_healthy(check))


# --- the shape ----------------------------------------------------------------------------------------------


def report_odds(
    snapshot: Snapshot,
    ask: Ask,
    health: HealthTable,
    targets: TargetView = NO_TARGETS,
    *,
    is_each_failure: bool,
    pause: Callable[[], object] = lambda: None,
) -> Shape:
    """Return the odds in the shape that tools rely on.

    Args:
        snapshot: the zones and locations.
        ask: the question and the client.
        health: the health state, what is stated in the question included.
        targets: the addresses of outside names.
        is_each_failure: also tell the odds with each single check failing that is healthy now.
        pause: called after each outcome; may raise to give up.

    Raises:
        NotOurNameError: no zone holds the name.
        TooManyOutcomesError: nobody could read them, or wait for those of all failures.
    """
    location = locate(ask, snapshot)
    situation = Situation(health, location, client_of(ask), targets)
    tick = OutcomeCount(MAX_REPORT_OUTCOMES, pause).add
    odds = odds_of(snapshot, ask.qname, ask.qtype, situation, tick)
    shape: Shape = {
        "name": format_name(ask.qname),
        "type": format_rrtype(ask.qtype),
        "client": str(ask.client),
        "location": location_shape(location),
        "health": health_shape(odds.checks, health),
        "scope_prefix_len": odds.scope_prefix_len,
        "answers": [_share_shape(share) for share in odds.shares],
    }
    if odds.samples:
        shape["samples"] = [_sample_shape(sample) for sample in odds.samples]
    if odds.is_merged:
        shape["merged"] = True
    if is_each_failure:
        shape["failures"] = [
            _failure_shape(snapshot, ask, _with_down(situation, health, check), check, odds, tick)
            for check in sorted(odds.checks)
            if health.is_healthy(check) and not is_fixed(snapshot, check)
        ]
    return shape


def _with_down(situation: Situation, health: HealthTable, check: str) -> Situation:
    return situation._replace(health=with_checks(health, {check: False}))


def location_shape(location: ClientLocation) -> Shape:
    """Return where a client is: its region always (its own, else the nearest, else the default), the rest as
    far as it is known.
    """
    shape: Shape = {"region": client_region(location), "source": location.source}
    for key in ("country", "subdivision", "continent", "coordinates"):
        value = getattr(location, key)
        if value is not None:
            shape[key] = list(value) if isinstance(value, tuple) else value
    return shape


def health_shape(checks: Iterable[str], health: HealthView) -> Shape:
    """Return which checks are healthy."""
    return {check: "healthy" if health.is_healthy(check) else "unhealthy" for check in sorted(checks)}


def _share_shape(share: Share) -> Shape:
    answered = share.answered
    shape: Shape = {
        "probability": str(share.probability),
        "percent": round(float(share.probability * 100), 6),
        "ttl": answered.ttl,
        "values": [format_rdata(answered.rrtype, value) for value in answered.values],
        "path": list(answered.path),
    }
    if share.is_marginal:
        shape["marginal"] = True
    if answered.rcode != rrtypes.NOERROR:
        shape["rcode"] = format_rcode(answered.rcode)
    if answered.leaving is not None:
        shape["leaving"] = format_name(answered.leaving)
    if answered.referral is not None:
        shape["referral"] = format_name(answered.referral)
    if share.dead:
        shape["down"] = sorted(share.dead)
    return shape


def _sample_shape(sample: Sample) -> Shape:
    return {"probability": str(sample.probability), "wanted": sample.wanted, "of": sample.among}


def _failure_shape(
    snapshot: Snapshot,
    ask: Ask,
    situation: Situation,
    check: str,
    before: Odds,
    tick: Callable[[], object],
) -> Shape:
    odds = odds_of(snapshot, ask.qname, ask.qtype, situation, tick)
    reason = odds.why_lost(before)
    shape: Shape = {
        "down": check,
        "survives": reason is None,
        "answers": [_share_shape(share) for share in odds.shares],
    }
    if reason is not None:
        shape["reason"] = reason
    if odds.samples:
        shape["samples"] = [_sample_shape(sample) for sample in odds.samples]
    return shape
