"""What can sit at a name of a zone?

RRsets, and opaque policy groups (`routing.RecordSetGroup`, which this room does not know) under their type.
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
    """A name that exists, unpacked. `data` maps a type to its RRset or policy group; an empty non-terminal
    has none.

    `is_cut` marks a zone cut: NS below the apex. `is_occluded` marks names below a cut or a DNAME: never
    answered.
    """

    data: Mapping[int, Data]
    is_cut: bool = False
    is_occluded: bool = False


class PolicyNode(NamedTuple):
    """How a name with at least one policy group stands in the table; the fields are those of `Node`."""

    data: Mapping[int, Data]
    is_cut: bool = False
    is_occluded: bool = False


Packed = bytes | PolicyNode
"""What the name table holds for a name (`zone.packed` says how the bytes are laid out)."""
