"""Alias trees resolve exactly as the pseudo code of alias-trees.md §3.3 says, with the same probabilities.

The pseudo code is written down here once more, word by word, and both are walked through every choice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from r53lite.dns.rrtypes import A
from r53lite.routing import registry
from r53lite.routing.context import ClientLocation, Context
from r53lite.routing.record_set import (
    AliasTarget,
    GeoLocation,
    OutsideTarget,
    RecordSet,
    RecordSetGroup,
)
from r53lite.routing.selection import Selection

CHECKS = "abc"
NOBODY = GeoLocation(country="AQ")
LIVE, DEAD = OutsideTarget(b"\x04live\x00", A), OutsideTarget(b"\x04dead\x00", A)
Choose = Callable[[Sequence[int]], int]
Answer = tuple[bytes, ...] | None  # None is SERVFAIL


class Fork(Exception):  # noqa: N818  # not an error: a choice that the script does not settle
    """A choice beyond the script."""

    def __init__(self, weights: Sequence[int]) -> None:
        self.weights = weights


class Script(Context):
    """A context that follows a script of choices."""

    def __init__(self, down: str, script: Sequence[int]) -> None:
        location = ClientLocation(country="DE", continent="EU")
        super().__init__(Down(down), location, lambda _: 0, targets={LIVE: (b"live",)})
        self._script = list(script)

    def choose(self, weights: Sequence[int]) -> int:
        """Follow the script, or fork."""
        if not self._script:
            raise Fork(weights)
        return self._script.pop(0)


class Down:
    """Health in which exactly the named checks are down."""

    def __init__(self, down: str) -> None:
        self.down = down

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is not among those down."""
        return health_check not in self.down


def distribution(run: Callable[[Sequence[int]], Answer]) -> dict[Answer, Fraction]:
    """Return the exact probability of every answer of a run that is given a script."""
    found: defaultdict[Answer, Fraction] = defaultdict(Fraction)
    pending: list[tuple[list[int], Fraction]] = [([], Fraction(1))]
    while pending:
        script, probability = pending.pop()
        try:
            found[run(script)] += probability
        except Fork as fork:
            total = sum(fork.weights)
            for index, weight in enumerate(fork.weights):
                if weight:
                    pending.append(([*script, index], probability * Fraction(weight, total)))
    return dict(found)


# --- the pseudo code, word by word --------------------------------------------------------------------------


def in_order(group: RecordSetGroup, choose: Choose) -> Iterator[RecordSet]:
    """Yield the sets of a group in the order of its policy."""
    if group.policy == "weighted":
        for pool in (
            [one for one in group.sets if one.weight],
            [one for one in group.sets if not one.weight],
        ):
            while pool:
                yield pool.pop(choose([one.weight or 1 for one in pool]))
    elif group.policy == "failover":
        yield from (one for one in group.sets if one.failover == "primary")
        yield from (one for one in group.sets if one.failover == "secondary")
    elif group.policy == "geolocation":
        yield from (one for one in group.sets if one.location != NOBODY)
    else:
        yield from group.sets


def resolve(group: RecordSetGroup, down: str, choose: Choose) -> tuple[Answer, bool]:
    """Return the values of a group and whether they are healthy (§3.3)."""
    for one in in_order(group, choose):
        if one.health_check is not None and one.health_check in down:
            continue
        if one.alias is None:
            return one.rdatas, True
        answer, ok = follow(one.alias, down, choose)
        if one.alias.evaluate_target_health and not ok:
            continue
        return answer, True
    first: list[Answer] = []
    for one in in_order(group, choose):
        answer = one.rdatas if one.alias is None else follow(one.alias, down, choose)[0]
        if answer:
            return answer, False
        first = first or [answer]
    return (first[0] if first else ()), False


def follow(alias: AliasTarget, down: str, choose: Choose) -> tuple[Answer, bool]:
    """Return what an alias leads to."""
    if isinstance(alias.target, RecordSetGroup):
        return resolve(alias.target, down, choose)
    return ((b"live",), True) if alias.target == LIVE else (None, False)


# --- generated trees ----------------------------------------------------------------------------------------


@st.composite
def groups(draw: st.DrawFn, depth: int = 3) -> RecordSetGroup:
    """Return a group of up to three sets, aliases among them; targets are shared now and then."""
    policy = draw(st.sampled_from(("weighted", "failover", "geolocation", "simple")))
    count = {"simple": 1, "failover": draw(st.integers(1, 2))}.get(policy, draw(st.integers(1, 3)))
    shared = draw(groups(depth - 1)) if depth > 1 else None
    sets = []
    for number in range(count):
        check = draw(st.sampled_from((None, *CHECKS)))
        weight = draw(st.sampled_from((0, 1, 3))) if policy == "weighted" else None
        role = ("primary", "secondary")[number] if policy == "failover" else None
        place = draw(st.sampled_from((NOBODY, GeoLocation(country="*")))) if policy == "geolocation" else None
        one = RecordSet(f"s{number}", 60, (), check, weight, failover=role, location=place)
        if draw(st.booleans()) and depth > 1:
            target = draw(st.sampled_from((shared, shared, shared, LIVE, DEAD, None)))
            one = one._replace(alias=AliasTarget(b"", A, draw(st.booleans()), target))
        else:
            one = one._replace(rdatas=(f"{depth}{number}{draw(st.integers(0, 99))}".encode(),))
        sets.append(one)
    if policy == "geolocation":  # a group has one set for a place
        sets = list({one.location: one for one in sets}.values())
    return RecordSetGroup(b"\x01g\x00", A, policy, tuple(sets))


