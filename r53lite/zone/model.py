"""What does a zone hold?

A `Zone` has a table from wire name to packed node (`zone.packed` says how); empty non-terminals are nodes
without data, so that "exists" is one look into the table. Zones are built once by `zone.builder` and never
changed: a reload builds another.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.dns.rrset import RRset
from r53lite.zone.name_table import NameTable
from r53lite.zone.node import Data, Node, Packed, PolicyGroup, PolicyNode
from r53lite.zone.packed import unpack_node

__all__ = ["Data", "Node", "Packed", "PolicyGroup", "PolicyNode", "Zone"]


class Zone(NamedTuple):
    """One zone, immutable.

    `negative_soa` is the SOA RRset with the TTL of negative answers: min(SOA TTL, SOA minimum) (RFC 2308 §5).
    `has_cuts` is True when a cut or a DNAME exists anywhere, so that a lookup must walk. `record_count`
    counts records, and each policy group once. `files` are all that were read for it, those of $INCLUDE too.
    """

    origin: bytes
    names: NameTable
    soa: RRset
    negative_soa: RRset
    ns: RRset
    has_cuts: bool
    record_count: int
    serial: int
    files: tuple[str, ...] = ()

    def node(self, name: bytes) -> Node | None:
        """Unpack the node of a wire name; None where the name does not exist."""
        packed = self.names.get(name)
        return None if packed is None else unpack_node(packed, name)
