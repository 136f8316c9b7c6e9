"""Where is a client? The longest matching network says, and how far around the client that holds.

Three sources stand in layers: the networks of `locations.yaml`, records of MaxMind databases behind them,
and the rows of a latency matrix that are for networks. Of a configured network and a database's the longer
one counts, and the configured one of equals; its entry is taken whole.

How far a location holds is told for everything together and for each thing a policy looks at (see
`ClientLocation`), and for what one group makes of it (its view). Neighbors that say the same count as one.
Where no database is involved the scopes of things are exact: shorter ones would cover somebody else. With a
database, and for views, the neighborhood is searched up to `MAX_PIECES` networks, so a scope may be longer
than it needs to be, never shorter.

A client subnet is located by the networks that contain the whole of it, or, where all of it has the same
location in smaller pieces, by that. A database knows no network around another; a subnet that it divides is
located by its first address, with a scope longer than the subnet.

Source: RFC 7871 §7.2.1; docs/route53/routing-policies.md §2.3, §2.4.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from copy import copy
from ipaddress import ip_network
from itertools import count
from typing import NamedTuple, Protocol

from r53lite.routing.context import AREA, DEFAULT_REGION, POSITION, Aspect, ClientLocation
from r53lite.routing.latencies import LatencyMatrix, LatencyRow, LatencyTable, complete
from r53lite.routing.ranges import Block, Family, Network, Ranges, numbered

MAX_PIECES = 8  # our choice: some 0.1 ms for a client seen for the first time
MAX_CONFIGURED_PIECES = 64  # our choice: networks alone take less time
MAX_KNOWN = 32_768  # our choice: completed locations that are kept so that clients share them; some 20 MB
MAX_CLASSES = 3 * MAX_KNOWN
MAX_VIEWS = 64  # our choice: groups whose scopes one client's place remembers
CHINA = "CN"

UNKNOWN = ClientLocation(source=f"default: {DEFAULT_REGION}")
"""A client nobody knows: policies that need a place take `DEFAULT_REGION` `[INF]`, it has no country."""

NO_MATRIX = LatencyMatrix()


class Database(Protocol):
    """What locations need of a MaxMind database (`control.maxmind.MaxMindDatabase`): memory only, no file."""

    def find(self, number: int, bits: int) -> tuple[ClientLocation | None, int]:
        """Return what is said of an address of 32 or 128 bits, the same object for the same record, and the
        length of the network it is said of; None where nothing is.
        """
        ...


class Located(NamedTuple):
    """Where one client is, its scopes set, and to which classes it belongs.

    Clients of one class are alike in what it is of: `everything` that policies can see, the `area`, the
    `position` (see `ClientLocation`). A number is never used for another class, as long as the `Locations`
    are the same, so compiled answers can be kept by it.
    """

    location: ClientLocation
    everything: int
    area: int
    position: int

    def number(self, aspect: Aspect) -> int:
        """Return the class the client belongs to in one aspect."""
        if aspect is AREA:
            return self.area
        return self.position if aspect is POSITION else self.everything


class _Said(NamedTuple):
    """What the files say of one network: the location and the length of its network, and the row."""

    location: ClientLocation | None
    prefix_len: int
    row: LatencyRow | None


class _Known(NamedTuple):
    """A completed location and its classes. `origin` keeps alive what it is found by."""

    location: ClientLocation
    classes: tuple[int, int, int]
    origin: object


class _Found(NamedTuple):
    """What is known at one address, and the prefix in which nothing else is said."""

    known: _Known
    prefix_len: int
    network_prefix_len: int


_NOTHING = _Said(None, 0, None)
_Scopes = tuple[int, int, int]  # everything, area, position


class Locations:
    """The networks of clients; to its users immutable. Of equal networks the later one counts.

    Args:
        entries: the networks of `locations.yaml`.
        databases: asked in order; the first that knows something counts.
        matrix: latencies by region and network.
        measured: what our probes measured; None where that does not count.
    """

    def __init__(
        self,
        entries: Iterable[tuple[Network, ClientLocation]] = (),
        databases: Sequence[Database] = (),
        matrix: LatencyMatrix = NO_MATRIX,
        measured: LatencyTable | None = None,
    ) -> None:
        self._entries = tuple(entries)
        self._databases = tuple(databases)
        self._matrix = matrix
        self._measured = measured
        self._ranges = Ranges(_layered(self._entries, matrix))
        self._known: dict[tuple[int, int], _Known] = {}
        self._numbers: dict[Hashable, int] = {}
        self._counter = count(1)
        self._outlines: dict[int, _Outlines] = {}
        if not self._databases:
            self._outlines = {family.bits: _Outlines(self, family) for family in self._ranges.families}

    @property
    def networks(self) -> tuple[Network, ...]:
        """Return the networks of `locations.yaml`."""
        return tuple(network for network, _ in self._entries)

    @property
    def is_measured(self) -> bool:
        """Say whether the times of our own probes count."""
        return self._measured is not None

    def is_from_same_files(self, other: Locations) -> bool:
        """Say whether both are one load, whatever was measured since."""
        return self._ranges is other._ranges

    def with_measured(self, measured: LatencyTable) -> Locations:
        """Return the same locations with other times of our probes; the very same where those do not count.

        The scopes stay those of what is written: what is alike without the times is alike with them.
        """
        if self._measured is None:
            return self
        copied = copy(self)
        copied._measured = measured
        copied._known, copied._numbers, copied._counter = {}, {}, count(1)
        return copied

    def locate(self, address: bytes, source_prefix_len: int) -> ClientLocation:
        """Locate a client by the longest network that contains its prefix.

        Args:
            address: 4 or 16 octets; of a client subnet, its address with zeros behind the prefix.
            source_prefix_len: how many bits of the address are known: all, or SOURCE PREFIX-LENGTH of the
                subnet.

        Returns:
            The location, or `UNKNOWN`, with the scopes for the family of `address`. Every client of a
            scope's prefix has the same of what the scope is for; one over `source_prefix_len` says that the
            subnet was too short to tell. The source of a database's record names its network.

        Source: RFC 7871 §7.2.1; docs/route53/records-and-changes.md §1.10 (ECS).
        """
        number, bits, mapped_bits = numbered(address, source_prefix_len)
        found, scopes = self._search(number, bits, source_prefix_len - mapped_bits)
        location = self._scoped(found, scopes, number, bits, mapped_bits, source_prefix_len)
        if found.network_prefix_len < 0:
            return location
        first = number >> bits - found.network_prefix_len << bits - found.network_prefix_len
        network = ip_network((first.to_bytes(bits // 8, "big"), found.network_prefix_len))
        return location._replace(source=f"{location.source}: {network}")

    def find(self, address: bytes, source_prefix_len: int) -> tuple[ClientLocation, int]:
        """Locate a client as `locate` does; return the location without scopes, and the scope of everything.

        Clients of one class have the same object, as long as it is kept.
        """
        number, bits, mapped_bits = numbered(address, source_prefix_len)
        found, scopes = self._search(number, bits, source_prefix_len - mapped_bits)
        return found.known.location, scopes[0] + mapped_bits

    def look_up(self, address: bytes, source_prefix_len: int) -> Located:
        """Locate a client as `locate` does; the classes tell whether answers made for others hold for it."""
        number, bits, mapped_bits = numbered(address, source_prefix_len)
        found, scopes = self._search(number, bits, source_prefix_len - mapped_bits)
        location = self._scoped(found, scopes, number, bits, mapped_bits, source_prefix_len)
        return Located(location, *found.known.classes)

    def look_up_address(self, address: bytes) -> Located:
        """Locate a client by its whole address, for replies that tell no scope: all scopes are 0."""
        number, bits, _ = numbered(address, 8 * len(address))
        known = self._at(number, bits, bits).known
        return Located(known.location, *known.classes)

    def classes(self, block: Block[_Said] | None) -> tuple[int, int, int]:
        """Return the classes of clients in a network, where no database is asked."""
        said = _NOTHING if block is None else block.value
        return self._complete(said.location or UNKNOWN, said.row).classes

    # --- one address ----------------------------------------------------------------------------------------

    def _at(self, number: int, bits: int, source_prefix_len: int) -> _Found:
        """Return what is known of an address whose first bits are given."""
        block, prefix_len = self._ranges.family(bits).find(number, source_prefix_len)
        said = _NOTHING if block is None else block.value
        record, network_prefix_len = self._record(number, bits)
        prefix_len = max(prefix_len, network_prefix_len)
        is_divided = network_prefix_len > source_prefix_len
        if record is None or (
            said.location is not None and (is_divided or said.prefix_len >= network_prefix_len)
        ):
            return _Found(self._complete(said.location or UNKNOWN, said.row), prefix_len, -1)
        return _Found(self._complete(record, said.row), prefix_len, network_prefix_len)

    def _record(self, number: int, bits: int) -> tuple[ClientLocation | None, int]:
        """Ask the databases; the length is that of the network in which none of them says anything else."""
        longest = 0
        for database in self._databases:
            record, prefix_len = database.find(number, bits)
            longest = max(longest, prefix_len)
            if record is not None:
                return record, longest
        return None, longest

    def _complete(self, base: ClientLocation, row: LatencyRow | None) -> _Known:
        """Add the latencies to a location; the same object for the same base and row, while it is kept."""
        key = (id(base), id(row))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            location = complete(base, row, self._matrix, self._measured)
            area = location.country, location.subdivision, location.continent
            latencies = tuple(sorted(location.latency_ms.items()))
            position = location.region, location.coordinates, latencies, location.country == CHINA
            classes = self._number((area, position)), self._number(area), self._number(position)
            known = self._known[key] = _Known(location, classes, (base, row))
        return known

    def _number(self, kind: Hashable) -> int:
        """Return the number of a class; a new one where it was forgotten."""
        number = self._numbers.get(kind)
        if number is None:
            if len(self._numbers) >= MAX_CLASSES:
                self._numbers.clear()
                self._known.clear()  # or clients of one class would have two numbers and split their scopes
            number = self._numbers[kind] = next(self._counter)
        return number

    # --- its neighborhood -----------------------------------------------------------------------------------

    def _search(self, number: int, bits: int, source_prefix_len: int) -> tuple[_Found, _Scopes]:
        """Locate a client and find its scopes."""
        here = self._at(number, bits, bits)
        outlines = self._outlines.get(bits)
        scopes = self._widened(number, bits, here) if outlines is None else outlines.scopes(number)
        if scopes[0] <= source_prefix_len:
            return here, scopes  # all of the subnet is like its first address
        found = self._at(number, bits, source_prefix_len)
        everything, area, position = (
            scope if mine == its else max(scope, here.prefix_len)
            for scope, mine, its in zip(scopes, found.known.classes, here.known.classes, strict=True)
        )
        return found, (everything, area, position)

    def _widened(self, number: int, bits: int, here: _Found) -> _Scopes:
        """Return the scopes around an address: neighbor after neighbor is added while it is the same."""
        scopes = [here.prefix_len] * 3
        same = [True] * 3
        budget = MAX_PIECES
        for prefix_len in range(here.prefix_len, 0, -1):
            size = 1 << bits - prefix_len
            start = (number // size ^ 1) * size
            for known in self._pieces(start, start + size, bits):
                classes = known.classes
                budget -= 1
                same = [same[i] and classes[i] == here.known.classes[i] for i in range(3)]
                if budget < 0 or not any(same):
                    return scopes[0], scopes[1], scopes[2]
            scopes = [prefix_len - 1 if same[i] else scopes[i] for i in range(3)]
        return scopes[0], scopes[1], scopes[2]

    def _pieces(self, start: int, end: int, bits: int) -> Iterator[_Known]:
        """Yield what is known in each part of a stretch of addresses."""
        outlines = self._outlines.get(bits)
        while start < end:
            found = self._at(start, bits, bits)
            yield found.known
            size = 1 << bits - (found.prefix_len if outlines is None else outlines.scopes(start)[0])
            start = (start // size + 1) * size

    def view_scope(self, view: Aspect, location: ClientLocation, number: int, bits: int, least: int) -> int:
        """Return the shortest prefix, from `least` bits on, around an address in which a group sees no
        difference, as far as so many pieces show it.
        """
        assert view.class_of is not None  # only views have neighborhoods
        kind = _kind(view, location)
        budget = MAX_PIECES if self._databases else MAX_CONFIGURED_PIECES
        for prefix_len in range(least, 0, -1):
            size = 1 << bits - prefix_len
            start = (number // size ^ 1) * size
            for known in self._pieces(start, start + size, bits):
                budget -= 1
                if budget < 0 or _kind(view, known.location) != kind:
                    return prefix_len
        return 0

    def _scoped(
        self, found: _Found, scopes: _Scopes, number: int, bits: int, mapped_bits: int, source_prefix_len: int
    ) -> ClientLocation:
        """Return a location with its scopes set."""
        everything, area, position = scopes
        scoped = found.known.location._replace(
            prefix_len=everything + mapped_bits,
            area_prefix_len=area + mapped_bits,
            position_prefix_len=position + mapped_bits,
        )
        scopes_of_views: dict[Aspect, int] = {}  # few: a place is for one client, whose questions are few

        def widen(view: Aspect) -> int:
            scope = scopes_of_views.get(view)
            if scope is None:
                scope = view.field_scope(scoped)
                if scope <= source_prefix_len:  # else the subnet is too short to tell
                    least = scope - mapped_bits
                    scope = self.view_scope(view, scoped, number, bits, least) + mapped_bits
                if len(scopes_of_views) >= MAX_VIEWS:
                    scopes_of_views.clear()
                scopes_of_views[view] = scope
            return scope

        return scoped._replace(widen=widen)


class _Outlines:
    """Where what policies look at changes, in the networks of one family without a database."""

    def __init__(self, locations: Locations, family: Family[_Said]) -> None:
        self._family = family

        def class_of(aspect: int) -> Callable[[Block[_Said] | None], Hashable]:
            return lambda block: locations.classes(block)[aspect]

        self._outlines = tuple(family.outline(class_of(aspect)) for aspect in range(3))

    def scopes(self, number: int) -> _Scopes:
        """Return the shortest prefixes around an address in which nothing changes."""
        everything, area, position = (self._family.scope_in(one, number) for one in self._outlines)
        return everything, area, position


def _layered(
    entries: Sequence[tuple[Network, ClientLocation]], matrix: LatencyMatrix
) -> Iterator[tuple[Network, _Said]]:
    """Lay the networks of both files over each other: each network says what both say of it."""
    said_of = [(network, _Said(location, _prefix_len(network), None)) for network, location in entries]
    if not matrix.networks:
        yield from said_of
        return
    places = Ranges(said_of)
    rows = Ranges(matrix.networks)
    for network in [*(network for network, _ in entries), *(network for network, _ in matrix.networks)]:
        packed = network.network_address.packed
        place, _ = places.find(packed, network.prefixlen)
        row, _ = rows.find(packed, network.prefixlen)
        said = _NOTHING if place is None else place.value
        yield network, said._replace(row=None if row is None else row.value)


def _kind(view: Aspect, location: ClientLocation) -> Hashable:
    """Return what a group makes of a location.

    For what looks at positions nobody's location is a kind of its own: that `DEFAULT_REGION` stands for it is
    `[INF]`, and a scope must not take the clients of a configured network for the rest of the world.
    """
    assert view.class_of is not None
    is_nobody = view.field_scope is POSITION.field_scope and location.source == UNKNOWN.source
    return is_nobody, view.class_of(location)


def _prefix_len(network: Network) -> int:
    """Return the length of a network in the family its clients count to."""
    _, _, mapped_bits = numbered(network.network_address.packed, network.prefixlen)
    return network.prefixlen - mapped_bits
