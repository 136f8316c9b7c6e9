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
    """The orders of the next `places` behind the `first`: each leaves those before alone, and puts what goes
    there before what is left; the last table leaves that out.
    """

    size: int
    picks: list[_Pick | None]
    records: int
    first: int
    places: int
    is_last: bool


class Orders(NamedTuple):
    """All arrangements of some of a few records, by number below `total`; `tables` in order of places."""

    total: int
    tables: tuple[_Table, ...]

    def pick(self, number: int, blocks: tuple[bytes, ...]) -> Sequence[bytes]:
        """Return the records in the order that a number stands for (`arranged` with this number drawn)."""
        for table in self.tables:
            size = table[0]
            index = number % size  # quicker than divmod, and this is the hot path
            number //= size
            blocks = (table[1][index] or _learn(table, index))(blocks)
        return blocks


@lru_cache(maxsize=MAX_NUMBERED * MAX_NUMBERED)
def orders_of(count: int, wanted: int) -> Orders | None:
    """Return the orders of `wanted` of `count` records, two at least; None where `arranged` has no number."""
    if not 1 < count <= MAX_NUMBERED:
        return None
    tables = []
    for first in range(0, wanted, _PLACES):
        places = min(_PLACES, wanted - first)
        size = perm(count - first, places)
        tables.append(_Table(size, [None] * size, count, first, places, first + places == wanted))
    return Orders(perm(count, wanted), tuple(tables))


def _learn(table: _Table, index: int) -> _Pick:
    """Make and keep what one order of a table does."""
    behind = table.records - table.first
    order = arranged(behind, table.places, lambda _limit: index)
    if not table.is_last:
        order += [number for number in range(behind) if number not in order]
    order = [*range(table.first), *(table.first + number for number in order)]
    pick: _Pick = itemgetter(*order) if len(order) > 1 else itemgetter(slice(order[0], order[0] + 1))
    table.picks[index] = pick
    return pick
