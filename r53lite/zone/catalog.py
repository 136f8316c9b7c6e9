"""Which of our zones does a name belong to?

A table from origin to zone, asked with the name and then each of its ancestors, so the longest origin is
found first and only at label boundaries. A catalog never changes: a reload makes another.

Carries out: RFC 1034 §4.3.2 step 2, RFC 4035 §3.1.4.1 (DS at an apex is the parent side's).
"""

from __future__ import annotations

from collections.abc import Iterable

from r53lite.dns.name import ROOT, parent_of
from r53lite.zone.model import Zone


class Catalog:
    """The zones of one server or view, found by name."""

    __slots__ = ("_zones",)

    def __init__(self, zones: Iterable[Zone]) -> None:
        """Take the zones; of several with one origin the first counts."""
        self._zones: dict[bytes, Zone] = {}
        for zone in zones:
            self._zones.setdefault(zone.origin, zone)

    @property
    def zones(self) -> tuple[Zone, ...]:
        """Return the zones in the order they were given."""
        return tuple(self._zones.values())

    @property
    def origins(self) -> tuple[bytes, ...]:
        """Return the wire names of the zones, in the same order."""
        return tuple(self._zones)

    def find(self, qname: bytes) -> Zone | None:
        """Return the zone with the longest origin at or above a lower-case wire name."""
        zones = self._zones
        at = 0
        while True:
            zone = zones.get(qname[at:])
            if zone is not None:
                return zone
            if not qname[at]:
                return None
            at += 1 + qname[at]

    def find_parent_side(self, qname: bytes) -> Zone | None:
        """Return the zone with the longest origin above a name: the one that may hold the name's DS set."""
        return None if qname == ROOT else self.find(parent_of(qname))
