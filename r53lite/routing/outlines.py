"""Where, in the networks of one family, does what policies look at change?

The networks cut the addresses into ranges; neighbors that say the same of what counts are one run. There is
an outline of the runs for each aspect of a location, and one for the view of each group that was asked, as
long as that is not much work: then scopes are exact and cost one bisection.

Only where no database is asked: nobody knows all of its networks.

Source: RFC 7871 §7.2.1.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator
from copy import copy
from typing import NamedTuple

from r53lite.routing.context import AREA, EVERYTHING, POSITION, UNKNOWN, Aspect, ClientLocation
from r53lite.routing.ranges import Block, Family, V, scope_between

MAX_VIEW_RUNS = 4096  # our choice: half a millisecond per thousand, once for a group
MAX_VIEW_CLASSES = 256  # our choice: unlike locations; 3 µs each, 50 µs with 30 sets to measure distances to
MAX_STORED_RUNS = 1 << 20  # our choice: of all views; some 16 MB

Classes = tuple[int, int, int]
"""The classes of everything, of the area, and of the position, in the order of `Aspect.index`."""

Scopes = tuple[int, int, int]
"""Prefix lengths in the same order."""


class Known(NamedTuple):
    """A completed location and its classes. `origin` keeps alive what it is found by."""

    location: ClientLocation
    classes: Classes
    origin: object

    @property
    def is_nobody(self) -> bool:
        """Say whether it is said of those whom nobody knows."""
        return self.location.source == UNKNOWN.source


class Kind(NamedTuple):
    """What a group makes of a location.

    For what looks at positions nobody's location is a kind of its own: that `DEFAULT_REGION` stands for it is
    `[INF]`, and a scope must not take the clients of a configured network for the rest of the world.
    """

    is_nobody: bool
    group_class: Hashable


def kind_of(view: Aspect, known: Known) -> Kind:
    """Return what a view makes of what is known of an address."""
    assert view.class_of is not None  # aspects that are no views have outlines of their own
    return Kind(view.index == POSITION.index and known.is_nobody, view.class_of(known.location))


class ViewOutline(NamedTuple):
    """The runs of one view: where each starts, and of which kind it is."""

    starts: list[int]
    kinds: list[Kind]

    def scope(self, number: int, bits: int) -> int:
        """Return the length of the shortest prefix around an address in which the kind does not change."""
        return scope_between(self.starts, bisect_right(self.starts, number) - 1, number, bits)

    def is_alike(self, start: int, end: int) -> bool:
        """Say whether a group sees no difference from an address to the one before `end`. What nobody knows
        is no kind of its own here: what clients get is all that counts.
        """
        first = bisect_right(self.starts, start) - 1
        last = bisect_left(self.starts, end)
        return all(self.kinds[i].group_class == self.kinds[first].group_class for i in range(first, last))


class Outlines:
    """The outlines of one family.

    Args:
        family: its networks.
        classes_of: the classes of clients in a network, or in none; asked for all of them at once.
    """

    def __init__(self, family: Family[V], classes_of: Callable[[Block[V] | None], Classes]) -> None:
        def class_of(index: int) -> Callable[[Block[V] | None], Hashable]:
            return lambda block: classes_of(block)[index]

        self._bits = family.bits
        self._aspects = [family.outline(class_of(index)) for index in range(3)]
        self._known: dict[int, list[Known]] = {}  # in each run of an aspect
        self._views: dict[Aspect, ViewOutline | None] = {}
        self._stored = 0

    def without_views(self) -> Outlines:
        """Return the outlines of the aspects alone: what groups make of them has changed."""
        copied = copy(self)
        copied._known, copied._views = {}, {}
        copied._stored = 0
        return copied

    def scope(self, number: int, index: int) -> int:
        """Return the length of the shortest prefix around an address in which one aspect does not change."""
        starts = self._aspects[index]
        return scope_between(starts, bisect_right(starts, number) - 1, number, self._bits)

    def scopes(self, number: int) -> Scopes:
        """Return the shortest prefixes around an address in which nothing changes."""
        everything, area, position = (self.scope(number, one.index) for one in (EVERYTHING, AREA, POSITION))
        return everything, area, position

    def runs(self, start: int, end: int, index: int) -> Iterator[int]:
        """Yield an address of each run of an aspect from an address to the one before `end`."""
        starts = self._aspects[index]
        yield start
        yield from starts[bisect_right(starts, start) : bisect_left(starts, end)]

    def view(self, view: Aspect, known_at: Callable[[int], Known]) -> ViewOutline | None:
        """Return the outline of what a group makes of locations; None where that would take long.

        Args:
            view: what the group looks at.
            known_at: what is known of an address.
        """
        if view not in self._views:
            made = self._outline_of(view, known_at)
            self._stored += 1 if made is None else len(made.starts)
            if self._stored > MAX_STORED_RUNS:
                self._views.clear()
                self._stored = 1 if made is None else len(made.starts)
            self._views[view] = made
        return self._views[view]

    def _outline_of(self, view: Aspect, known_at: Callable[[int], Known]) -> ViewOutline | None:
        runs = self._aspects[view.index]
        if len(runs) > MAX_VIEW_RUNS:
            return None
        known_in = self._known.get(view.index)
        if known_in is None:
            known_in = self._known[view.index] = [known_at(start) for start in runs]
        kinds: dict[tuple[int, bool], Kind] = {}
        outline = ViewOutline([], [])
        for start, known in zip(runs, known_in, strict=True):
            alike = known.classes[view.index], known.is_nobody
            kind = kinds.get(alike)
            if kind is None:
                if len(kinds) == MAX_VIEW_CLASSES:
                    return None
                kind = kinds[alike] = kind_of(view, known)
            if not outline.kinds or kind != outline.kinds[-1]:
                outline.starts.append(start)
                outline.kinds.append(kind)
        return outline
