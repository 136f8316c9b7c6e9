"""Multivalue groups answer with up to eight healthy sets (docs/route53/routing-policies.md §2.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns.rrtypes import A
from r53lite.routing import multivalue, registry
from r53lite.routing.context import ClientLocation, Context
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.routing.selection import Selection

Draw = Callable[[int], int]


class Checks:
    """Health in which exactly the named checks are down."""

    def __init__(self, down: str = "") -> None:
        self.down = down

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is not among those down."""
        return health_check not in self.down


def group_of(names: str, unchecked: str = "") -> RecordSetGroup:
    """Return a group with a set per letter, its value the letter."""
    sets = tuple(RecordSet(name, 60, (name.encode(),), None if name in unchecked else name) for name in names)
    return RecordSetGroup(b"\x01m\x00", A, "multivalue", sets)


def select(group: RecordSetGroup, down: str = "", draw: Draw = lambda _: 0) -> Selection:
    """Choose with the named checks down."""
    return registry.select(group, Context(Checks(down), ClientLocation(prefix_len=24), draw))


def every_draw(group: RecordSetGroup, down: str = "") -> Counter[str]:
    """Return how often each answer comes when every combination of draws comes once."""
    answers: Counter[str] = Counter()
    pending: list[list[int]] = [[]]
    while pending:
        numbers = pending.pop()
        limits: list[int] = []

        def draw(limit: int, numbers: list[int] = numbers, limits: list[int] = limits) -> int:
            limits.append(limit)
            return numbers[len(limits) - 1] if len(limits) <= len(numbers) else 0

        answer = b"".join(select(group, down, draw).rdatas).decode()
        if len(limits) == len(numbers):
            answers[answer] += 1
        else:
            pending += [[*numbers, number] for number in range(limits[len(numbers)])]
    return answers


@pytest.mark.parametrize(
    ("names", "down", "unchecked", "candidates", "count"),
    [
        ("abc", "", "", "abc", 3),
        ("abc", "b", "", "ac", 2),
        ("abc", "abc", "", "abc", 3),
        ("abc", "abc", "b", "b", 1),
        ("abcdefghij", "", "", "abcdefghij", 8),
        ("abcdefghij", "aj", "", "bcdefghi", 8),
        ("abcdefghij", "abcd", "", "efghij", 6),
        ("abcdefghij", "abcdefghij", "", "abcdefghij", 8),
    ],
)
def test_up_to_eight_of_the_healthy_or_of_all(
    names: str, down: str, unchecked: str, candidates: str, count: int
) -> None:
    for draw in (lambda _: 0, lambda limit: limit - 1, lambda limit: limit // 2):
        selection = select(group_of(names, unchecked), down, draw)
        values = b"".join(selection.rdatas).decode()
        assert len(set(values)) == len(values) == len(selection.chosen) == count
        assert set(values) <= set(candidates)


def test_every_order_of_few_sets_is_equally_likely() -> None:
    answers = every_draw(group_of("abcd"))
    assert answers == dict.fromkeys(map("".join, permutations("abcd")), 1)


def test_every_sample_of_many_sets_is_equally_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multivalue, "MAX_SETS", 2)
    assert every_draw(group_of("abcde"), down="e") == dict.fromkeys(map("".join, permutations("abcd", 2)), 1)


@given(st.sets(st.sampled_from("abcdefghijkl")), st.lists(st.integers(0, 999), min_size=8, max_size=8))
def test_nothing_unhealthy_is_answered_while_something_is_healthy(down: set[str], numbers: list[int]) -> None:
    source = iter(numbers)
    group = group_of("abcdefghijkl")
    healthy = set("abcdefghijkl") - down
    selection = select(group, "".join(down), lambda limit: next(source) % limit)
    answer = set(b"".join(selection.rdatas).decode())
    assert answer <= (healthy or set("abcdefghijkl"))
    assert len(answer) == min(8, len(healthy) or 12)


def test_equal_values_appear_once() -> None:
    sets = (RecordSet("a", 60, (b"1", b"2")), RecordSet("b", 60, (b"2",)), RecordSet("c", 60, (b"3",)))
    selection = select(RecordSetGroup(b"\x01m\x00", A, "multivalue", sets))
    assert sorted(selection.rdatas) == [b"1", b"2", b"3"]
    assert len(selection.chosen) == 3


def test_least_ttl_of_the_chosen_counts_and_location_plays_no_part() -> None:
    sets = (
        RecordSet("a", 60, (b"1",), "a"),
        RecordSet("b", 20, (b"2",), "b"),
        RecordSet("c", 40, (b"3",), "c"),
    )
    group = RecordSetGroup(b"\x01m\x00", A, "multivalue", sets)
    assert select(group).ttl == 20
    assert select(group, down="b").ttl == 40
    assert select(group).scope_prefix_len == 0


def test_the_group_itself_is_left_as_it_was() -> None:
    group = group_of("abc")
    select(group, "abc", lambda limit: limit - 1)
    assert group == group_of("abc")


def test_every_set_comes_first_equally_often_whatever_its_values() -> None:
    """§2.7: the first record is uniform over the sets; equal values appear once, those of one set in any
    order.
    """
    values = (b"x",), (b"x",), (b"y", b"z")
    sets = tuple(RecordSet(str(number), 60, rdatas) for number, rdatas in enumerate(values))
    answers = every_draw(RecordSetGroup(b"\x01m\x00", A, "multivalue", sets))
    total = answers.total()
    first = Counter(dict.fromkeys("xyz", 0))
    for answer, times in answers.items():
        assert sorted(answer) == ["x", "y", "z"]
        first[answer[0]] += times
    assert first == {"x": total * 2 // 3, "y": total // 6, "z": total // 6}
