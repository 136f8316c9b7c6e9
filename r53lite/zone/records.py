"""Where do the records of a zone wait until the zone is built?

A `RecordTable` gathers them by owner, from any number of files. No object is made per record: the first
record of an owner stands there as the packed node that the finished zone would hold (`zone.packed`), so a
zone of plain addresses is built already when it has been read. Where an owner has more, its value is the
octet 0xFF and the records one after another, each behind the first led by its place.

A place is one number: the file's index and the line. The place of an owner's first record is found by order:
dicts keep the order of insertion and nothing is ever deleted, so the n-th place of a shard belongs to its
n-th owner.

Rules: type, TTL and count in network order; `tables[hash(owner) & mask]` holds the owner; owners of SOA, NS,
CNAME and DNAME records are noted, because the builder starts from them.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast

from r53lite.dns import rrtypes
from r53lite.zone.name_table import NAMES_PER_SHARD
from r53lite.zone.node import Packed, PolicyNode
from r53lite.zone.packed import FLAG_CUT, FLAG_DNAME, types_of

_MANY, _MANY_CUT, _MANY_DNAME = 0xFF, 0xFE, 0xFD  # no packed node starts so; the builder marks borders
_LEAST_MANY = 0xF0
MANY = b"\xff"
LINE_BITS = 32
_LINE_MASK = (1 << LINE_BITS) - 1
_SHORT_OCTETS = (
    4096  # a longer value is a bytearray, so that a huge RRset does not cost the square of its size
)
_OCTETS_PER_NAME = 32  # our estimate of what one name takes in a file, for the number of shards
_MAX_SHARDS = 4096
_GROWTH = 8

_ITEM = struct.Struct("!HIHH")
_ITEM_OCTETS = _ITEM.size
_new = tuple.__new__  # a third of the time of the class's own constructor, which parses keywords
_PLACE_OCTETS = 8
_SINGLE_OCTETS = frozenset(rrtype.to_bytes(2, "big") for rrtype in (rrtypes.CNAME, rrtypes.DNAME))


Stored = Packed | bytearray
"""What the table holds for an owner: at last, when the zone is built, a packed node."""


class Record(NamedTuple):
    """One record of a file: owner and rdata in wire form, and where it was written."""

    owner: bytes
    rrtype: int
    ttl: int
    rdata: bytes
    file: str
    line: int


class Item(NamedTuple):
    """One record of an owner, as the builder sees it."""

    rrtype: int
    ttl: int
    rdata: bytes
    place: int


class RecordTable:
    """Records by owner. Readers add, `zone.builder` takes the tables over."""

    def __init__(self, size_bytes: int = 0) -> None:
        """Make an empty table.

        Args:
            size_bytes: how long the files are, to choose the number of shards; 0 where it is not known.
        """
        shards = 1
        while shards < _MAX_SHARDS and shards * NAMES_PER_SHARD * _OCTETS_PER_NAME < size_bytes:
            shards *= 2
        self._make_shards(shards)
        self.files: list[str] = []
        self.repeated = 0
        """How many records were added beyond the first of their owner."""
        self.soa_owners: list[bytes] = []
        self.ns_owners: list[bytes] = []
        self.dname_owners: list[bytes] = []
        self.cname_owners: list[bytes] = []
        self.cname_places = array("Q")
        self._file_indices: dict[str, int] = {}

    def _make_shards(self, count: int) -> None:
        self.tables: list[dict[bytes, Stored]] = [{} for _ in range(count)]
        self.places: list[array[int]] = [array("Q") for _ in range(count)]
        self.mask = count - 1

    def __len__(self) -> int:
        """Return how many owners there are."""
        return sum(map(len, self.tables))

    def base_of(self, file: str) -> int:
        """Return the place of line 0 of a file; a line is added to it."""
        index = self._file_indices.setdefault(file, len(self.files))
        if index == len(self.files):
            self.files.append(file)
        return index << LINE_BITS

    def file_and_line(self, place: int) -> tuple[str, int]:
        """Return what a place stands for."""
        return self.files[place >> LINE_BITS], place & _LINE_MASK

    def get(self, owner: bytes) -> Stored | None:
        """Return what was gathered of an owner."""
        return self.tables[hash(owner) & self.mask].get(owner)

    def items_at(self, owner: bytes) -> list[Item]:
        """Return the records of one owner; it searches for their place, so ask for few."""
        index = hash(owner) & self.mask
        table = self.tables[index]
        if owner not in table:
            return []
        return list(items_of(table[owner], self.places[index][list(table).index(owner)]))

    def snapshot(self) -> RecordTable:
        """Return the records as they are now, for who must know their places after the zone is built."""
        copy = RecordTable()
        copy.tables, copy.places, copy.mask = [dict(table) for table in self.tables], self.places, self.mask
        copy.files = self.files
        return copy

    def packed_tables(self) -> list[dict[bytes, Packed]]:
        """Return the shards when the builder has settled every owner."""
        return cast("list[dict[bytes, Packed]]", self.tables)

    def add(self, owner: bytes, rrtype: int, ttl: int, rdata: bytes, place: int) -> None:
        """Add a record; owner and rdata are wire form, lower-case as in a zone."""
        self.note(owner, rrtype, place)
        self.put(owner, b"\x00" + _ITEM.pack(rrtype, ttl, 1, len(rdata)) + rdata, place)

    def note(self, owner: bytes, rrtype: int, place: int) -> None:
        """Remember the owner of a record that shapes the zone."""
        if rrtype == rrtypes.NS:
            if not self.ns_owners or self.ns_owners[-1] != owner:
                self.ns_owners.append(owner)
        elif rrtype == rrtypes.CNAME:
            self.cname_owners.append(owner)
            self.cname_places.append(place)
        elif rrtype == rrtypes.SOA:
            self.soa_owners.append(owner)
        elif rrtype == rrtypes.DNAME:
            self.dname_owners.append(owner)

    def put(self, owner: bytes, packed: bytes, place: int) -> None:
        """Store one record, packed as a node that has nothing else."""
        index = hash(owner) & self.mask
        if owner in self.tables[index]:
            self.append(owner, packed, place)
        else:
            self.tables[index][owner] = packed
            self.places[index].append(place)

    def append(self, owner: bytes, packed: bytes, place: int) -> None:
        """Store one more record of an owner that has some."""
        self.repeated += 1
        table = self.tables[hash(owner) & self.mask]
        value = table[owner]
        assert not isinstance(value, PolicyNode)
        if isinstance(value, bytearray):
            value += place.to_bytes(_PLACE_OCTETS, "big")
            value += packed[1:]
            return
        first = value if value[0] == _MANY else MANY + value[1:]
        joined = first + place.to_bytes(_PLACE_OCTETS, "big") + packed[1:]
        table[owner] = joined if len(joined) < _SHORT_OCTETS else bytearray(joined)

    def open(self, owner: bytes, place: int) -> None:
        """Make an owner's value the long form, for the builder to look at; add a new owner."""
        index = hash(owner) & self.mask
        value = self.tables[index].get(owner)
        if value is None:
            self.tables[index][owner] = MANY
            self.places[index].append(place)
        elif isinstance(value, bytes) and value[0] != _MANY:
            self.tables[index][owner] = MANY + value[1:]

    def mark_border(self, owner: bytes, rrtype: int) -> None:
        """Flag an owner of NS below the apex, or of DNAME; at an owner of both NS comes last and counts."""
        table = self.tables[hash(owner) & self.mask]
        value = table.get(owner)
        if value is None or isinstance(value, PolicyNode):
            return
        if value[0] >= _LEAST_MANY:
            flag = _MANY_CUT if rrtype == rrtypes.NS else _MANY_DNAME
        else:
            flag = FLAG_CUT if rrtype == rrtypes.NS else FLAG_DNAME
        if isinstance(value, bytearray):
            value[0] = flag
        else:
            table[owner] = bytes((flag,)) + value[1:]

    def grow(self) -> None:
        """Make more shards if there are too few for the names; called between chunks of a file."""
        if len(self.tables) * NAMES_PER_SHARD * 2 >= len(self) or len(self.tables) >= _MAX_SHARDS:
            return
        old = list(zip(self.tables, self.places, strict=True))
        self._make_shards(len(self.tables) * _GROWTH)
        for table, places in old:
            for (owner, value), place in zip(table.items(), places, strict=True):
                index = hash(owner) & self.mask
                self.tables[index][owner] = value
                self.places[index].append(place)

    def records(self) -> list[Record]:
        """Return every record, in order of file and line: for tests and tools, not for loading."""
        found = []
        for table, places in zip(self.tables, self.places, strict=True):
            for (owner, value), place in zip(table.items(), places, strict=True):
                found += [(item.place, owner, item) for item in items_of(value, place)]
        found.sort(key=lambda entry: entry[0])
        return [
            Record(owner, item.rrtype, item.ttl, item.rdata, *self.file_and_line(place))
            for place, owner, item in found
        ]


