"""What does a MaxMind DB file say of an address?

The file is held in memory as a whole: a mapped file that somebody overwrites in place would end the process,
and a page that is not in memory would hold up every query. We walk its search tree ourselves, which finds
the network and a pointer, and let `maxminddb` decode a record only where the pointer is new: a record has
names in eight languages, so decoding takes fifty times as long as the walk.

Read are `country.iso_code`, the first of `subdivisions`, `location` and `continent.code`. The continent is
Route 53's for the country (§2.4); the database's counts only for a record without a country that Route 53
has. `registered_country` and `represented_country` are left out: they do not say where the client is.

Pure: takes the file's octets. What is broken inside a record, which a check of the whole file would find
only after minutes, is nothing known of that network.

Source: the MaxMind DB file format specification 2.0, "Binary Search Tree Section" and "MaxMind DB Metadata".
"""

from __future__ import annotations

import struct
from io import BytesIO
from ipaddress import IPv4Address, IPv6Address

import maxminddb

from r53lite.errors import Faults
from r53lite.routing.context import ClientLocation
from r53lite.routing.places import CONTINENTS, COUNTRY_CONTINENT, Coordinates

MAX_DECODED = 65_536  # our choice: decoded records that are kept, some 30 MB; GeoLite2-City has 10^5
SAMPLES = 64  # addresses looked up when a file is opened, to refuse a broken one
_METADATA_MARK = b"\xab\xcd\xefMaxMind.com"
_METADATA_REACH = 128 * 1024 + len(_METADATA_MARK)  # "MaxMind DB Metadata": within the last 128 KiB
_IPV4_DEPTH = 96  # IPv4 is at ::/96 of a tree for IPv6
_BROKEN = (
    maxminddb.InvalidDatabaseError,
    ArithmeticError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


class MaxMindDatabase:
    """One MaxMind DB file in memory.

    Args:
        octets: the file.
        name: its name, for `ClientLocation.source`.

    Raises:
        ValueError: it is no MaxMind DB file, or one cut short or broken.
    """

    def __init__(self, octets: bytes, name: str) -> None:
        self._octets = octets
        self._name = name
        self._decoded: dict[int, ClientLocation | None] = {}
        try:
            self._reader = maxminddb.open_database(BytesIO(octets), maxminddb.MODE_FD)
            metadata = self._reader.metadata()
            self._node_count = metadata.node_count
            self._node_bytes = metadata.node_byte_size
            self._record_bits = metadata.record_size
            self._bits = 128 if metadata.ip_version == 6 else 32
            self._ipv4_start = self._descend(0, 0, 128, _IPV4_DEPTH)[0] if self._bits == 128 else 0
            self.records_found, self.records_usable = self._sample()
        except _BROKEN as error:
            is_cut = _METADATA_MARK not in octets[-_METADATA_REACH:]
            why = "the metadata at its end is missing" if is_cut else "what it says of itself does not fit"
            raise ValueError(f"not a sound MaxMind DB file: {why}") from error

    def find(self, number: int, bits: int) -> tuple[ClientLocation | None, int]:
        """Return what the database says of an address, and the length of the network it says it of.

        Args:
            number: the address.
            bits: 32 or 128, its family.

        Returns:
            The location, the same object for the same record while it is kept, or None; and the length of
            the largest network around the address that the database does not divide.
        """
        if bits > self._bits:
            return None, 0
        start = self._ipv4_start if bits < self._bits else 0
        node, prefix_len = self._descend(start, number, bits, bits)
        if node <= self._node_count:
            return None, prefix_len
        if node not in self._decoded:
            if len(self._decoded) >= MAX_DECODED:
                self._decoded.clear()
            self._decoded[node] = self._decode(number, bits)
        return self._decoded[node], prefix_len

    def _descend(self, node: int, number: int, bits: int, depth: int) -> tuple[int, int]:
        """Follow the first `depth` bits of an address down the tree; return the node and its depth."""
        octets, count, node_bytes = self._octets, self._node_count, self._node_bytes
        record_bits = self._record_bits
        for level in range(depth):
            if node >= count:
                return node, level
            right = number >> bits - 1 - level & 1
            at = node * node_bytes
            if record_bits == 28:  # the two share the octet in the middle, its high half is the left one's
                if right:
                    node = int.from_bytes(octets[at + 3 : at + 7], "big") & 0xFFFFFFF
                else:
                    node = (octets[at + 3] & 0xF0) << 20 | int.from_bytes(octets[at : at + 3], "big")
            else:
                size = record_bits >> 3
                at += size * right
                node = int.from_bytes(octets[at : at + size], "big")
        return node, depth

    def _decode(self, number: int, bits: int) -> ClientLocation | None:
        """Return the location of an address's record; None where nothing in it can be used."""
        try:
            record = self._reader.get(IPv4Address(number) if bits == 32 else IPv6Address(number))
        except _BROKEN:
            return None
        return location_of(record, self._name)

    def _sample(self) -> tuple[int, int]:
        """Look up addresses all over the families; return how many records were found, and could be used.

        Raises:
            InvalidDatabaseError, or another of `_BROKEN`: the file is broken.
        """
        found = usable = 0
        for family in {32, self._bits}:
            top = (1 << family) // SAMPLES if family == 32 else (1 << 125) // SAMPLES  # 2000::/3 and below
            for step in range(SAMPLES):
                number = step * top + (1 << 125 if family == 128 else 0)
                address = IPv4Address(number) if family == 32 else IPv6Address(number)
                record = self._reader.get(address)
                found += record is not None
                usable += location_of(record, self._name) is not None
        return found, usable


def open_maxmind(octets: bytes, name: str, faults: Faults) -> MaxMindDatabase | None:
    """Open a MaxMind DB file; a broken one, or one that says nothing of places, is a fault."""
    try:
        database = MaxMindDatabase(octets, name)
    except ValueError as error:
        faults.error(0, str(error))
        return None
    if database.records_found and not database.records_usable:
        faults.warning(
            0, f"none of {database.records_found} records looked at has a place; wrong kind of database?"
        )
    return database


def location_of(record: object, source: str) -> ClientLocation | None:
    """Return the place that a record tells; None where it tells none.

    Source: docs/route53/routing-policies.md §2.4.
    """
    country = _text(record, "country", "iso_code")
    continent: str | None
    if country is not None and country in COUNTRY_CONTINENT:
        continent = COUNTRY_CONTINENT[country]
    else:
        country, continent = None, _text(record, "continent", "code")
    subdivisions = _item(record, "subdivisions")
    first = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
    subdivision = None if country is None else (_text(first, "iso_code") or "").rpartition("-")[2][:3]
    coordinates = _coordinates(_item(record, "location"))
    if continent not in CONTINENTS:
        continent = None
    if continent is None and coordinates is None:
        return None
    return ClientLocation(None, country, subdivision or None, continent, coordinates, source=source)


def _item(record: object, key: str) -> object:
    return record.get(key) if isinstance(record, dict) else None


def _text(record: object, *keys: str) -> str | None:
    """Return the text below some keys."""
    for key in keys:
        record = _item(record, key)
    return record if isinstance(record, str) else None


def _coordinates(location: object) -> Coordinates | None:
    """Return latitude and longitude; None where they are not on the globe."""
    latitude, longitude = _item(location, "latitude"), _item(location, "longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return float(latitude), float(longitude)
