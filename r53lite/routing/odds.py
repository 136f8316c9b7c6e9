"""What can a policy answer, and how likely is each answer? Exactly, by walking through every choice.

A policy leaves chance to its context alone: `choose`, `arrange` and `sample`. A `Forecast` overrules them and
follows a script; at the first choice beyond it the walk forks, and each branch is run anew with its weight
over their sum. What a run of any policy, alias tree or CNAME chain comes to is one outcome; its probability
is the product of the fractions on its way. Nothing is drawn and nothing is known of any policy here.

The order of records is not an outcome. A sample of some of many sets is one outcome for each combination, as
long as these are few (`MAX_LISTED`); of more, each member is walked alone, and what comes out is not how
likely a whole answer is but how likely a member is in it (`Sample`).

Rules that always hold: the probabilities of all outcomes sum to 1, a sampled one counted `1/count` for each
member; equal outcomes are for the caller to merge. Pure.

Source: our choice; the policies are those of docs/route53/routing-policies.md §2.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import comb, lcm
from typing import Generic, NamedTuple, TypeVar, cast

from r53lite.routing.cidr_index import ClientPrefix
from r53lite.routing.context import NO_TARGETS, ClientLocation, Context, HealthView, TargetView
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.registry import select
from r53lite.routing.selection import Selection

MAX_LISTED = 64  # our choice: ten sets, of which eight are sampled, are 45 combinations; a page of answers
MAX_OUTCOMES = 20_000  # our choice: some seconds
MAX_MERGED_OUTCOMES = 100_000  # our choice: the same, as they are less work

T = TypeVar("T")


class TooManyOutcomesError(Exception):
    """There are more outcomes than anybody can read or wait for."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} outcomes")


class Situation(NamedTuple):
    """What decides besides chance: see `Context`."""

    health: HealthView
    location: ClientLocation
    client: ClientPrefix | None = None
    targets: TargetView = NO_TARGETS


class Sample(NamedTuple):
    """`wanted` of `among` sets come, too many combinations to list; an outcome shows one of the sets alone.

    `probability` is that of a sample being taken here, `group` the group it is taken from. The chance that
    one of `members` of its sets comes is `share(members)` of that. `script` has the choices that lead here:
    two ways to one group are two samples, however alike.
    """

    group: RecordSetGroup | None
    among: int
    wanted: int
    probability: Fraction
    script: tuple[int, ...]

    def share(self, members: int = 1) -> Fraction:
        """Return the chance that the sample holds at least one of some sets: hypergeometric, `wanted/among`
        for a single one.
        """
        return 1 - Fraction(comb(self.among - members, self.wanted), comb(self.among, self.wanted))


class Outcome(NamedTuple, Generic[T]):
    """What one way through all choices comes to.

    `sample` is set where `value` shows a single member of a sample; `probability` is then the sample's over
    the sets it is `among`. `visits` are the outermost groups, each with what was selected: one for each
    policy in a CNAME chain.
    """

    probability: Fraction
    value: T
    visits: tuple[tuple[RecordSetGroup, Selection], ...]
    sample: Sample | None


