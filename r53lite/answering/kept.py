"""Which compiled answers are kept, and which give way? A bounded table in two generations.

New values go into the young generation. When it is full it becomes the old one, and what was old and has not
been asked for since is dropped; a value found in the old generation moves back to the young one. What is
dropped is freed a few values at a time with the next insertions, because freeing a full table at once would
hold up answers for milliseconds.

A doorkeeper keeps names that are asked for once, as in a flood of random names, from driving out the ones
that are asked for again: `is_second_sight` remembers the hashes of the last keys, and only keys seen before
are worth a place. It may take one key for another; that costs a place in the table, never a wrong answer.

Pure.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_REMEMBERED = 1 << 16  # hashes in each of two generations: what came between two sights of a key; some 8 MB
_FREED_PER_PUT = 4  # more than come in, so that the spent tables shrink

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """A bounded table from key to value. `young` may be read directly by whoever also asks `get`.

    Args:
        limit: how many values a generation holds; both together twice as many.
    """

    __slots__ = ("_limit", "_old", "_seen", "_seen_before", "_spent", "young")

    def __init__(self, limit: int) -> None:
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._spent: list[dict[K, V]] = []
        self._limit = limit
        self._seen: set[int] = set()
        self._seen_before: set[int] = set()

    def __len__(self) -> int:
        """Count the values that can be found."""
        return len(self.young) + len(self._old)

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        value = self.young.get(key)
        return self.recall(key) if value is None else value

    def recall(self, key: K) -> V | None:
        """Return the value of a key that is not in `young`, which it then is again; None where it is gone."""
        if not self._old:
            return None
        value = self._old.pop(key, None)
        if value is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; where its generation is full, what was not asked for lately gives way."""
        if len(self.young) >= self._limit:
            self._spend(self._old)
            self._old, self.young = self.young, {}
        self.young[key] = value
        if self._spent:
            self._free()

    def is_second_sight(self, key: K) -> bool:
        """Say whether a key was shown here before, and remember it."""
        mark = hash(key)
        if mark in self._seen or mark in self._seen_before:
            return True
        if len(self._seen) >= _REMEMBERED:
            self._seen_before, self._seen = self._seen, set()
        self._seen.add(mark)
        return False

    def clear(self) -> None:
        """Forget every value. Keys stay known to the doorkeeper: what was asked for again will be so
        again.
        """
        self._spend(self.young)
        self._spend(self._old)
        self.young, self._old = {}, {}

    def _spend(self, table: dict[K, V]) -> None:
        if table:
            self._spent.append(table)

    def _free(self) -> None:
        """Free a few values of the tables that were given up."""
        table = self._spent[-1]
        for _ in range(min(_FREED_PER_PUT, len(table))):
            table.popitem()
        if not table:
            self._spent.pop()
