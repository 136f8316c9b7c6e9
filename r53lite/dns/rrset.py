"""What is a set of records? All records of one owner, class and type, with one TTL (RFC 2181 §5)."""

from __future__ import annotations

from typing import NamedTuple

MAX_TTL = 0x7FFFFFFF  # RFC 2181 §8


class RRset(NamedTuple):
    """An immutable RRset of class IN.

    `owner` is a lower-case wire name, `rdatas` are uncompressed wire rdata without their length, in the
    order of the file and without duplicates. `ttl` is whole seconds.
    """

    owner: bytes
    rrtype: int
    ttl: int
    rdatas: tuple[bytes, ...]

    def with_owner(self, owner: bytes) -> RRset:
        """Return the same data at another owner: a wildcard's synthesis (RFC 4592 §3.3.1)."""
        return RRset(owner, self.rrtype, self.ttl, self.rdatas)

    def with_ttl(self, ttl: int) -> RRset:
        """Return the same data with another TTL."""
        return RRset(self.owner, self.rrtype, ttl, self.rdatas)