def table_of(records: Iterable[Record]) -> RecordTable:
    """Gather records that are objects already: those of policy files, and of tests."""
    table = RecordTable()
    add_records(table, records)
    return table


def add_records(table: RecordTable, records: Iterable[Record]) -> None:
    """Add records that are objects already."""
    for record in records:
        place = table.base_of(record.file) + record.line
        table.add(record.owner, record.rrtype, record.ttl, record.rdata, place)
    table.grow()


def border_type_of(value: Stored) -> int | None:
    """Return NS for a cut, DNAME for a name that has one, else None; beside a cut a DNAME is void."""
    if isinstance(value, PolicyNode):
        return rrtypes.NS if value.is_cut else rrtypes.DNAME if rrtypes.DNAME in value.data else None
    if value[0] >= _LEAST_MANY:
        return {_MANY_CUT: rrtypes.NS, _MANY_DNAME: rrtypes.DNAME}.get(value[0])
    return rrtypes.NS if value[0] & FLAG_CUT else rrtypes.DNAME if value[0] & FLAG_DNAME else None


def stored_types(value: Stored) -> list[int]:
    """Return the types of what the table holds for an owner, settled or not."""
    if isinstance(value, bytearray) or (isinstance(value, bytes) and value[0] >= _LEAST_MANY):
        return [item.rrtype for item in items_of(value, 0)]
    return types_of(value)


