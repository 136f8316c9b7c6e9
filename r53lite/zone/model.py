"""What does a zone hold?

A `Zone` is a table from wire name to `Node`; empty non-terminals are nodes without data, so that "exists" is
one look into the table. A node holds RRsets, and opaque policy groups (`routing.RecordSetGroup`, which this
room does not know) under their type. Zones are built once by `zone.builder` and never changed: a reload
builds another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from r53lite.dns.rrset import RRset


class PolicyGroup(Protocol):
    """What zone data needs to know of a policy group: where it sits, its type and its least TTL."""

    @property
    def owner(self) -> bytes:
        """Return the lower-case wire name."""
        ...

    @property
    def rrtype(self) -> int:
        """Return the record type."""
        ...

    @property
    def ttl(self) -> int:
        """Return the least TTL of the sets."""
        ...


Data = RRset | PolicyGroup


class Node(NamedTuple):
    """A name that exists. `data` maps a type to its RRset or policy group; an empty non-terminal has none.

    `is_cut` marks a zone cut: NS below the apex. `is_occluded` marks names below a cut or a DNAME: never
    answered.
    """

    data: Mapping[int, Data]
    is_cut: bool = False
    is_occluded: bool = False


class Zone(NamedTuple):
    """One zone, immutable.

    `negative_soa` is the SOA RRset with the TTL of negative answers: min(SOA TTL, SOA minimum) (RFC 2308 §5).
    `has_cuts` is True when a cut or a DNAME exists anywhere, so that a lookup must walk. `record_count`
    counts records.
    """

    origin: bytes
    nodes: Mapping[bytes, Node]
    soa: RRset
    negative_soa: RRset
    ns: RRset
    has_cuts: bool
    record_count: int
    serial: int
    files: tuple[str, ...] = ()
