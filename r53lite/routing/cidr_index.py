"""Which locations of a CIDR collection is a client in, the longest block first?

An index is made for one collection and the locations that a group has sets for. As in `routing.locations`,
the blocks of a family are cut once into ranges that do not overlap; a client is one bisection away from its
range. Ranges side by side that give the same locations are one to the scope, so that it is never longer than
the group needs.

A block counts only where it contains the whole of the client's prefix (§2.6): a block of 24 bits says nothing
about a client subnet of 16. Its scope is then longer than the subnet, which was not specific enough.

Source: docs/route53/routing-policies.md §2.6; RFC 7871 §7.2.1 for the scope.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from r53lite.routing.record_set import DEFAULT

Network = IPv4Network | IPv6Network

_MAPPED_PREFIX = bytes(10) + b"\xff\xff"  # RFC 4291 §2.5.5.2: an IPv4 address inside an IPv6 one
_MAPPED_BITS = 96


class ClientPrefix(NamedTuple):
    """What is known of a client's address: 4 or 16 octets, of which the first `prefix_len` bits count.

    `is_scoped` is False where the reply's scope is 0 whatever is looked at: the client subnet had no bits,
    and the address stands in for it.
    """

    packed: bytes
    prefix_len: int
    is_scoped: bool = True


class CidrMatch(NamedTuple):
    """The locations of a group that a client is in, each once, the longest block's first and `DEFAULT` last;
    and the length of the shortest prefix around the client for which that holds.

    Equal `locations` of one index are one object.
    """

    locations: tuple[str, ...]
    prefix_len: int


class _Block(NamedTuple):
    """A block, the location it belongs to, and the block it lies in."""

    end: int
    prefix_len: int
    location: str
    parent: _Block | None


class CidrIndex:
    """The blocks of one collection as a group sees them; immutable, shared by groups of equal locations.

    Args:
        blocks: every block of the collection with its location.
        known: the locations that have a set. A client whose longest block is of another gets `DEFAULT`.
    """

    def __init__(self, blocks: Iterable[tuple[Network, str]], known: frozenset[str]) -> None:
        families: tuple[dict[tuple[int, int], str], ...] = ({}, {})
        for network, location in blocks:
            start = int(network.network_address)
            families[network.version == 6][start, network.prefixlen] = location
        self._chains: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._known = known
        self._v4 = _Family(families[0], 32, self)
        self._v6 = _Family(families[1], 128, self)

    def match(self, client: ClientPrefix | None) -> CidrMatch:
        """Return the locations of a client, and for which prefix that holds; without a client the default."""
        if client is None:
            return CidrMatch(self.chain(None), 0)
        packed, bits = client.packed, client.prefix_len
        if len(packed) == 4:
            found = self._v4.match(int.from_bytes(packed, "big"), bits)
        elif bits >= _MAPPED_BITS and packed.startswith(_MAPPED_PREFIX):
            found = self._v4.match(int.from_bytes(packed[12:], "big"), bits - _MAPPED_BITS)
            found = found._replace(prefix_len=found.prefix_len + _MAPPED_BITS)
        else:
            found = self._v6.match(int.from_bytes(packed, "big"), bits)
        return found if client.is_scoped else found._replace(prefix_len=0)

    def chain(self, block: _Block | None) -> tuple[str, ...]:
        """Return the locations of a block and of those it lies in."""
        if block is not None and block.location not in self._known:
            block = None  # §2.6: no set for that location
        found: dict[str, None] = {}
        while block is not None:
            if block.location in self._known:
                found[block.location] = None
            block = block.parent
        found[DEFAULT] = None
        chain = tuple(found)
        return self._chains.setdefault(chain, chain)


class _Family:
    """The blocks of one family, cut into ranges.

    Range `i` reaches from `_starts[i]` to the address before `_starts[i + 1]`; `_blocks[i]` is the innermost
    block there, `_chains[i]` its locations, and from `_firsts[i]` up to `_ends[i]` the ranges have the same.
    """

    def __init__(self, blocks: dict[tuple[int, int], str], bits: int, index: CidrIndex) -> None:
        self._bits = bits
        self._index = index
        self._starts = [0]
        self._blocks: list[_Block | None] = [None]
        innermost: _Block | None = None
        for (start, prefix_len), location in sorted(blocks.items()):
            innermost = self._close(innermost, start)
            innermost = _Block(start + (1 << bits - prefix_len), prefix_len, location, innermost)
            self._begin(start, innermost)
        self._close(innermost, 1 << bits)
        if self._starts[-1] == 1 << bits:
            self._starts.pop()
            self._blocks.pop()
        self._chains = [index.chain(block) for block in self._blocks]
        self._firsts, self._ends = self._runs()

    def _close(self, block: _Block | None, at: int) -> _Block | None:
        """End every block that does not reach beyond `at`; return the innermost that does."""
        while block is not None and block.end <= at:
            self._begin(block.end, block.parent)
            block = block.parent
        return block

    def _begin(self, at: int, block: _Block | None) -> None:
        """Start a range; a range that would be empty gives way."""
        if self._starts[-1] == at:
            self._blocks[-1] = block
        else:
            self._starts.append(at)
            self._blocks.append(block)

    def _runs(self) -> tuple[list[int], list[int]]:
        """Return for each range where the run of ranges with its locations begins and ends."""
        firsts: list[int] = []
        ends = [1 << self._bits] * len(self._starts)
        for at, start in enumerate(self._starts):
            is_same = at > 0 and self._chains[at] is self._chains[at - 1]
            firsts.append(firsts[-1] if is_same else start)
        for at in range(len(self._starts) - 2, -1, -1):
            is_same = self._chains[at] is self._chains[at + 1]
            ends[at] = ends[at + 1] if is_same else self._starts[at + 1]
        return firsts, ends

    def match(self, address: int, prefix_len: int) -> CidrMatch:
        """Return the locations of the blocks that contain a prefix, and the scope."""
        at = bisect_right(self._starts, address) - 1
        block = self._blocks[at]
        if block is None or block.prefix_len <= prefix_len:
            chain = self._chains[at]
        else:
            while block is not None and block.prefix_len > prefix_len:
                block = block.parent
            chain = self._index.chain(block)
        return CidrMatch(chain, self._scope(address, at))

    def _scope(self, address: int, at: int) -> int:
        """Return the length of the shortest prefix around an address that stays inside its run: one bit more
        than the address has in common with the last one before, or with the first one behind.
        """
        before, behind = self._firsts[at] - 1, self._ends[at]
        scope = 0 if before < 0 else self._bits - (address ^ before).bit_length() + 1
        if behind < 1 << self._bits:
            scope = max(scope, self._bits - (address ^ behind).bit_length() + 1)
        return scope
