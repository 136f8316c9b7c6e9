"""Do these records make a zone, and what is worth a warning?

Records and policy groups, from whichever files, are gathered by owner and type and checked whole; only what
has no error becomes a `Zone`. Everything that NSD and Knot serve all the same is a warning. Each fault stands
at the file and line of the record that offends: of two that do not go together, the later one.

Carries out: RFC 1034 §3.6.2 and §4.2.1, RFC 2181 §5 and §10.1, RFC 2308 §5, RFC 4592 §2.2.2 (empty
non-terminals), RFC 6672 §2.3 and §2.4, RFC 9471 (glue).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, is_subdomain, parent_of
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rdata import soa_numbers
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import format_rrtype
from r53lite.errors import Fault
from r53lite.zone.master_file import Record
from r53lite.zone.model import Data, Node, PolicyGroup, Zone

_ADDRESS_TYPES = frozenset((rrtypes.A, rrtypes.AAAA))
_BESIDE_CNAME = frozenset((rrtypes.CNAME, rrtypes.RRSIG, rrtypes.NSEC))  # RFC 4034 §3, §4
_AT_CUT = frozenset((rrtypes.NS, rrtypes.DS, rrtypes.RRSIG, rrtypes.NSEC))  # RFC 4035 §2.4: parent side data
_STRUCTURAL_TYPES = frozenset((rrtypes.SOA, rrtypes.NS, rrtypes.DS, rrtypes.DNAME))
_SINGLE_TYPES = (rrtypes.CNAME, rrtypes.DNAME)  # RFC 2181 §10.1, RFC 6672 §2.4


class PolicyGroupLike(PolicyGroup, Protocol):
    """A policy group, and where it was written."""

    @property
    def file(self) -> str:
        """Return the name of the file."""
        ...

    @property
    def line(self) -> int:
        """Return the line in the file, from 1."""
        ...


_Item = Record | PolicyGroupLike
_Table = Mapping[bytes, Mapping[int, Sequence[_Item]]]
"""All that was written, by owner and type in order of appearance; policy groups stand behind the records."""


def build_zone(
    origin: bytes | None,
    records: Sequence[Record],
    groups: Sequence[PolicyGroupLike],
    faults: list[Fault],
    files: tuple[str, ...],
) -> Zone | None:
    """Check the records of one zone and build it.

    Args:
        origin: wire name of the zone; None takes the owner of the SOA.
        records: the records of all its files, in order.
        groups: its policy groups; they count as data of their type.
        faults: takes every error and warning, sorted by file and line.
        files: the names of the files; the first is named where no record can be.

    Returns:
        The zone, or None if there was an error. `record_count` counts records, and each policy group once.
    """
    check = _Check(records, groups, files)
    zone = check.build(origin)
    faults += sorted(check.found, key=lambda fault: (fault.file, fault.line))
    return zone


class _Check:
    """One build: the gathered records, and the faults found so far."""

    def __init__(
        self, records: Sequence[Record], groups: Sequence[PolicyGroupLike], files: tuple[str, ...]
    ) -> None:
        self.found: list[Fault] = []
        self._files = files
        self._soas = [record for record in records if record.rrtype == rrtypes.SOA]
        self._table = _gather(records, groups)

    def build(self, origin: bytes | None) -> Zone | None:
        """Run all checks; build the zone if none found an error."""
        if origin is None and self._soas:
            origin = self._soas[0].owner
        self._check_soa(origin)
        if origin is not None:
            self._check_apex_ns(origin)
            self._check_owners(origin)
        for owner, types in self._table.items():
            if rrtypes.CNAME in types:
                self._check_cname(owner, types)
            for rrtype, items in types.items():
                if len(items) > 1 or not isinstance(items[0], Record):
                    self._check_items(owner, rrtype, items)
        if origin is None or self.found:
            return None
        return self._assemble(origin)

    # --- errors ---------------------------------------------------------------------------------------------

    def _error(self, culprit: _Item, reason: str) -> None:
        self.found.append(Fault(culprit.file, culprit.line, reason))

    def _error_in_zone(self, reason: str) -> None:
        """Note what no line can be blamed for."""
        self.found.append(Fault(self._files[0] if self._files else "", 0, reason))

    def _check_soa(self, origin: bytes | None) -> None:
        """Check that there is one SOA, at the origin (RFC 1034 §4.2.1); an exact repetition is no second."""
        if not self._soas:
            self._error_in_zone("zone has no SOA record")
            return
        first = self._soas[0]
        if origin is not None and first.owner != origin:
            self._error(first, f"SOA owner {_shown(first.owner)} is not the zone {_shown(origin)}")
        for soa in self._soas[1:]:
            if (soa.owner, soa.rdata) != (first.owner, first.rdata):
                self._error(soa, f"zone has a second SOA record; the first is at {first.file}:{first.line}")

    def _check_apex_ns(self, origin: bytes) -> None:
        if rrtypes.NS in self._table.get(origin, ()):
            return
        reason = f"zone {_shown(origin)} has no NS record at its apex (RFC 1034 §4.2.1)"
        if self._soas:
            self._error(self._soas[0], reason)
        else:
            self._error_in_zone(reason)

    def _check_owners(self, origin: bytes) -> None:
        for owner, types in self._table.items():
            if not is_subdomain(owner, origin):
                for rrtype, items in types.items():
                    if rrtype != rrtypes.SOA:  # the SOA check has its own word for it
                        for item in items:
                            self._error(item, f"owner {_shown(owner)} is outside the zone {_shown(origin)}")

    def _check_cname(self, owner: bytes, types: Mapping[int, Sequence[_Item]]) -> None:
        """Check that a CNAME is alone; the later of the two offends."""
        others = [rrtype for rrtype in types if rrtype not in _BESIDE_CNAME]
        if others:
            order = list(types)
            is_cname_first = order.index(rrtypes.CNAME) < order.index(others[0])
            names = ", ".join(map(format_rrtype, others))
            self._error(
                types[others[0] if is_cname_first else rrtypes.CNAME][0],
                f"owner {_shown(owner)} has CNAME and {names}; a CNAME must be alone (RFC 1034 §3.6.2)",
            )

    def _check_items(self, owner: bytes, rrtype: int, items: Sequence[_Item]) -> None:
        """Check what stands at one owner and type: one CNAME or DNAME, and a policy group alone."""
        name = format_rrtype(rrtype)
        first = items[0]
        for item in items:
            if isinstance(item, Record):
                if rrtype in _SINGLE_TYPES and isinstance(first, Record) and item.rdata != first.rdata:
                    self._error(item, f"owner {_shown(owner)} has a second {name} record; the limit is 1")
            elif rrtype in _STRUCTURAL_TYPES:
                self._error(item, f"a policy cannot choose {name} records; they shape the zone itself")
            elif isinstance(first, Record):
                self._error(item, f"owner {_shown(owner)} has {name} both plain and under a policy")
            elif item is not first:
                self._error(
                    item, f"owner {_shown(owner)} has a second policy group of type {name}; the limit is 1"
                )

    # --- the zone -------------------------------------------------------------------------------------------

    def _assemble(self, origin: bytes) -> Zone:
        """Build the zone from records without errors; note warnings on the way."""
        table = {
            owner: {rrtype: self._merge(items) for rrtype, items in types.items()}
            for owner, types in self._table.items()
        }
        _add_empty_non_terminals(table, origin)
        borders = _borders(table, origin)
        nodes = _nodes(table, borders, origin)
        self._warn_of_hidden(nodes, borders, origin)
        self._warn_of_missing_glue(nodes, borders, origin)
        self._warn_of_cname_loops(nodes)
        soa, ns = nodes[origin].data[rrtypes.SOA], nodes[origin].data[rrtypes.NS]
        assert isinstance(soa, RRset)  # policy groups of these types are errors
        assert isinstance(ns, RRset)
        serial, minimum = soa_numbers(soa.rdatas[0])
        negative_soa = soa.with_ttl(min(soa.ttl, minimum))  # RFC 2308 §5
        count = sum(
            len(data.rdatas) if isinstance(data, RRset) else 1
            for types in table.values()
            for data in types.values()
        )
        return Zone(origin, nodes, soa, negative_soa, ns, bool(borders), count, serial, self._files)

    def _warn(self, culprit: _Item, reason: str) -> None:
        self.found.append(Fault(culprit.file, culprit.line, reason, is_error=False))

    def _merge(self, items: Sequence[_Item]) -> Data:
        """Make one RRset of the records of one owner and type; a policy group stays as it is."""
        first = items[0]
        if not isinstance(first, Record):
            return first
        if len(items) == 1:
            return RRset(first.owner, first.rrtype, first.ttl, (first.rdata,))
        rdatas: dict[bytes, None] = {}
        ttls: dict[int, Record] = {}
        name = f"{_shown(first.owner)} {format_rrtype(first.rrtype)}"
        for record in (item for item in items if isinstance(item, Record)):
            if record.rdata in rdatas:
                self._warn(record, f"duplicate record {name} {format_rdata(record.rrtype, record.rdata)}")
            rdatas[record.rdata] = None
            ttls.setdefault(record.ttl, record)
        if len(ttls) > 1:
            shown = ", ".join(map(str, ttls))
            reason = f"records of {name} have the ttls {shown}; the lowest counts (RFC 2181 §5.2)"
            self._warn(list(ttls.values())[1], reason)
        return RRset(first.owner, first.rrtype, min(ttls), tuple(rdatas))

    def _warn_of_hidden(
        self, nodes: Mapping[bytes, Node], borders: Mapping[bytes, int], origin: bytes
    ) -> None:
        """Warn of data at or below a cut, or below a DNAME, that is never answered; glue is not meant."""
        targets = {target for owner in self._table for target in _ns_targets(nodes[owner])} if borders else ()
        for owner, types in self._table.items() if borders else ():
            node = nodes[owner]
            if not (node.is_occluded or node.is_cut):
                continue
            border = _border_above(owner, borders, origin) if node.is_occluded else owner
            assert border is not None  # that is what occluded means
            kind = format_rrtype(borders[border])
            spared = frozenset() if node.is_occluded else _AT_CUT
            if owner in targets and borders[border] == rrtypes.NS:
                spared |= _ADDRESS_TYPES
            hidden = [rrtype for rrtype in types if rrtype not in spared]
            if hidden:
                names = ", ".join(map(format_rrtype, hidden))
                reason = f"{names} of {_shown(owner)} is never answered: {_shown(border)} has {kind}"
                self._warn(types[hidden[0]][0], reason)

    def _warn_of_missing_glue(
        self, nodes: Mapping[bytes, Node], borders: Mapping[bytes, int], origin: bytes
    ) -> None:
        """Warn of a delegation's name servers whose address this zone should tell and does not (RFC 9471)."""
        for cut, border_type in borders.items():
            if border_type != rrtypes.NS or nodes[cut].is_occluded:
                continue
            for item in self._table[cut][rrtypes.NS]:
                assert isinstance(item, Record)  # a policy group of type NS is an error
                target = item.rdata
                if not is_subdomain(target, origin) or _has_address(nodes.get(target)):
                    continue
                border = _border_above(target, borders, origin) if target not in borders else target
                if border is None or border == cut:
                    reason = f"name server {_shown(target)} of {_shown(cut)} has no address in this zone"
                    self._warn(item, reason)

    def _warn_of_cname_loops(self, nodes: Mapping[bytes, Node]) -> None:
        """Warn of CNAMEs of this zone that lead back to themselves, once for each loop."""
        targets: dict[bytes, bytes] = {}
        for owner, types in self._table.items():
            if rrtypes.CNAME in types:
                data = nodes[owner].data[rrtypes.CNAME]
                if isinstance(data, RRset):
                    targets[owner] = data.rdatas[0]
        done: set[bytes] = set()
        for start in targets:
            path: dict[bytes, None] = {}
            name = start
            while name in targets and name not in done:
                done.add(name)
                path[name] = None
                name = targets[name]
            if name in path:
                names = list(path)
                loop = [*names[names.index(name) :], name]
                reason = f"CNAME loop: {' -> '.join(map(format_name, loop))}"
                self._warn(self._table[name][rrtypes.CNAME][0], reason)


