"""Where is a client? The longest matching network says, and how far around the client that holds.

The networks of one family are cut once into ranges that do not overlap: in each range one network, the
innermost, or none decides. A client is then one bisection away from its range, and the range gives the
scope: the shortest prefix around the client that stays inside it. That is the de-aggregation of RFC 7871
§7.2.1: an answer for 1.2.0.0/20 never covers the exception 1.2.3.0/24.

A client subnet is located by the networks that contain the whole of it. Where a longer network lies inside
the subnet, the scope is longer than the subnet: it was not specific enough (RFC 7871 §7.2.1 has this meaning
for it).

Left out: addresses with an IPv4 address mapped inside (::ffff:0:0/96) are IPv4 here, and no other IPv6
prefix is kept from covering them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from r53lite.routing.context import DEFAULT_REGION, ClientLocation

Network = IPv4Network | IPv6Network

UNKNOWN = ClientLocation(source=f"default: {DEFAULT_REGION}")
"""A client nobody knows: policies that need a place take `DEFAULT_REGION` `[INF]`, it has no country."""

_MAPPED_PREFIX = bytes(10) + b"\xff\xff"  # RFC 4291 §2.5.5.2
_MAPPED_BITS = 96


class _Place(NamedTuple):
    """One configured network, the one it lies in, and what it says."""

    end: int
    prefix_len: int
    location: ClientLocation
    parent: _Place | None


class Locations:
    """The networks of clients; immutable. Of equal networks the later one counts."""

    def __init__(self, entries: Iterable[tuple[Network, ClientLocation]] = ()) -> None:
        v4: dict[tuple[int, int], ClientLocation] = {}
        v6: dict[tuple[int, int], ClientLocation] = {}
        for network, location in entries:
            packed, prefix_len = network.network_address.packed, network.prefixlen
            if len(packed) == 16 and prefix_len >= _MAPPED_BITS and packed.startswith(_MAPPED_PREFIX):
                packed, prefix_len = packed[12:], prefix_len - _MAPPED_BITS
            family = v4 if len(packed) == 4 else v6
            family[int.from_bytes(packed, "big"), prefix_len] = location
        self._v4 = _Ranges(v4, 32)
        self._v6 = _Ranges(v6, 128)

    def locate(self, address: bytes, source_prefix_len: int) -> ClientLocation:
        """Locate a client by the longest network that contains its prefix.

        Args:
            address: 4 or 16 octets; of a client subnet, its address with zeros behind the prefix.
            source_prefix_len: how many bits of the address are known: all, or SOURCE PREFIX-LENGTH of the
                subnet.

        Returns:
            The location, or `UNKNOWN`, with `prefix_len` for the family of `address`. Every client of that
            prefix has the same location; a `prefix_len` over `source_prefix_len` says that the subnet was
            too short to tell.

        Source: RFC 7871 §7.2.1; docs/route53/records-and-changes.md §1.10 (ECS).
        """
        location, prefix_len = self.find(address, source_prefix_len)
        return location._replace(prefix_len=prefix_len)

    def find(self, address: bytes, source_prefix_len: int) -> tuple[ClientLocation, int]:
        """Locate a client as `locate` does; return the location as it was given, and the prefix length.

        The location is the same object for all clients that one network decides for, so it can be compared
        by identity.
        """
        if len(address) == 4:
            return self._v4.find(int.from_bytes(address, "big"), source_prefix_len)
        if source_prefix_len >= _MAPPED_BITS and address.startswith(_MAPPED_PREFIX):
            bits = source_prefix_len - _MAPPED_BITS
            location, prefix_len = self._v4.find(int.from_bytes(address[12:], "big"), bits)
            return location, prefix_len + _MAPPED_BITS
        return self._v6.find(int.from_bytes(address, "big"), source_prefix_len)


class _Ranges:
    """The networks of one family, cut into ranges.

    Range `i` reaches from `_starts[i]` to the address before `_starts[i + 1]`; `_places[i]` is the innermost
    network there. The first range starts at 0.
    """

    def __init__(self, networks: dict[tuple[int, int], ClientLocation], bits: int) -> None:
        self._bits = bits
        self._starts = [0]
        self._places: list[_Place | None] = [None]
        innermost: _Place | None = None
        for (start, prefix_len), location in sorted(networks.items(), key=lambda item: item[0]):
            innermost = self._close(innermost, start)
            end = start + (1 << bits - prefix_len)
            innermost = _Place(end, prefix_len, location, innermost)
            self._begin(start, innermost)
        self._close(innermost, 1 << bits)
        if self._starts[-1] == 1 << bits:
            self._starts.pop()
            self._places.pop()

    def _close(self, place: _Place | None, at: int) -> _Place | None:
        """End every network that does not reach beyond `at`; return the innermost that does."""
        while place is not None and place.end <= at:
            self._begin(place.end, place.parent)
            place = place.parent
        return place

    def _begin(self, at: int, place: _Place | None) -> None:
        """Start a range; a range that would be empty gives way."""
        if self._starts[-1] == at:
            self._places[-1] = place
        else:
            self._starts.append(at)
            self._places.append(place)

    def find(self, address: int, source_prefix_len: int) -> tuple[ClientLocation, int]:
        """Return the location of the longest network that contains the client's prefix, and its scope."""
        index = bisect_right(self._starts, address) - 1
        place = self._places[index]
        while place is not None and place.prefix_len > source_prefix_len:
            place = place.parent
        location = UNKNOWN if place is None else place.location
        return location, self._scope(address, index)

    def _scope(self, address: int, index: int) -> int:
        """Return the length of the shortest prefix around an address that stays inside a range.

        It must part from the last address before the range and from the first one behind it: one bit more
        than the address has in common with either.
        """
        before = self._starts[index] - 1
        scope = 0 if before < 0 else self._bits - (address ^ before).bit_length() + 1
        if index + 1 < len(self._starts):
            behind = self._starts[index + 1]
            scope = max(scope, self._bits - (address ^ behind).bit_length() + 1)
        return scope
