"""Which locations of a CIDR collection is a client in, the longest block first?

An index is made for one collection and the locations that a group has sets for; `routing.ranges` finds the
blocks. Blocks inside each other that give the same locations are one to the scope, so that it is never longer
than the group needs.

A block counts only where it contains the whole of the client's prefix (§2.6): a block of 24 bits says nothing
about a client subnet of 16, and two blocks of one location, side by side, nothing about the subnet that both
make up. So no scope reaches over the two, and where blocks divide a client subnet the scope is longer than
the subnet, which was not specific enough.

Source: docs/route53/routing-policies.md §2.6; RFC 7871 §7.2.1 for the scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from r53lite.routing.ranges import Block, Network, Ranges, numbered
from r53lite.routing.record_set import DEFAULT


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
    and the length of the shortest prefix around the client for which that holds, addresses and subnets alike.

    Equal `locations` of one index are one object.
    """

    locations: tuple[str, ...]
    prefix_len: int


class CidrIndex:
    """The blocks of one collection as a group sees them; immutable, shared by groups of equal locations.

    Args:
        blocks: every block of the collection with its location.
        known: the locations that have a set. A client whose longest block is of another gets `DEFAULT`.
    """

    def __init__(self, blocks: Iterable[tuple[Network, str]], known: frozenset[str]) -> None:
        self._chains: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._known = known
        self._blocks = tuple(blocks)
        self._ranges = Ranges(self._blocks)
        self._runs = {family.bits: family.outline(self._widest()) for family in self._ranges.families}

    def networks_of(self, location: str) -> list[Network]:
        """Return the blocks of a location."""
        return [network for network, other in self._blocks if other == location]

    def neighbors(self) -> list[Network]:
        """Return for each block the network of its size that shares its parent: where other clients are."""
        parents = ((network, network.supernet()) for network, _ in self._blocks if network.prefixlen)
        return [next(half for half in parent.subnets() if half != network) for network, parent in parents]

    def match(self, client: ClientPrefix | None) -> CidrMatch:
        """Return the locations of a client, and for which prefix that holds; without a client the default."""
        if client is None:
            return CidrMatch(self._chain(None), 0)
        number, bits = numbered(client.packed)
        family = self._ranges.family(bits)
        block, _ = family.find(number, client.prefix_len)
        if not client.is_scoped:
            return CidrMatch(self._chain(block), 0)
        return CidrMatch(self._chain(block), family.scope_in(self._runs[bits], number))

    def _chain(self, block: Block[str] | None) -> tuple[str, ...]:
        """Return the locations of a block and of those it lies in."""
        found: dict[str, None] = {}
        if block is not None and block.value in self._known:  # else §2.6: no set for that location
            found = dict.fromkeys(location for location in block.chain() if location in self._known)
        found[DEFAULT] = None
        chain = tuple(found)
        return self._chains.setdefault(chain, chain)

    def _widest(self) -> Callable[[Block[str] | None], Block[str] | None]:
        """Return what finds the widest block around a block up to which the locations are the same; None
        where that is no block.
        """
        known: dict[int, tuple[Block[str] | None, tuple[str, ...]]] = {}

        def found(block: Block[str] | None) -> tuple[Block[str] | None, tuple[str, ...]]:
            if block is None:
                return None, self._chain(None)
            both = known.get(id(block))
            if both is None:
                chain = self._chain(block)
                around, outer = found(block.parent)
                both = known[id(block)] = around if outer is chain else block, chain
            return both

        return lambda block: found(block)[0]
