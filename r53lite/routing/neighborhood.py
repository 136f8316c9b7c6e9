"""How far around a client is everybody alike to a policy, and where is a client subnet that networks divide?

What is known of addresses divides them into pieces, prefixes in which nothing else is said. A scope is grown
from the client's piece, neighbor after neighbor, while what counts stays the same: for everything together,
for the area, for the position, and for the view of one group. Neighbors that say the same count as one.

Where no database is involved the scopes of the three are exact: shorter ones would cover somebody else. So
are those of views, but for very many networks (`routing.outlines`). Else the neighborhood is searched up to
so many pieces, and a scope may be longer than it needs to be, never shorter.

A client subnet whose addresses are alike in what a policy looks at is located like its first address,
whatever else divides it; so what is answered within a scope is what every subnet inside of it would get. A
subnet of unlike addresses is located as a whole (see `routing.locations`), with a scope longer than itself:
it was too short to tell.

Source: RFC 7871 §7.2.1; the search is our choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import NamedTuple

from r53lite.routing.context import EVERYTHING, Aspect, ClientLocation, Sight
from r53lite.routing.outlines import Classes, Known, Outlines, Scopes, ViewOutline, kind_of
from r53lite.routing.ranges import numbered

MAX_PIECES = 8  # our choice: some 0.1 ms for a client, and for a view, seen for the first time
MAX_RUNS = 64  # our choice: networks alone take less time
MAX_VIEWS = 16  # our choice: groups whose sights one client's place remembers


class Found(NamedTuple):
    """What is known at one address, the prefix in which nothing else is said, and the length of the network
    of a database that says it; -1 where none does.
    """

    known: Known
    prefix_len: int
    network_prefix_len: int


class Neighborhood:
    """The pieces around clients.

    Args:
        at: returns what is known of an address of 32 or 128 bits, of which the first ones are given.
        outlines: by the bits of their family; none where a database is asked.
    """

    def __init__(self, at: Callable[[int, int, int], Found], outlines: Mapping[int, Outlines]) -> None:
        self._at = at
        self._outlines = outlines

    def look_around(self, number: int, bits: int, source_prefix_len: int) -> tuple[Found, Found, Scopes]:
        """Return what is known at the first address of a client's prefix, what is known of the whole, and the
        scopes around the first address. The same object twice: all of the prefix is like its first address.
        """
        here = self._at(number, bits, bits)
        outlines = self._outlines.get(bits)
        scopes = self._scopes(number, bits, here) if outlines is None else outlines.scopes(number)
        if scopes[0] <= source_prefix_len:
            return here, here, scopes
        return here, self._at(number, bits, source_prefix_len), scopes

    def _scopes(self, number: int, bits: int, here: Found) -> Scopes:
        """Return the scopes around an address: neighbor after neighbor is added while it is the same."""
        scopes = [here.prefix_len] * 3
        same = [True] * 3
        budget = MAX_PIECES
        for prefix_len in range(here.prefix_len, 0, -1):
            start = _neighbor(number, bits, prefix_len)
            for known in self._pieces(start, bits, prefix_len, EVERYTHING.index):
                classes = known.classes
                budget -= 1
                same = [same[i] and classes[i] == here.known.classes[i] for i in range(3)]
                if budget < 0 or not any(same):
                    return scopes[0], scopes[1], scopes[2]
            scopes = [prefix_len - 1 if same[i] else scopes[i] for i in range(3)]
        return scopes[0], scopes[1], scopes[2]

    def view_scope(self, view: Aspect, known: Known, number: int, bits: int, least: int) -> int:
        """Return the shortest prefix, from `least` bits on, around an address in which a group sees no
        difference, as far as so many pieces show it.
        """
        outline = self._view_outline(view, bits)
        if outline is not None:
            return outline.scope(number, bits)
        kind = kind_of(view, known)
        budget = MAX_RUNS if self._outlines else MAX_PIECES
        for prefix_len in range(least, 0, -1):
            for piece in self._pieces(_neighbor(number, bits, prefix_len), bits, prefix_len, view.index):
                budget -= 1
                if budget < 0 or kind_of(view, piece) != kind:
                    return prefix_len
        return 0

    def is_alike(self, view: Aspect, number: int, bits: int, prefix_len: int) -> bool:
        """Say whether a group sees no difference in a prefix, as far as so many pieces show it.

        They are as many as a scope can be made of, so it is said of every prefix inside a scope: the pieces
        that are alike in the aspect, and those that `view_scope` adds. What nobody knows is no kind of its
        own here: what clients get is all that counts.
        """
        outline = self._view_outline(view, bits)
        if outline is not None:
            return outline.is_alike(number, number + (1 << bits - prefix_len))
        budget = 1 + MAX_RUNS if self._outlines else 1 + 2 * MAX_PIECES
        found = set()
        for piece in self._pieces(number, bits, prefix_len, view.index):
            budget -= 1
            found.add(kind_of(view, piece).group_class)
            if budget < 0 or len(found) > 1:
                return False
        return True

    def _view_outline(self, view: Aspect, bits: int) -> ViewOutline | None:
        outlines = self._outlines.get(bits)
        return None if outlines is None else outlines.view(view, lambda at: self._at(at, bits, bits).known)

    def _pieces(self, start: int, bits: int, prefix_len: int, index: int) -> Iterator[Known]:
        """Yield what is known in each piece of a prefix; with outlines, in each run of one aspect."""
        outlines = self._outlines.get(bits)
        end = start + (1 << bits - prefix_len)
        if outlines is not None:
            for at in outlines.runs(start, end, index):
                yield self._at(at, bits, bits).known
            return
        while start < end:
            found = self._at(start, bits, bits)
            yield found.known
            size = 1 << bits - found.prefix_len
            start = (start // size + 1) * size


class Subnet:
    """A client's prefix, located: how it looks to each policy.

    Args:
        neighborhood: what is around it.
        address: 4 or 16 octets; of a client subnet, its address with zeros behind the prefix.
        source_prefix_len: how many bits of the address are known.
        is_named: the source of a database's record names its network.
    """

    __slots__ = (
        "_bits",
        "_here",
        "_neighborhood",
        "_number",
        "_prefix_len",
        "_scopes",
        "_sights",
        "_whole",
    )

    def __init__(
        self, neighborhood: Neighborhood, address: bytes, source_prefix_len: int, *, is_named: bool = False
    ) -> None:
        self._neighborhood = neighborhood
        self._number, self._bits = numbered(address)
        self._prefix_len = source_prefix_len
        here, whole, self._scopes = neighborhood.look_around(self._number, self._bits, self._prefix_len)
        if is_named:
            named = _named(here, self._number, self._bits)
            here, whole = named, named if whole is here else _named(whole, self._number, self._bits)
        self._here, self._whole = here.known, whole.known
        self._sights: dict[Aspect, Sight] = {}  # few: a place is for one client, whose questions are few

    def location(self) -> ClientLocation:
        """Return where the whole is, with the scopes of everything, area and position, and its sights."""
        everything, area, position = self._scopes
        return self._whole.location._replace(
            prefix_len=everything,
            area_prefix_len=area,
            position_prefix_len=position,
            sights=self,
        )

    def classes(self) -> Classes:
        """Return the classes it looks like: those of its first address where all of it is alike in that."""
        everything, area, position = (
            mine if scope <= self._prefix_len else its
            for scope, mine, its in zip(self._scopes, self._here.classes, self._whole.classes, strict=True)
        )
        return everything, area, position

    def sight(self, aspect: Aspect) -> Sight:
        """Return how it looks to a policy. Every client in the scope's prefix looks the same, address or
        subnet; a scope over its own length says that it was too short to tell.
        """
        sight = self._sights.get(aspect)
        if sight is None:
            if len(self._sights) >= MAX_VIEWS:
                self._sights.clear()
            sight = self._sights[aspect] = self._look(aspect)
        return sight

    def _look(self, aspect: Aspect) -> Sight:
        scope = self._scopes[aspect.index]
        if aspect.class_of is not None:
            scope = self._neighborhood.view_scope(aspect, self._here, self._number, self._bits, scope)
        return Sight(self.seen(aspect), scope)

    def seen(self, aspect: Aspect) -> ClientLocation:
        """Return where it is to a policy: where its first address is, if all of it is alike to that."""
        if self._here is self._whole or self._scopes[aspect.index] <= self._prefix_len:
            return self._here.location
        if aspect.class_of is not None and self._neighborhood.is_alike(
            aspect, self._number, self._bits, self._prefix_len
        ):
            return self._here.location
        return self._whole.location


def _named(found: Found, number: int, bits: int) -> Found:
    """Return what is known with the network of a database's record in its source."""
    prefix_len = found.network_prefix_len
    if prefix_len < 0:
        return found
    first = number >> bits - prefix_len << bits - prefix_len
    network = ip_network((first.to_bytes(bits // 8, "big"), prefix_len))
    location = found.known.location
    named = location._replace(source=f"{location.source}: {network}")
    return found._replace(known=found.known._replace(location=named))


def _neighbor(number: int, bits: int, prefix_len: int) -> int:
    """Return the first address of the prefix that shares its parent with the one around an address."""
    size = 1 << bits - prefix_len
    return (number // size ^ 1) * size
