"""What stands above and around a name while its zone is being built?

The builder asks three things of every owner: is it in the zone, does every name between it and the apex
exist, and does a cut or a DNAME above hide it. One walk up to the apex answers all three, and what it finds
of a parent is remembered, so that the many children of one parent cost one look each.

Carries out: RFC 4592 §2.2.2 (empty non-terminals), RFC 1034 §4.2.1 (cuts), RFC 6672 §2.3 (DNAME).
"""

from __future__ import annotations

from r53lite.dns import rrtypes
from r53lite.dns.name import WILDCARD_LABEL, is_subdomain, parent_of
from r53lite.zone.node import Packed
from r53lite.zone.packed import EMPTY_NON_TERMINAL, FLAG_OCCLUDED
from r53lite.zone.records import RecordTable, Stored, border_type_of, stored_types

_MAX_REMEMBERED = 8192
_OCCLUDED_EMPTY = bytes((FLAG_OCCLUDED,))
_SET_SHARDS = 256


class NameSet:
    """A set of names in pieces, because one set of a million holds up other threads while it grows."""

    def __init__(self) -> None:
        self._shards: list[set[bytes]] = [set() for _ in range(_SET_SHARDS)]

    def add(self, name: bytes) -> None:
        """Add a name."""
        self._shards[hash(name) % _SET_SHARDS].add(name)

    def __contains__(self, name: bytes) -> bool:
        """Say whether the name was added."""
        return name in self._shards[hash(name) % _SET_SHARDS]


class OutOfZoneError(Exception):
    """An owner is not at or below the apex."""


class Surroundings:
    """What is known of the names above the owners of one zone.

    `open_parents` are names of which all is well: in the zone, existing, neither at nor below a border. The
    builder looks into it before it asks anything else.
    """

    def __init__(self, table: RecordTable, origin: bytes) -> None:
        self.origin = origin
        self.open_parents: set[bytes] = set()
        self.has_borders = False
        self._table = table
        self._closed_parents: dict[bytes, bytes] = {}
        self._empties: list[dict[bytes, Packed]] = [{} for _ in table.tables]
        self._is_apex_border = False
        self._mark_borders()

    def _mark_borders(self) -> None:
        """Flag the owners of NS and DNAME; NS last, for beside a cut a DNAME is void."""
        table = self._table
        for owners, rrtype in ((table.dname_owners, rrtypes.DNAME), (table.ns_owners, rrtypes.NS)):
            for owner in owners:
                if owner != self.origin:
                    self.has_borders = True
                    table.mark_border(owner, rrtype)
                elif rrtype == rrtypes.DNAME:
                    self.has_borders = self._is_apex_border = True

    def border_above(self, owner: bytes) -> bytes | None:
        """Return the topmost cut or DNAME above an owner, or None; add the empty non-terminals on the way.

        Raises:
            OutOfZoneError: the owner is not in the zone.
        """
        if owner == self.origin:
            return None
        if not is_subdomain(owner, self.origin):
            raise OutOfZoneError
        parent = parent_of(owner)
        if parent in self.open_parents:
            return None
        known = self._closed_parents.get(parent)
        if known is not None:
            return known
        border, missing = self._walk(parent)
        for name in missing:
            is_hidden = border is not None and len(name) > len(border)
            shard = self._empties[hash(name) & self._table.mask]
            shard[name] = _OCCLUDED_EMPTY if is_hidden else EMPTY_NON_TERMINAL
        if len(self.open_parents) + len(self._closed_parents) > _MAX_REMEMBERED:
            self.open_parents.clear()
            self._closed_parents.clear()
        if border is None:
            self.open_parents.add(parent)
        else:
            self._closed_parents[parent] = border
        return border

    def _walk(self, name: bytes) -> tuple[bytes | None, list[bytes]]:
        """Walk from a name of the zone up to the apex; return the topmost border and what is missing."""
        border, missing = None, []
        while name != self.origin:
            value = self._table.get(name)
            if value is None:
                missing.append(name)
            elif border_type_of(value) is not None:
                border = name
            name = parent_of(name)
        return (self.origin if self._is_apex_border else border), missing

    def topmost_border(self, name: bytes) -> bytes | None:
        """Return the topmost cut or DNAME above a name of the zone that need not exist."""
        return None if name == self.origin else self._walk(parent_of(name))[0]

    def source_of_synthesis(self, name: bytes) -> bytes:
        """Return the wildcard below the closest encloser of a missing name of the zone (RFC 4592 §3.3.1).

        Ask when the empty non-terminals are in the table: they are closest enclosers too.
        """
        while name != self.origin:
            name = parent_of(name)
            if self._table.get(name) is not None:
                break
        return WILDCARD_LABEL + name

    def is_border(self, name: bytes) -> bool:
        """Say whether a name is a cut or has a DNAME; settled or not."""
        return self.border_type(name) is not None

    def border_type(self, name: bytes) -> int | None:
        """Return NS for a cut, DNAME for a name that has one, else None; beside a cut a DNAME is void."""
        if name == self.origin:
            return rrtypes.DNAME if self._is_apex_border else None
        value = self._table.get(name)
        return None if value is None else border_type_of(value)

    def add_empty_non_terminals(self) -> None:
        """Put the empty non-terminals into the table, when nobody iterates over it any more."""
        for table, empties in zip(self._table.tables, self._empties, strict=True):
            table.update(empties)


def has_address(value: Stored | None) -> bool:
    """Say whether an owner has A or AAAA, policy groups of them included."""
    if value is None:
        return False
    types = stored_types(value)
    return rrtypes.A in types or rrtypes.AAAA in types