def _gather(records: Sequence[Record], groups: Sequence[PolicyGroupLike]) -> _Table:
    table: dict[bytes, dict[int, list[_Item]]] = {}
    for item in (*records, *groups):
        table.setdefault(item.owner, {}).setdefault(item.rrtype, []).append(item)
    return table


def _add_empty_non_terminals(table: dict[bytes, dict[int, Data]], origin: bytes) -> None:
    """Add every missing name between an owner and the apex (RFC 4592 §2.2.2)."""
    for owner in list(table):
        while owner != origin:
            owner = parent_of(owner)
            if owner in table:
                break
            table[owner] = {}


def _borders(table: Mapping[bytes, Mapping[int, Data]], origin: bytes) -> dict[bytes, int]:
    """Return where the zone's own data ends: owner to NS (a cut) or DNAME; beside a cut a DNAME is void."""
    borders: dict[bytes, int] = {}
    for owner, types in table.items():
        if rrtypes.NS in types and owner != origin:
            borders[owner] = rrtypes.NS
        elif rrtypes.DNAME in types:
            borders[owner] = rrtypes.DNAME
    return borders


def _border_above(name: bytes, borders: Mapping[bytes, int], origin: bytes) -> bytes | None:
    """Return the topmost border above a name of the zone, or None."""
    topmost = None
    while name != origin:
        name = parent_of(name)
        if name in borders:
            topmost = name
    return topmost


def _nodes(
    table: Mapping[bytes, Mapping[int, Data]], borders: Mapping[bytes, int], origin: bytes
) -> dict[bytes, Node]:
    if not borders:
        return {owner: Node(types) for owner, types in table.items()}
    return {
        owner: Node(
            types, borders.get(owner) == rrtypes.NS, _border_above(owner, borders, origin) is not None
        )
        for owner, types in table.items()
    }


def _ns_targets(node: Node) -> tuple[bytes, ...]:
    ns = node.data.get(rrtypes.NS)
    return ns.rdatas if isinstance(ns, RRset) else ()


def _has_address(node: Node | None) -> bool:
    return node is not None and any(rrtype in node.data for rrtype in _ADDRESS_TYPES)


def _shown(name: bytes) -> str:
    return repr(format_name(name))
