"""How are a few records put into one of all their orders quickly?

`routing.context.arranged` says which order a number stands for: its digits, in a number system whose base
is the count of what is left, say which is taken next. Four digits at a time are looked up here in tables
of `itemgetter`s, which are filled as they are needed: twelve records in four places have 11,880 orders,
and making all at once would hold up answers. The tables are shared by all answers with as many records.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import perm
from operator import itemgetter
from typing import NamedTuple

from r53lite.routing.context import MAX_NUMBERED, arranged

_PLACES = 4  # filled by one look-up: for twelve records tables of 2 MB at most

_Pick = Callable[[tuple[bytes, ...]], tuple[bytes, ...]]


class _Table(NamedTuple):
    """The orders of the next places: each puts what goes there first, and what is left behind it."""

    size: int
    places: int
    records: int
    picks: list[_Pick | None]


class Orders(NamedTuple):
    """All arrangements of `wanted` of some records, by number below `total`; `tables` in order of places."""

    total: int
    tables: tuple[_Table, ...]

    def pick(self, number: int, blocks: tuple[bytes, ...]) -> Sequence[bytes]:
        """Return the records in the order that a number stands for (`arranged` with this number drawn)."""
        chosen: tuple[bytes, ...] = ()
        for table in self.tables:
            size, places, _, picks = table
            number, index = divmod(number, size)
            take = picks[index] or _learn(table, index)
            blocks = take(blocks)
            chosen += blocks[:places]
            blocks = blocks[places:]
        return chosen


def orders_of(count: int, wanted: int) -> Orders | None:
    """Return the orders of `wanted` of `count` records, two at least; None where `arranged` has no number."""
    if not 1 < count <= MAX_NUMBERED:
        return None
    firsts = range(0, wanted, _PLACES)
    tables = tuple(_table(count - first, min(_PLACES, wanted - first)) for first in firsts)
    return Orders(perm(count, wanted), tables)


@lru_cache(maxsize=_PLACES * MAX_NUMBERED)
def _table(count: int, places: int) -> _Table:
    size = perm(count, places)
    return _Table(size, places, count, [None] * size)


def _learn(table: _Table, index: int) -> _Pick:
    """Make and keep what one order of a table does."""
    taken = arranged(table.records, table.places, lambda _limit: index)
    left = [number for number in range(table.records) if number not in taken]
    order = [*taken, *left]
    pick: _Pick = itemgetter(*order) if len(order) > 1 else tuple
    table.picks[index] = pick
    return pick
