"""What is kept is bounded, what is asked for again stays, and what is asked for once never comes in."""

from __future__ import annotations

import gc
import weakref

from r53lite.answering.kept import Kept


class Thing:
    """A value that can be watched going away."""


def test_a_value_is_found_until_two_generations_have_passed() -> None:
    kept = Kept[int, str](2)
    kept.put(1, "one")
    kept.put(2, "two")
    kept.put(3, "three")  # 1 and 2 are old now
    assert kept.young == {3: "three"}
    assert (kept.get(2), len(kept)) == ("two", 3)  # asked for again, so it is young again
    kept.put(4, "four")  # a new generation: 1 was not asked for
    assert [kept.get(key) for key in (1, 2, 3, 4)] == [None, "two", "three", "four"]


def test_it_never_holds_more_than_two_generations() -> None:
    kept = Kept[int, int](10)
    for number in range(1000):
        kept.put(number, number)
        assert len(kept) <= 20


def test_recall_finds_what_is_old_and_makes_it_young() -> None:
    kept = Kept[int, str](1)
    kept.put(1, "one")
    kept.put(2, "two")
    assert kept.recall(2) is None  # it is young
    assert kept.recall(1) == "one"
    assert kept.recall(1) is None


def test_a_key_is_worth_a_place_at_its_second_sight() -> None:
    kept = Kept[str, int](10)
    seen = [kept.is_second_sight(key) for key in ("a", "b", "a", "b", "c")]
    assert seen == [False, False, True, True, False]


def test_clear_forgets_values_and_frees_them_bit_by_bit() -> None:
    kept = Kept[int, Thing](100)
    things = []
    for number in range(50):
        thing = Thing()
        kept.put(number, thing)
        things.append(weakref.ref(thing))
        del thing
    kept.clear()
    assert len(kept) == 0
    assert sum(thing() is not None for thing in things) == 50  # none at once: that would hold up answers
    for number in range(13):
        kept.put(number, Thing())
    gc.collect()
    assert not [thing for thing in things if thing() is not None]