def pack_plain(value: Stored) -> bytes | None:
    """Pack the usual owners of several records; None for any that needs a closer look.

    Usual are one RRset without repetitions and of one TTL, a cut's NS too, and several types of one record
    each. The records lie in the table as a packed node has them, so they need but a common head or an order.
    """
    if not isinstance(value, bytes) or value[0] not in (_MANY, _MANY_CUT):
        return None
    parts = []
    at, end = 1, len(value)
    while at < end:
        stop = at + _ITEM_OCTETS + (value[at + 8] << 8 | value[at + 9])
        parts.append(value[at:stop])
        at = stop + _PLACE_OCTETS
    types = {part[:2] for part in parts}
    if len(types) == 1 and types.isdisjoint(_SINGLE_OCTETS):
        heads, rdatas = {part[:6] for part in parts}, {part[8:] for part in parts}
        if len(heads) > 1 or len(rdatas) < len(parts):
            return None
        flags = FLAG_CUT if value[0] == _MANY_CUT else 0
        count = len(parts).to_bytes(2, "big")
        return bytes((flags,)) + parts[0][:6] + count + b"".join([part[8:] for part in parts])
    if len(types) < len(parts) or value[0] == _MANY_CUT or not types.isdisjoint(_SINGLE_OCTETS):
        return None
    parts.sort()
    return b"\x00" + b"".join(parts)


def items_of(value: Stored, place: int) -> Iterator[Item]:
    """Yield the records of one owner in the order they were added.

    Args:
        value: what the table holds, or a packed node of one record.
        place: of the first record.
    """
    assert not isinstance(value, PolicyNode)  # those are made when their records have been seen
    at, end = 1, len(value)
    while at < end:
        rrtype, ttl, _, length = _ITEM.unpack_from(value, at)
        at += _ITEM_OCTETS
        rdata = value[at : at + length]
        yield _new(Item, (rrtype, ttl, rdata if isinstance(rdata, bytes) else bytes(rdata), place))
        at += length
        if at < end:
            place = int.from_bytes(value[at : at + _PLACE_OCTETS], "big")
            at += _PLACE_OCTETS
