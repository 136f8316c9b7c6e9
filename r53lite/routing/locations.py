"""Where is a client? The longest matching network says, and how far around the client that holds.

`routing.ranges` finds the network and the scope.
"""

from __future__ import annotations

from collections.abc import Iterable

from r53lite.routing.context import DEFAULT_REGION, ClientLocation
from r53lite.routing.ranges import Network, Ranges

UNKNOWN = ClientLocation(source=f"default: {DEFAULT_REGION}")
"""A client nobody knows: policies that need a place take `DEFAULT_REGION` `[INF]`, it has no country."""


class Locations:
    """The networks of clients; immutable. Of equal networks the later one counts."""

    def __init__(self, entries: Iterable[tuple[Network, ClientLocation]] = ()) -> None:
        self._ranges = Ranges(entries)

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
        block, prefix_len = self._ranges.find(address, source_prefix_len)
        return (UNKNOWN if block is None else block.value), prefix_len
