"""Which server of a delegation is asked next?

Servers whose addresses are known come first: those of similar speed in random order (a spoofer should not
know whom we ask), slower ones after. Then name servers without an address are looked up, one at a time. At
last every server that was silent gets one more try. A server that answered badly (lame, REFUSED, SERVFAIL, …)
is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from r53lite.dns import rrtypes
from r53lite.dns.rrset import RRset
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation, addresses_of

RTT_BAND_S = 0.4  # Unbound's RTT_BAND: servers within 400 ms of each other are equally good


class ResolveName(NamedTuple):
    """Find this address RRset of a name server first."""

    name: bytes
    rrtype: int


class ServerChoice:
    """The servers of one delegation during one lookup.

    Args:
        delegation: whose servers these are.
        cache: knows speeds and addresses from answers, which count more than glue (RFC 2181 §5.4.1).
        draw: a number from 0 up to 1, uniform.
        address_lookups: how many addresses may be looked up.
        now: monotonic seconds.
    """

    def __init__(
        self,
        delegation: Delegation,
        cache: Cache,
        draw: Callable[[], float],
        address_lookups: int,
        now: float,
    ) -> None:
        self.delegation = delegation
        self._cache = cache
        self._draw = draw
        self._seen: set[str] = set()
        self._untried: list[str] = []
        self._silent: list[str] = []
        self._missing: list[ResolveName] = []
        known: list[str] = []
        for name, glue in sorted(delegation.servers.items(), key=lambda _: draw()):
            answers = cache.get_addresses(name, now)
            addresses = [address for rrset in answers for address in addresses_of(rrset)] or glue
            known += addresses
            if not addresses:
                self._missing += (ResolveName(name, rrtypes.A), ResolveName(name, rrtypes.AAAA))
        del self._missing[address_lookups:]
        self._add(known, now)

    def _add(self, addresses: Iterable[str], now: float) -> None:
        """Queue the addresses that are new, quick servers first."""
        new = [address for address in dict.fromkeys(addresses) if address not in self._seen]
        self._seen.update(new)
        self._untried += sorted(new, key=lambda address: self._rank(address, now))

    def _rank(self, address: str, now: float) -> tuple[int, float]:
        """Return the sort key of a server: its band of speed, then chance. Unknown servers count as quick."""
        server = self._cache.get_server(address, now)
        return int(server.rtt_s / RTT_BAND_S) if server else 0, self._draw()

    def add_addresses(self, rrsets: Iterable[RRset], now: float) -> None:
        """Take what an address lookup found."""
        self._add([address for rrset in rrsets for address in addresses_of(rrset)], now)

    def add_silent(self, address: str) -> None:
        """Note that a server did not answer; called at most twice for one server."""
        self._silent.append(address)

    def next_server(self) -> str | ResolveName | None:
        """Return the address to ask, the name to resolve first, or None: nobody is left."""
        if self._untried:
            return self._untried.pop(0)
        if self._missing:
            return self._missing.pop(0)
        if self._silent:
            self._untried, self._silent = self._silent, []
            return self._untried.pop(0)
        return None