class _ForkError(Exception):
    """A choice beyond the script; carries its weights. Never leaves this module."""

    def __init__(self, weights: Sequence[int], sampled: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.weights = tuple(weights)
        self.sampled = sampled


class _Reached(NamedTuple):
    """What one group below an alias comes to: equal outcomes are one.

    Each has its weight, what it is, and the scope of what was looked at.
    """

    weights: tuple[int, ...]
    values: tuple[object, ...]
    scopes: tuple[int, ...]


class _Below:
    """The groups below aliases, each gone through once for what it is reached for.

    Args:
        situation: what decides besides chance.
        spend: counts an outcome; raises where there are too many.
    """

    def __init__(self, situation: Situation, spend: Callable[[], object]) -> None:
        self._situation = situation
        self._spend = spend
        self._reached: dict[tuple[int, Hashable], _Reached] = {}

    def reach(self, group: RecordSetGroup, kind: Hashable, run: Callable[[Context], object]) -> _Reached:
        """Return what a group comes to; the path below it is forgotten."""
        key = id(group), kind
        if key not in self._reached:
            shares: dict[tuple[object, int], Fraction] = {}

            def look(context: Context) -> tuple[object, int]:
                value = run(context)
                short = value._replace(path=()) if isinstance(value, Selection) else value
                return short, context.scope_prefix_len

            for outcome in _walk(look, self._situation, [], Fraction(1), {}, self):
                self._spend()
                shares[outcome.value] = shares.get(outcome.value, Fraction()) + outcome.probability
            whole = lcm(*(share.denominator for share in shares.values()))
            weights = tuple([int(share * whole) for share in shares.values()])
            values, scopes = zip(*shares, strict=True)
            self._reached[key] = _Reached(weights, values, scopes)
        return self._reached[key]


class Forecast(Context):
    """A context that follows a script of choices, stops at the first one beyond it and notes what it sees.

    Args:
        situation: what decides besides chance.
        script: the choices, first to last.
        below: goes through groups below aliases once; None walks down each time, and knows the whole path.
    """

    __slots__ = ("groups", "known_below", "sampled", "script", "visits")

    def __init__(self, situation: Situation, script: Sequence[int], below: _Below | None = None) -> None:
        health, location, client, targets = situation
        super().__init__(health, location, _no_draw, client=client, targets=targets)
        self.script = list(reversed(script))
        self.known_below = below
        self.groups: list[RecordSetGroup] = []
        self.visits: list[tuple[RecordSetGroup, Selection]] = []
        self.sampled: tuple[RecordSetGroup | None, int, int] | None = None

    def choose(self, weights: Sequence[int]) -> int:
        """Follow the script, or stop."""
        if not self.script:
            raise _ForkError(weights)
        return self.script.pop()

    def arrange(self, count: int, wanted: int) -> Sequence[int]:
        """Leave the order of all as it is; of some, take one combination, or one member of too many."""
        if wanted == count:
            return range(count)
        outcomes = comb(count, wanted)
        if outcomes <= MAX_LISTED:
            return _combinations(count, wanted)[self.choose((1,) * outcomes)]
        if self.known_below is not None:
            raise TooManyOutcomesError(MAX_OUTCOMES)  # a sample's members are no outcomes that can be merged
        if not self.script:
            raise _ForkError((1,) * count, (count, wanted))
        self.sampled = (self.groups[-1] if self.groups else None, count, wanted)
        return (self.script.pop(),)

    def sample(self, count: int, wanted: int) -> Sequence[int]:
        """Do as `arrange` does: here it is all the same what a sample settles."""
        return self.arrange(count, wanted)

    def below(self, group: RecordSetGroup, kind: Hashable, reach: Callable[[Context], T]) -> T:
        """Walk down, or take one of the outcomes that are known."""
        if self.known_below is None:
            return reach(self)
        reached = self.known_below.reach(group, kind, reach)
        at = self.choose(reached.weights) if len(reached.weights) > 1 else 0
        self.scope_prefix_len = max(self.scope_prefix_len, reached.scopes[at])
        return cast("T", reached.values[at])

    def enter(self, group: RecordSetGroup, *, is_last_resort: bool) -> None:
        """Note which group samples are of."""
        self.groups.append(group)

    def leave(self, selection: object | None) -> None:
        """Note that the group is done with."""
        self.groups.pop()

    def settle(self, group: RecordSetGroup, selection: object) -> None:
        """Keep what a name's policy has selected."""
        assert isinstance(selection, Selection)
        self.visits.append((group, selection))


@lru_cache(maxsize=16)
def _combinations(count: int, wanted: int) -> tuple[tuple[int, ...], ...]:
    return tuple(combinations(range(count), wanted))


def _no_draw(_limit: int) -> int:
    raise AssertionError("a policy drew; it may only choose and arrange")


def outcomes(
    run: Callable[[Context], T],
    situation: Situation,
    limit: int | None = None,
    pause: Callable[[], object] | None = None,
) -> list[Outcome[T]]:
    """Return every way that a run can go.

    Args:
        run: a function of its context alone: a policy, or the whole clear path of one question.
        situation: health and the client.
        limit: so many outcomes at most; `MAX_OUTCOMES` unless said.
        pause: called after each; may raise to end the walk.

    Returns:
        At least one outcome; equal ones are not merged.

    Raises:
        TooManyOutcomesError: there are more.
    """
    found: list[Outcome[T]] = []
    count = OutcomeCount(MAX_OUTCOMES if limit is None else limit, pause)
    for outcome in _walk(run, situation, [], Fraction(1), {}):
        found.append(outcome)
        count.add()
    assert sum(outcome.probability for outcome in found) == 1
    return found


def merged_outcomes(
    run: Callable[[Context], T], situation: Situation, pause: Callable[[], object] | None = None
) -> list[Outcome[T]]:
    """Return every way that a run can go, as far as what it comes to is not the same: what aliases lead to is
    gone through once, and told without the path below.

    So a tree of a million ways has no more outcomes than sets at its top times answers. See `outcomes`.

    Raises:
        TooManyOutcomesError: there are too many of these as well, or a sample is among them.
    """
    count = OutcomeCount(MAX_MERGED_OUTCOMES, pause)
    found = []
    for outcome in _walk(run, situation, [], Fraction(1), {}, _Below(situation, count.add)):
        found.append(outcome)
        count.add()
    assert sum(outcome.probability for outcome in found) == 1
    return found


class OutcomeCount:
    """Counts outcomes.

    Args:
        limit: so many at most.
        pause: called after each; may raise.
    """

    def __init__(self, limit: int, pause: Callable[[], object] | None) -> None:
        self._limit = self._left = limit
        self._pause = pause

    def add(self) -> None:
        """Count one more.

        Raises:
            TooManyOutcomesError: it is one too many.
        """
        if self._pause is not None:
            self._pause()
        self._left -= 1
        if self._left < 0:
            raise TooManyOutcomesError(self._limit)


def _walk(
    run: Callable[[Context], T],
    situation: Situation,
    script: list[int],
    probability: Fraction,
    samples: dict[int, Fraction],
    known_below: _Below | None = None,
) -> Iterator[Outcome[T]]:
    """Yield the outcomes below a script of choices.

    Args:
        samples: the probability of each sample on the way, by its place in the script.
    """
    forecast = Forecast(situation, script, known_below)
    try:
        value = run(forecast)
    except _ForkError as fork:
        total = sum(fork.weights)
        below = samples if fork.sampled is None else {**samples, len(script): probability}
        for index, weight in enumerate(fork.weights):
            if weight:
                share = probability * Fraction(weight, total)
                yield from _walk(run, situation, [*script, index], share, below, known_below)
        return
    sample = None
    if forecast.sampled is not None and _is_used(forecast):
        group, count, wanted = forecast.sampled
        at = max(samples)
        sample = Sample(group, count, wanted, samples[at], tuple(script[:at]))
    yield Outcome(probability, value, tuple(forecast.visits), sample)


def _is_used(forecast: Forecast) -> bool:
    """Say whether the last sample is in what was selected: a tree may have backed out of it."""
    assert forecast.sampled is not None
    group = forecast.sampled[0]
    if group is None:
        return True
    ids = {id(record_set) for record_set in group.sets}
    return any(id(chosen) in ids for _, selection in forecast.visits for chosen in selection.chosen)


def group_outcomes(
    group: RecordSetGroup, situation: Situation, limit: int | None = None
) -> list[Outcome[Selection]]:
    """Return every selection that a group's policy can make (see `outcomes`)."""
    return outcomes(lambda context: select(group, context), situation, limit)