def dangling_primary() -> RecordSetGroup:
    """Return two sets; one leads to a failover whose primary leads nowhere and is never left."""
    gone = RecordSet("p", 60, (), failover="primary", alias=AliasTarget(b"", A, False, DEAD))
    spare = RecordSet("s", 60, (b"210",), failover="secondary")
    target = RecordSetGroup(b"\x01f\x00", A, "failover", (gone, spare))
    there = RecordSet("s0", 60, (), weight=0, alias=AliasTarget(b"", A, True, target))
    return RecordSetGroup(b"\x01g\x00", A, "weighted", (there, RecordSet("s1", 60, (b"310",), weight=0)))


@settings(max_examples=300, deadline=None)
@example(dangling_primary(), "")
@given(groups(), st.sets(st.sampled_from(CHECKS)).map("".join))
def test_a_tree_answers_as_the_pseudo_code_says(group: RecordSetGroup, down: str) -> None:
    def select(script: Sequence[int]) -> Answer:
        selection = registry.select(group, Script(down, script))
        return selection.rdatas if selection.is_usable else None

    def reference(script: Sequence[int]) -> Answer:
        return resolve(group, down, Script(down, script).choose)[0]

    assert distribution(select) == distribution(reference)


# --- single facts -------------------------------------------------------------------------------------------


def leaf(name: str, check: str | None = None, weight: int = 1) -> RecordSet:
    """Return a set with a value."""
    return RecordSet(name, 60, (name.encode(),), check, weight)


def alias(name: str, target: RecordSetGroup | OutsideTarget | None, weight: int = 1) -> RecordSet:
    """Return an alias that evaluates its target's health."""
    return RecordSet(name, 0, (), None, weight, alias=AliasTarget(b"", A, True, target))


def weighted(*sets: RecordSet) -> RecordSetGroup:
    """Return a weighted group."""
    return RecordSetGroup(b"\x01w\x00", A, "weighted", sets)


def select(group: RecordSetGroup, down: str = "", script: Sequence[int] = ()) -> Selection:
    """Choose with the named checks down and choices by a script."""
    return registry.select(group, Script(down, script))


def test_the_path_names_the_sets_from_the_root_down() -> None:
    inner = weighted(leaf("x"))
    middle = RecordSetGroup(b"\x01m\x00", A, "simple", (alias("", inner),))
    assert select(weighted(alias("us", middle))).path == ("us", "x")


@pytest.mark.parametrize(("down", "is_healthy"), [("", True), ("a", False)])
def test_a_last_resort_is_not_healthy(down: str, is_healthy: bool) -> None:
    selection = select(weighted(alias("top", weighted(leaf("x", "a")))), down)
    assert (selection.rdatas, selection.is_healthy) == ((b"x",), is_healthy)


def test_nothing_is_chosen_below_a_branch_that_is_backed_out_of() -> None:
    dead = weighted(leaf("x", "a"), leaf("y", "a"))
    selection = select(weighted(alias("dead", dead, 5), leaf("live", weight=1)), "a", script=[0])
    assert selection.rdatas == (b"live",)  # one choice was made: that of the dead branch


def test_an_outside_target_has_ttl_60() -> None:
    selection = select(weighted(alias("lb", LIVE)))
    assert (selection.ttl, selection.rdatas, selection.path) == (60, (b"live",), ("lb",))


def test_groups_that_share_their_targets_are_walked_once() -> None:
    group = weighted(leaf("x", "a"))
    for _ in range(31):  # twice as many ways down at each level
        group = RecordSetGroup(
            b"\x01f\x00",
            A,
            "failover",
            (
                alias("p", group)._replace(failover="primary"),
                alias("s", group)._replace(failover="secondary"),
            ),
        )
    assert select(group, "a").rdatas == (b"x",)


def test_groups_that_share_a_target_without_data_are_walked_once() -> None:
    group = RecordSetGroup(b"\x01g\x00", A, "geolocation", (leaf("x")._replace(location=NOBODY),))
    for _ in range(31):
        group = RecordSetGroup(
            b"\x01f\x00",
            A,
            "failover",
            (
                alias("p", group)._replace(failover="primary"),
                alias("s", group)._replace(failover="secondary"),
            ),
        )
    assert select(group).rdatas == ()


@pytest.mark.parametrize("down", ["", "a"])
@pytest.mark.parametrize("is_usable", [True, False])
def test_of_several_sets_without_data_the_first_counts(is_usable: bool, down: str) -> None:
    """NODATA of a group that is not for the client, or SERVFAIL of an alias that leads nowhere."""
    nobody = RecordSetGroup(b"\x01g\x00", A, "geolocation", (leaf("x")._replace(location=NOBODY),))
    targets: list[RecordSetGroup | OutsideTarget] = [nobody, DEAD] if is_usable else [DEAD, nobody]
    sets = [alias(f"s{number}", target) for number, target in enumerate(targets)]
    places = [GeoLocation(country="DE"), GeoLocation(country="*")]
    sets = [one._replace(location=place, health_check="a") for one, place in zip(sets, places, strict=True)]
    group = RecordSetGroup(b"\x01g\x00", A, "geolocation", tuple(sets))
    selection = select(group, down)
    assert (selection.rdatas, selection.path) == ((), ("s0",))
    assert (selection.is_usable, selection.is_healthy) == (is_usable, False)
