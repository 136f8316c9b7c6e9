"""Which compiled answers are kept, and which give way? A bounded table in two generations.

New values go into the young generation. When it is full it becomes the old one, and what was old and has not
been asked for since is dropped; a value found in the old generation moves back to the young one. What is
dropped is freed a few values at a time, with the next insertions and by whoever calls `let_go`, because
freeing a full table at once would hold up answers for milliseconds.

A doorkeeper keeps names that are asked for once, as in a flood of random names, from driving out the ones
that are asked for again: `is_second_sight` remembers eight bits of each key, and only keys seen before
are worth a place. Where two keys want one slot, the newcomer gets it every other time, so that two hot
keys cannot keep each other out for long. It may take one key in 255 for another; that costs a place in
the table, never a wrong answer.

Pure.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_SLOTS = 1 << 18  # one octet each: small enough for the processor's cache, wide enough for 100,000 hot keys
_MIXER = 0x9E3779B1  # the golden ratio's 32 bits: spreads a counter's bits (Knuth, vol. 3, §6.4)
_FREED_PER_PUT = 4  # more than come in, so that the spent tables shrink
_FREED_AT_ONCE = 64  # places and trees take up to 5 µs each

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """A bounded table from key to value. `young` may be read directly by whoever also asks `get`.

    Args:
        limit: how many values a generation holds; both together twice as many.
    """

    __slots__ = ("_limit", "_old", "_seen", "_spent", "_turn", "young")

    def __init__(self, limit: int) -> None:
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._spent: list[dict[K, V]] = []
        self._limit = limit
        self._seen = bytearray(_SLOTS)
        self._turn = 0

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
            self._free(_FREED_PER_PUT)

    def let_go(self) -> bool:
        """Free some of the values that were given up; say whether there are more."""
        if self._spent:
            self._free(_FREED_AT_ONCE)
        return bool(self._spent)

    def is_second_sight(self, key: K) -> bool:
        """Say whether a key was shown here before, and remember it."""
        mark = hash(key)
        slot = mark & (_SLOTS - 1)
        tag = mark >> 20 & 0xFF or 1  # 0 stands for an empty slot
        known = self._seen[slot]
        if known == tag:
            return True
        self._turn = turn = self._turn + _MIXER & 0xFFFFFFFF
        if not known or turn & 0x80000000:
            self._seen[slot] = tag
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

    def _free(self, count: int) -> None:
        """Free a few values of a table that was given up."""
        table = self._spent[-1]
        for _ in range(min(count, len(table))):
            table.popitem()
        if not table:
            self._spent.pop()
