"""Weighted groups answer in exact shares of their weights (docs/route53/routing-policies.md §2.2)."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns.rrtypes import A
from r53lite.routing import registry
from r53lite.routing.context import ClientLocation, Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup

LOCATION = ClientLocation(region="eu-west-1", prefix_len=24)


class Checks:
    """Health in which exactly the named checks are down."""

    def __init__(self, down: str = "") -> None:
        self.down = down

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is not among those down."""
        return health_check not in self.down


def group_of(*weights: int, unchecked: str = "") -> RecordSetGroup:
    """Return a group of sets a, b, c, …, each with a check of its own name unless it is `unchecked`."""
    sets = tuple(
        RecordSet(name, 60, (name.encode(),), None if name in unchecked else name, weight=weight)
        for name, weight in zip("abcdefgh", weights, strict=False)
    )
    return RecordSetGroup(b"\x01w\x00", A, "weighted", sets)


def shares(group: RecordSetGroup, down: str = "") -> dict[str, Fraction]:
    """Return the exact probability of each set: every number that the draw can give counts once."""
    limits: list[int] = []

    def choose(number: int) -> str:
        def draw(limit: int) -> int:
            limits.append(limit)
            return number

        selection = registry.select(group, Context(Checks(down), LOCATION, draw))
        assert selection.rdatas == selection.chosen[0].rdatas
        return selection.chosen[0].id

    only = choose(0)
    if not limits:  # nothing to choose among
        return {only: Fraction(1)}
    (limit,) = limits
    counts = Counter(choose(number) for number in range(limit))
    assert set(limits) == {limit}
    return {name: Fraction(count, limit) for name, count in counts.items()}


def test_weights_1_and_255_are_shares_of_256() -> None:
    assert shares(group_of(1, 255)) == {"a": Fraction(1, 256), "b": Fraction(255, 256)}


def test_10_20_20_with_the_third_unhealthy_is_one_third_and_two_thirds() -> None:
    assert shares(group_of(10, 20, 20), down="c") == {"a": Fraction(1, 3), "b": Fraction(2, 3)}


def test_40_40_20_all_healthy() -> None:
    assert shares(group_of(40, 40, 20)) == {"a": Fraction(2, 5), "b": Fraction(2, 5), "c": Fraction(1, 5)}


@pytest.mark.parametrize(
    ("weights", "down", "unchecked", "expected"),
    [
        pytest.param((5, 0), "", "", "a", id="a zero weight waits while a weighted set is healthy"),
        pytest.param((5, 0), "", "b", "a", id="also without a check"),
        pytest.param((5, 0), "a", "", "b", id="a zero weight takes over once the weighted one is down"),
        pytest.param((5, 0), "a", "b", "b", id="also without a check, because it counts as healthy"),
        pytest.param((5, 5, 0, 0), "ab", "", "cd", id="several zero weights share evenly"),
        pytest.param((5, 5, 0, 0), "abc", "", "d", id="an unhealthy zero weight is out"),
        pytest.param((5, 5, 0), "abc", "", "ab", id="all down: the weighted ones as if healthy, no zero"),
        pytest.param((0, 0, 0), "", "", "abc", id="only zeros share evenly"),
        pytest.param((0, 0, 0), "b", "", "ac", id="only zeros: the unhealthy one is out"),
        pytest.param((0, 0, 0), "abc", "", "abc", id="only zeros, all down: all of them"),
        pytest.param((0,), "a", "", "a", id="one zero, down"),
        pytest.param((7,), "a", "", "a", id="one set, down"),
        pytest.param((5, 5), "ab", "b", "b", id="a set without a check is always a candidate"),
    ],
)
def test_who_shares_evenly(weights: tuple[int, ...], down: str, unchecked: str, expected: str) -> None:
    group = group_of(*weights, unchecked=unchecked)
    assert shares(group, down) == dict.fromkeys(expected, Fraction(1, len(expected)))


def test_last_resort_is_by_weight() -> None:
    assert shares(group_of(10, 30, 0), down="abc") == {"a": Fraction(1, 4), "b": Fraction(3, 4)}


@given(st.lists(st.integers(0, 255), min_size=1, max_size=8), st.sets(st.sampled_from("abcdefgh")))
def test_shares_of_healthy_weighted_sets_are_their_weights(weights: list[int], down: set[str]) -> None:
    group = group_of(*weights)
    eligible = {one.id: one.weight for one in group.sets if one.weight and one.id not in down}
    if eligible:
        total = sum(weight for weight in eligible.values() if weight)
        found = shares(group, "".join(down))
        assert found == {name: Fraction(weight or 0, total) for name, weight in eligible.items()}


def test_location_plays_no_part() -> None:
    selection = registry.select(group_of(1), Context(Checks(), LOCATION, lambda _: 0))
    assert (selection.scope_prefix_len, selection.ttl) == (0, 60)


def test_every_value_of_the_chosen_set_is_answered() -> None:
    sets = (RecordSet("a", 30, (b"1", b"2"), weight=1), RecordSet("b", 30, (b"3",), weight=1))
    group = RecordSetGroup(b"\x01w\x00", A, "weighted", sets)
    assert registry.select(group, Context(Checks(), LOCATION, lambda _: 0)).rdatas == (b"1", b"2")
