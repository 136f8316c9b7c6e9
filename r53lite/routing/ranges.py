"""Which networks contain an address, innermost first, and how far around the address is that so?

The networks of one family are cut once into ranges that do not overlap: in each range one network, the
innermost, or none decides. An address is then one bisection away from its range, and the range gives the
scope: the shortest prefix around the address that stays inside it. That is the de-aggregation of RFC 7871
§7.2.1: an answer for 1.2.0.0/20 never covers the exception 1.2.3.0/24.

A client subnet matches the networks that contain the whole of it. Where a longer network lies inside the
subnet, the scope is longer than the subnet: it was not specific enough (RFC 7871 §7.2.1 has this meaning
for it).

Pure; used for the networks of `locations.yaml` and for the blocks of CIDR collections.

Left out: addresses with an IPv4 address mapped inside (::ffff:0:0/96) are IPv4 here, and no other IPv6
prefix is kept from covering them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Generic, NamedTuple, TypeVar

Network = IPv4Network | IPv6Network
V = TypeVar("V")

_MAPPED_PREFIX = bytes(10) + b"\xff\xff"  # RFC 4291 §2.5.5.2
_MAPPED_BITS = 96


class Block(NamedTuple, Generic[V]):
    """One network of a `Ranges`: its length, what was said of it, and the one it lies in.

    `end` is the first address behind it, as a number.
    """

    end: int
    prefix_len: int
    value: V
    parent: Block[V] | None

    def chain(self) -> Iterator[V]:
        """Yield the value of this network, then of each one around it, ever wider."""
        block: Block[V] | None = self
        while block is not None:
            yield block.value
            block = block.parent


class Numbered(NamedTuple):
    """An address as a number, the bits of its family, and how many bits were in front of it."""

    number: int
    bits: int
    mapped_bits: int


def numbered(address: bytes, prefix_len: int) -> Numbered:
    """Return an address of 4 or 16 octets as a number; one mapped into IPv6 is IPv4.

    Args:
        address: the octets.
        prefix_len: how many of its bits are known; below 96 a mapped address cannot be told.
    """
    if len(address) == 4:
        return Numbered(int.from_bytes(address, "big"), 32, 0)
    if prefix_len >= _MAPPED_BITS and address.startswith(_MAPPED_PREFIX):
        return Numbered(int.from_bytes(address[12:], "big"), 32, _MAPPED_BITS)
    return Numbered(int.from_bytes(address, "big"), 128, 0)


class Ranges(Generic[V]):
    """Networks of both families, each with a value; immutable. Of equal networks the later one counts."""

    def __init__(self, entries: Iterable[tuple[Network, V]] = ()) -> None:
        families: dict[int, dict[tuple[int, int], V]] = {32: {}, 128: {}}
        for network, value in entries:
            prefix_len = network.prefixlen
            number, bits, mapped_bits = numbered(network.network_address.packed, prefix_len)
            families[bits][number, prefix_len - mapped_bits] = value
        self.families = Family(families[32], 32), Family(families[128], 128)

    def family(self, bits: int) -> Family[V]:
        """Return the networks of the family whose addresses have so many bits."""
        return self.families[bits == 128]

    def find(self, address: bytes, source_prefix_len: int) -> tuple[Block[V] | None, int]:
        """Return the longest network that contains a client's prefix, and the scope.

        Args:
            address: 4 or 16 octets; of a client subnet, its address with zeros behind the prefix.
            source_prefix_len: how many bits of the address are known: all, or SOURCE PREFIX-LENGTH.

        Returns:
            The network (`chain` has those around it), or None; and a prefix length for the family of
            `address`: every client of that prefix has the same networks around it. One over
            `source_prefix_len` says that the subnet was too short to tell.

        Source: RFC 7871 §7.2.1; docs/route53/routing-policies.md §2.6.
        """
        number, bits, mapped_bits = numbered(address, source_prefix_len)
        block, scope = self.family(bits).find(number, source_prefix_len - mapped_bits)
        return block, scope + mapped_bits


class Family(Generic[V]):
    """The networks of one family, cut into ranges.

    Range `i` reaches from `starts[i]` to the address before `starts[i + 1]`; `blocks[i]` is the innermost
    network there. The first range starts at 0.
    """

    def __init__(self, networks: dict[tuple[int, int], V], bits: int) -> None:
        self.bits = bits
        self.starts = [0]
        self.blocks: list[Block[V] | None] = [None]
        innermost: Block[V] | None = None
        for (start, prefix_len), value in sorted(networks.items(), key=lambda item: item[0]):
            innermost = self._close(innermost, start)
            end = start + (1 << bits - prefix_len)
            innermost = Block(end, prefix_len, value, innermost)
            self._begin(start, innermost)
        self._close(innermost, 1 << bits)
        if self.starts[-1] == 1 << bits:
            self.starts.pop()
            self.blocks.pop()

    def _close(self, block: Block[V] | None, at: int) -> Block[V] | None:
        """End every network that does not reach beyond `at`; return the innermost that does."""
        while block is not None and block.end <= at:
            self._begin(block.end, block.parent)
            block = block.parent
        return block

    def _begin(self, at: int, block: Block[V] | None) -> None:
        """Start a range; a range that would be empty gives way."""
        if self.starts[-1] == at:
            self.blocks[-1] = block
        else:
            self.starts.append(at)
            self.blocks.append(block)

    def find(self, number: int, source_prefix_len: int) -> tuple[Block[V] | None, int]:
        """Return the longest network that contains the client's prefix, and its scope."""
        index = bisect_right(self.starts, number) - 1
        block = self.blocks[index]
        while block is not None and block.prefix_len > source_prefix_len:
            block = block.parent
        return block, scope_between(self.starts, index, number, self.bits)

    def outline(self, class_of: Callable[[Block[V] | None], Hashable]) -> list[int]:
        """Return the starts of the ranges that remain when neighbors of equal class become one.

        Args:
            class_of: what counts of the innermost network; None is where there is none.
        """
        starts: list[int] = []
        last: object = None
        for start, block in zip(self.starts, self.blocks, strict=True):
            kind = class_of(block)
            if not starts or kind != last:
                starts.append(start)
                last = kind
        return starts

    def scope_in(self, outline: Sequence[int], number: int) -> int:
        """Return the length of the shortest prefix around an address inside one range of an outline."""
        return scope_between(outline, bisect_right(outline, number) - 1, number, self.bits)


def scope_between(starts: Sequence[int], index: int, number: int, bits: int) -> int:
    """Return the length of the shortest prefix around an address that stays inside range `index`.

    It must part from the last address before the range and from the first one behind it: one bit more
    than the address has in common with either.
    """
    before = starts[index] - 1
    scope = 0 if before < 0 else bits - (number ^ before).bit_length() + 1
    if index + 1 < len(starts):
        scope = max(scope, bits - (number ^ starts[index + 1]).bit_length() + 1)
    return scope
