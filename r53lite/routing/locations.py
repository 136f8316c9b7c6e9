"""Where is a client? The longest matching network says.

Three sources stand in layers: the networks of `locations.yaml`, records of MaxMind databases behind them,
and the rows of a latency matrix that are for networks. Of a configured network and a database's the longer
one counts, and the configured one of equals; its entry is taken whole.

A client subnet is located by the networks that contain the whole of it, or, where all of it looks alike to a
policy in smaller pieces, by those (see `routing.neighborhood`, which has the scopes too). A database knows no
network around another; a subnet that it divides into unlike ones is located by its first address.

Source: RFC 7871 §7.2.1; docs/route53/routing-policies.md §2.3, §2.4.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from copy import copy
from itertools import count
from typing import NamedTuple, Protocol

from r53lite.routing.context import UNKNOWN, Aspect, ClientLocation
from r53lite.routing.latencies import LatencyMatrix, LatencyRow, LatencyTable, complete
from r53lite.routing.neighborhood import Found, Neighborhood, Subnet
from r53lite.routing.outlines import Classes, Known, Outlines
from r53lite.routing.places import COUNTRY_CONTINENT, REGION_AREAS, REGIONS
from r53lite.routing.ranges import Block, Network, Ranges, numbered

MAX_KNOWN = 32_768  # our choice: completed locations that are kept so that clients share them; some 20 MB
MAX_CLASSES = 3 * MAX_KNOWN
CHINA = "CN"

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
    `position` (see `ClientLocation`). `location` is that of the whole of a client subnet; the class is that
    of its addresses where all of them are of one. A number is never used for another class, as long as the
    `Locations` are the same, so compiled answers can be kept by it.
    """

    location: ClientLocation
    everything: int
    area: int
    position: int

    def number(self, aspect: Aspect) -> int:
        """Return the class the client belongs to in one aspect."""
        return (self.everything, self.area, self.position)[aspect.index]


class _Said(NamedTuple):
    """What the files say of one network: the location and the length of its network, and the row."""

    location: ClientLocation | None
    prefix_len: int
    row: LatencyRow | None


_NOTHING = _Said(None, 0, None)


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
        self._known: dict[tuple[int, int], Known] = {}
        self._numbers: dict[Hashable, int] = {}
        self._counter = count(1)
        self._outlines: dict[int, Outlines] = {}
        if not self._databases:
            self._outlines = {
                family.bits: Outlines(family, self._classes_of) for family in self._ranges.families
            }

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
        copied._outlines = {bits: outlines.without_views() for bits, outlines in self._outlines.items()}
        return copied

    def locate(self, address: bytes, source_prefix_len: int) -> ClientLocation:
        """Locate a client by the longest network that contains its prefix.

        Args:
            address: 4 or 16 octets; of a client subnet, its address with zeros behind the prefix.
            source_prefix_len: how many bits of the address are known: all, or SOURCE PREFIX-LENGTH of the
                subnet.

        Returns:
            The location of the whole, or `UNKNOWN`, with the scopes for the family of `address`. Every client
            of a scope's prefix has the same of what the scope is for; one over `source_prefix_len` says that
            the subnet was too short to tell. Its `sights` are what policies go by. The source of a database's
            record names its network.

        Source: RFC 7871 §7.2.1; docs/route53/records-and-changes.md §1.10 (ECS).
        """
        return Subnet(self._neighborhood(), address, source_prefix_len, is_named=True).location()

    def look_up(self, address: bytes, source_prefix_len: int) -> Located:
        """Locate a client as `locate` does; the classes tell whether answers made for others hold for it."""
        subnet = Subnet(self._neighborhood(), address, source_prefix_len)
        return Located(subnet.location(), *subnet.classes())

    @property
    def nobody(self) -> ClientLocation:
        """Return where a client is whom nobody knows."""
        return self._complete(UNKNOWN, None).location

    def look_up_address(self, address: bytes) -> Located:
        """Locate a client by its whole address, for replies that tell no scope: all scopes are 0."""
        number, bits = numbered(address)
        known = self._at(number, bits, bits).known
        return Located(known.location, *known.classes)

    def _classes_of(self, block: Block[_Said] | None) -> Classes:
        """Return the classes of clients in a network, where no database is asked."""
        said = _NOTHING if block is None else block.value
        return self._complete(said.location or UNKNOWN, said.row).classes

    def _neighborhood(self) -> Neighborhood:
        """Return what is around clients; made for each, or it and its locations would hold each other."""
        return Neighborhood(self._at, self._outlines)

    # --- one address ----------------------------------------------------------------------------------------

    def _at(self, number: int, bits: int, source_prefix_len: int) -> Found:
        """Return what is known of an address whose first bits are given."""
        block, prefix_len = self._ranges.family(bits).find(number, source_prefix_len)
        said = _NOTHING if block is None else block.value
        record, network_prefix_len, record_prefix_len = self._record(number, bits)
        prefix_len = max(prefix_len, record_prefix_len)
        is_divided = network_prefix_len > source_prefix_len
        if record is None or (
            said.location is not None and (is_divided or said.prefix_len >= network_prefix_len)
        ):
            return Found(self._complete(said.location or UNKNOWN, said.row), prefix_len, -1)
        return Found(self._complete(record, said.row), prefix_len, network_prefix_len)

    def _record(self, number: int, bits: int) -> tuple[ClientLocation | None, int, int]:
        """Ask the databases; return the first record with the length of its network, and the length of the
        prefix in which none of them says anything else.
        """
        longest = 0
        for database in self._databases:
            record, prefix_len = database.find(number, bits)
            longest = max(longest, prefix_len)
            if record is not None:
                return record, prefix_len, longest
        return None, 0, longest

    def _complete(self, base: ClientLocation, row: LatencyRow | None) -> Known:
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
            known = self._known[key] = Known(location, classes, (base, row))
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


def location_in(region: str) -> ClientLocation:
    """Return where a client is that is taken to be in an AWS region, its country included."""
    country, subdivision = REGION_AREAS[region]
    continent = COUNTRY_CONTINENT[country]
    return ClientLocation(
        region, country, subdivision or None, continent, REGIONS[region], source="stated region"
    )


def _layered(
    entries: Sequence[tuple[Network, ClientLocation]], matrix: LatencyMatrix
) -> Iterator[tuple[Network, _Said]]:
    """Lay the networks of both files over each other: each network says what both say of it."""
    said_of = [(network, _Said(location, network.prefixlen, None)) for network, location in entries]
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
