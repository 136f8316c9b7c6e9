"""How far around a client is everybody alike to a policy, and where is a client subnet that networks divide?

What is known of addresses divides them into pieces, prefixes in which nothing else is said. A scope is grown
from the client's piece, neighbor after neighbor, while what counts stays the same: for everything together,
for the area, for the position, and for the view of one group. Neighbors that say the same count as one.

Where no database is involved the scopes of the three are exact: shorter ones would cover somebody else. With
a database, and for views, the neighborhood is searched up to so many pieces, so a scope may be longer than it
needs to be, never shorter.

A client subnet whose addresses are alike in what a policy looks at is located like its first address,
whatever else divides it; so what is answered within a scope is what every subnet inside of it would get. A
subnet of unlike addresses is located as a whole (see `routing.locations`), with a scope longer than itself:
it was too short to tell.

Source: RFC 7871 §7.2.1; the search is our choice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from ipaddress import ip_network
from typing import NamedTuple

from r53lite.routing.context import AREA, EVERYTHING, POSITION, UNKNOWN, Aspect, ClientLocation, Sight
from r53lite.routing.ranges import Block, Family, V, numbered

MAX_PIECES = 8  # our choice: some 0.1 ms for a client, and for a view, seen for the first time
MAX_CONFIGURED_PIECES = 64  # our choice: networks alone take less time
MAX_VIEWS = 64  # our choice: groups whose sights one client's place remembers

Classes = tuple[int, int, int]
"""The classes of everything, of the area, and of the position, in the order of `Aspect.index`."""

Scopes = tuple[int, int, int]
"""Prefix lengths in the same order."""


class Known(NamedTuple):
    """A completed location and its classes. `origin` keeps alive what it is found by."""

    location: ClientLocation
    classes: Classes
    origin: object


class Found(NamedTuple):
    """What is known at one address, the prefix in which nothing else is said, and the length of the network
    of a database that says it; -1 where none does.
    """

    known: Known
    prefix_len: int
    network_prefix_len: int


class Outlines:
    """Where what policies look at changes, in the networks of one family without a database."""

    def __init__(self, family: Family[V], classes_of: Callable[[Block[V] | None], Classes]) -> None:
        def class_of(index: int) -> Callable[[Block[V] | None], Hashable]:
            return lambda block: classes_of(block)[index]

        self._outlines = [family.outline(class_of(index)) for index in range(3)]
        self._scope_in = family.scope_in

    def scope(self, number: int, index: int) -> int:
        """Return the shortest prefix around an address in which one aspect does not change."""
        return self._scope_in(self._outlines[index], number)

    def scopes(self, number: int) -> Scopes:
        """Return the shortest prefixes around an address in which nothing changes."""
        everything, area, position = (self.scope(number, one.index) for one in (EVERYTHING, AREA, POSITION))
        return everything, area, position


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

    def view_scope(self, view: Aspect, location: ClientLocation, number: int, bits: int, least: int) -> int:
        """Return the shortest prefix, from `least` bits on, around an address in which a group sees no
        difference, as far as so many pieces show it.
        """
        kind = _kind(view, location)
        budget = MAX_CONFIGURED_PIECES if self._outlines else MAX_PIECES
        for prefix_len in range(least, 0, -1):
            for known in self._pieces(_neighbor(number, bits, prefix_len), bits, prefix_len, view.index):
                budget -= 1
                if budget < 0 or _kind(view, known.location) != kind:
                    return prefix_len
        return 0

    def is_alike(self, view: Aspect, number: int, bits: int, prefix_len: int) -> bool:
        """Say whether a group sees no difference in a prefix, as far as so many pieces show it.

        They are as many as a scope can be made of, so it is said of every prefix inside a scope: the pieces
        that are alike in the aspect, and those that `view_scope` adds. What nobody knows is no kind of its
        own here: what clients get is all that counts.
        """
        assert view.class_of is not None  # only views have neighborhoods
        budget = 1 + MAX_CONFIGURED_PIECES if self._outlines else 1 + 2 * MAX_PIECES
        kinds = set()
        for known in self._pieces(number, bits, prefix_len, view.index):
            budget -= 1
            kinds.add(view.class_of(known.location))
            if budget < 0 or len(kinds) > 1:
                return False
        return True

    def _pieces(self, start: int, bits: int, prefix_len: int, index: int) -> Iterator[Known]:
        """Yield what is known in each piece of a prefix; with outlines, where one aspect changes."""
        outlines = self._outlines.get(bits)
        end = start + (1 << bits - prefix_len)
        while start < end:
            found = self._at(start, bits, bits)
            yield found.known
            size = 1 << bits - (found.prefix_len if outlines is None else outlines.scope(start, index))
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
        "_mapped_bits",
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
        self._number, self._bits, self._mapped_bits = numbered(address, source_prefix_len)
        self._prefix_len = source_prefix_len - self._mapped_bits
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
            prefix_len=everything + self._mapped_bits,
            area_prefix_len=area + self._mapped_bits,
            position_prefix_len=position + self._mapped_bits,
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
            here = self._here.location
            scope = self._neighborhood.view_scope(aspect, here, self._number, self._bits, scope)
        return Sight(self.seen(aspect), scope + self._mapped_bits)

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


def _kind(view: Aspect, location: ClientLocation) -> Hashable:
    """Return what a group makes of a location.

    For what looks at positions nobody's location is a kind of its own: that `DEFAULT_REGION` stands for it is
    `[INF]`, and a scope must not take the clients of a configured network for the rest of the world.
    """
    assert view.class_of is not None  # only views have neighborhoods
    is_nobody = view.index == POSITION.index and location.source == UNKNOWN.source
    return is_nobody, view.class_of(location)
