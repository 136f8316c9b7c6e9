"""Who may ask for recursion? (our choice: an open resolver is a weapon, so loopback only unless told
otherwise)
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network


class AccessList:
    """A set of client networks."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)

    def permits(self, address: IPv4Address | IPv6Address) -> bool:
        """Say whether the address lies in one of the networks; a v4-mapped IPv6 address counts as IPv4."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
