"""Who may ask for recursion? (our choice: an open resolver is a weapon, so loopback only unless told
otherwise)
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from r53lite.dns.address import Address, unmapped


class AccessList:
    """A set of client networks."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)

    def permits(self, address: Address) -> bool:
        """Say whether the address lies in one of the networks; a v4-mapped IPv6 address counts as IPv4."""
        host = unmapped(address)
        return any(host in network for network in self._networks)
