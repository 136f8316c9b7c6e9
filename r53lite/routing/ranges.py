"""Which networks contain an address, innermost first, and how far around the address is that so?

The networks of one family are cut once into ranges that do not overlap: in each range one network, the
innermost, or none decides. An address is then one bisection away from its range, and the range gives the
scope: the shortest prefix around the address that stays inside it. That is the de-aggregation of RFC 7871
§7.2.1: an answer for 1.2.0.0/20 never covers the exception 1.2.3.0/24.

A client subnet matches the networks that contain the whole of it. Where a longer network lies inside the
subnet, the scope is longer than the subnet: it was not specific enough (RFC 7871 §7.2.1 has this meaning
for it).

Addresses with an IPv4 address mapped inside (::ffff:0:0/96) are IPv6 here, as a client subnet of them is:
one of the other family than a block never matches it. Networks of them are refused when they are read.

Pure; used for the networks of `locations.yaml` and for the blocks of CIDR collections.

Source: RFC 7871 §7.2.1; docs/route53/records-and-changes.md §1.10 (ECS).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Generic, NamedTuple, TypeVar

Network = IPv4Network | IPv6Network
V = TypeVar("V")

_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291 §2.5.5.2


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


def parse_network(text: str) -> Network:
    """Return the network that a text names.

    Raises:
        ValueError: it names none, or one whose clients are IPv4.
    """
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        packed, prefix_len = network.network_address.packed[-4:], network.prefixlen - _MAPPED.prefixlen
        raise ValueError(f"its clients are IPv4; write {str(IPv4Network((packed, prefix_len)))!r}")
    return network


def numbered(address: bytes) -> tuple[int, int]:
    """Return an address of 4 or 16 octets as a number, and the bits of its family."""
    return int.from_bytes(address, "big"), 8 * len(address)


class Ranges(Generic[V]):
    """Networks of both families, each with a value; immutable. Of equal networks the later one counts."""

    def __init__(self, entries: Iterable[tuple[Network, V]] = ()) -> None:
        families: dict[int, dict[tuple[int, int], V]] = {32: {}, 128: {}}
        for network, value in entries:
            number, bits = numbered(network.network_address.packed)
            families[bits][number, network.prefixlen] = value
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
        number, bits = numbered(address)
        return self.family(bits).find(number, source_prefix_len)


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
