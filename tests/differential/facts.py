"""What is known of a set of zones without asking a server?

The rules about allowed differences must not take a server's word for it: which names exist in which zone, and
which zone is the closest to a name, is read from the zones themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential.model import TYPES, Name, ZoneSet
from tests.differential.wire import Answer


class Facts:
    """The names of one set as it is served, in wire form and lower case."""

    def __init__(self, zone_set: ZoneSet, base: tuple[bytes, ...]) -> None:
        self.types: dict[bytes, dict[bytes, set[int]]] = {}
        for zone in zone_set.zones:
            here = self.types[zone.origin.wire(base).lower()] = {}
            for record in zone.records:
                here.setdefault(record.owner.wire(base).lower(), set()).add(TYPES[record.rrtype])
        self._names = {origin: _with_empty_non_terminals(here, origin) for origin, here in self.types.items()}
        written = set(self._targets(zone_set, base)).union(*self._names.values())
        self._all_names = {above for name in written for above in ancestors(name)}

    @staticmethod
    def _targets(zone_set: ZoneSet, base: tuple[bytes, ...]) -> Iterator[bytes]:
        """Yield the names that records point at."""
        for zone in zone_set.zones:
            for record in zone.records:
                yield from (field.wire(base).lower() for field in record.rdata if isinstance(field, Name))

    def zone_of(self, name: bytes) -> bytes | None:
        """Return the origin of the zone that is closest to a name."""
        return next((ancestor for ancestor in ancestors(name) if ancestor in self.types), None)

    def zone_asked(self, name: bytes, qtype: int) -> bytes | None:
        """Return the origin of the zone that answers: DS at an apex is the parent's, where that is served."""
        closest = self.zone_of(name)
        if qtype == TYPES["DS"] and name == closest:
            return self.zone_of(parent_of(name)) or closest
        return closest

    def exists_only_elsewhere(self, name: bytes) -> bool:
        """Say whether a name is at or above one that any zone writes, but not in the zone closest to it."""
        closest = self.zone_of(name)
        return closest is not None and name not in self._names[closest] and name in self._all_names


def ancestors(name: bytes) -> list[bytes]:
    """Return a wire name and all names above it, the longest first."""
    found = [name]
    while name[0]:
        name = name[1 + name[0] :]
        found.append(name)
    return found


def parent_of(name: bytes) -> bytes:
    """Return the name above a wire name; the root's is the root."""
    return name[1 + name[0] :] or name


def chain_names(answer: Answer) -> set[bytes]:
    """Return the names that the CNAMEs of an answer lead to."""
    return {rr.rdata for rr in answer.answer if rr.rrtype == TYPES["CNAME"]}


def last_name(qname: bytes, answer: Answer) -> bytes:
    """Return the name that the CNAMEs of an answer end at; the question's where there are none."""
    links = {rr.owner: rr.rdata for rr in answer.answer if rr.rrtype == TYPES["CNAME"]}
    seen = {qname}
    name = qname
    while name in links and links[name] not in seen:
        name = links[name]
        seen.add(name)
    return name


def grows(qname: bytes, answer: Answer) -> bool:
    """Say whether a chain meets a DNAME again with a longer name: it would never end."""
    links = {rr.owner: rr.rdata for rr in answer.answer if rr.rrtype == TYPES["CNAME"]}
    dnames = {rr.owner for rr in answer.answer if rr.rrtype == TYPES["DNAME"]}
    shortest: dict[bytes, int] = {}
    seen: set[bytes] = set()
    name = qname
    while name not in seen:
        seen.add(name)
        for dname in dnames & set(ancestors(name)[1:]):
            if len(name) > shortest.setdefault(dname, len(name)):
                return True
        name = links.get(name, name)
    return False


def wire_of(name: Name, base: tuple[bytes, ...]) -> bytes:
    """Return a question's name as answers have it."""
    return name.wire(base).lower()


def _with_empty_non_terminals(owners: dict[bytes, set[int]], origin: bytes) -> set[bytes]:
    names = set(owners)
    for owner in owners:
        for ancestor in ancestors(owner):
            names.add(ancestor)
            if ancestor == origin:
                break
    return names
