"""Do these records make a zone, and what is worth a warning?

Records and policy groups, from whichever files, have been gathered by owner in a `RecordTable`; they are
checked whole, and only what has no error becomes a `Zone`. Everything that NSD and Knot serve all the same is
a warning. Each fault stands at the file and line of the record that offends: of two that do not go together,
the later one.

The table's values turn into packed nodes in place. An owner with one ordinary record below a parent that is
known to be in the zone needs nothing at all: its value is the packed node already. Everybody else is settled
one by one.

Carries out: RFC 1034 §3.6.2 and §4.2.1, RFC 2181 §5 and §10.1, RFC 2308 §5, RFC 6672 §2.3 and §2.4, RFC 9471
(glue).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, is_subdomain
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rdata import soa_numbers
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import format_rrtype
from r53lite.errors import Fault
from r53lite.zone.findings import MAX_FAULTS, Culprit, Findings, PolicyGroupLike
from r53lite.zone.model import Data, Packed, PolicyNode, Zone
from r53lite.zone.name_table import NameTable
from r53lite.zone.packed import (
    FLAG_CUT,
    FLAG_DNAME,
    FLAG_OCCLUDED,
    MAX_RRSET_RECORDS,
    find_rrset,
    pack_node,
)
from r53lite.zone.records import Item, Record, RecordTable, Stored, items_of, pack_plain, table_of
from r53lite.zone.surroundings import NameSet, OutOfZoneError, Surroundings, has_address

_SINGLE_ADDRESSES = (b"\x00\x00\x01", b"\x00\x00\x1c")  # how a packed A or AAAA begins, with no flag set
_OCCLUDED = bytes((FLAG_OCCLUDED,))
_ADDRESS_TYPES = frozenset((rrtypes.A, rrtypes.AAAA))
_BESIDE_CNAME = frozenset((rrtypes.CNAME, rrtypes.RRSIG, rrtypes.NSEC))  # RFC 4034 §3, §4
_AT_CUT = frozenset((rrtypes.NS, rrtypes.DS, rrtypes.RRSIG, rrtypes.NSEC))  # RFC 4035 §2.4: parent side data
_STRUCTURAL_TYPES = frozenset((rrtypes.SOA, rrtypes.NS, rrtypes.DNAME))
_SINGLE_TYPES = (rrtypes.CNAME, rrtypes.DNAME)  # RFC 2181 §10.1, RFC 6672 §2.4
_SETTLED_AT_ONCE = 256  # owners between two pauses: some 10 µs each

_Types = Mapping[int, Sequence[Culprit]]
"""What was written for one owner, by type in order of appearance; policy groups stand behind the records."""


def build_zone(
    origin: bytes | None,
    records: RecordTable | Iterable[Record],
    groups: Sequence[PolicyGroupLike],
    faults: list[Fault],
    files: tuple[str, ...],
    pause: Callable[[], object] = int,
) -> Zone | None:
    """Check the records of one zone and build it.

    Args:
        origin: wire name of the zone; None takes the owner of the SOA.
        records: the records of all its files, in order. A table is taken over and must not be used again.
        groups: its policy groups; they count as data of their type.
        faults: takes every error and warning, sorted by file and line.
        files: the names of the files; the first is named where no record can be.
        pause: called after every few milliseconds of work; may raise. The default does nothing.

    Returns:
        The zone, or None if there was an error. `record_count` counts records, and each policy group once.
    """
    table = records if isinstance(records, RecordTable) else table_of(records)
    build = _Build(table, groups, files)
    zone = build.run(origin, pause)
    faults += build.found.faults()
    return zone


class _Build:
    """One build: the table, and the faults found so far."""

    def __init__(self, table: RecordTable, groups: Sequence[PolicyGroupLike], files: tuple[str, ...]) -> None:
        self.found = Findings(table, files)
        self._unaddressed: list[tuple[bytes, Item]] = []
        self._table = table
        self._files = files
        self._count = len(table) + table.repeated + len(groups)
        self._soas = _soas_of(table)
        self._ns_targets = NameSet()
        self._groups: dict[bytes, list[PolicyGroupLike]] = {}
        for group in groups:
            self._groups.setdefault(group.owner, []).append(group)
            table.open(group.owner, table.base_of(group.file) + group.line)

    def run(self, origin: bytes | None, pause: Callable[[], object]) -> Zone | None:
        """Run all checks; return the zone if none found an error."""
        if origin is None and self._soas:
            origin = self._soas[0][0]
        self._check_soa(origin)
        if origin is None:
            return None
        self._check_apex_ns(origin)
        around = Surroundings(self._table, origin)
        if around.has_borders:
            self._note_ns_targets(origin)
        self._settle_all(around, pause)
        if self.found.has_errors:
            return None
        around.add_empty_non_terminals()
        self._warn_of_missing_glue(around)
        self._warn_of_cname_loops()
        return self._finish(around)

    # --- the apex -------------------------------------------------------------------------------------------

    def _check_soa(self, origin: bytes | None) -> None:
        """Check that there is one SOA, at the origin (RFC 1034 §4.2.1); an exact repetition is no second."""
        if not self._soas:
            self.found.error_in_zone("zone has no SOA record")
            return
        owner, first = self._soas[0]
        if origin is not None and owner != origin:
            self.found.error(first, f"SOA owner {_shown(owner)} is not the zone {_shown(origin)}")
        for other_owner, soa in self._soas[1:]:
            if (other_owner, soa.rdata) != (owner, first.rdata):
                file, line = self.found.place_of(first)
                self.found.error(soa, f"zone has a second SOA record; the first is at {file}:{line}")

    def _check_apex_ns(self, origin: bytes) -> None:
        value = self._table.get(origin)
        types = [item.rrtype for item in items_of(value, 0)] if value is not None else []
        if rrtypes.NS in (*types, *(group.rrtype for group in self._groups.get(origin, ()))):
            return
        reason = f"zone {_shown(origin)} has no NS record at its apex (RFC 1034 §4.2.1)"
        if self._soas:
            self.found.error(self._soas[0][1], reason)
        else:
            self.found.error_in_zone(reason)

    def _finish(self, around: Surroundings) -> Zone:
        """Make the zone of a table in which every value is a packed node."""
        origin = around.origin
        names = NameTable(self._table.packed_tables())
        apex = names.get(origin)
        assert apex is not None  # policy groups of these types are errors, and so is a zone without them
        soa, ns = find_rrset(apex, origin, rrtypes.SOA), find_rrset(apex, origin, rrtypes.NS)
        assert soa is not None
        assert ns is not None
        serial, minimum = soa_numbers(soa.rdatas[0])
        negative_soa = soa.with_ttl(min(soa.ttl, minimum))  # RFC 2308 §5
        return Zone(
            origin, names, soa, negative_soa, ns, around.has_borders, self._count, serial, self._files
        )

    # --- owners ---------------------------------------------------------------------------------------------

    def _settle_all(self, around: Surroundings, pause: Callable[[], object]) -> None:
        """Check every owner and turn its value into a packed node."""
        open_parents = around.open_parents
        settled = 0
        for table, places in zip(self._table.tables, self._table.places, strict=True):
            pause()
            for (owner, value), place in zip(table.items(), places, strict=True):
                # `value[0]` is 0 for one record that shapes nothing; a PolicyNode cannot be here yet.
                if owner[owner[0] + 1 :] in open_parents and not value[0]:
                    continue
                if not (settled := settled + 1) % _SETTLED_AT_ONCE:
                    pause()
                packed = self._settle(around, owner, value, place)
                if packed is not value:
                    table[owner] = packed  # the key is there, so the iteration goes on undisturbed

    def _settle(self, around: Surroundings, owner: bytes, value: Stored, place: int) -> Stored:
        """Check one owner; return its packed node, or anything at all where there is an error."""
        try:
            border = around.border_above(owner)
        except OutOfZoneError:
            self._refuse_outsider(around.origin, owner, value, place)
            return value
        usual = None if owner in self._groups else self._settle_usual(around, owner, value, place, border)
        if usual is not None:
            return usual
        types: dict[int, list[Culprit]] = {}
        for item in items_of(value, place):
            types.setdefault(item.rrtype, []).append(item)
        for group in self._groups.get(owner, ()):
            types.setdefault(group.rrtype, []).append(group)
        self._check_types(owner, types)
        data = {rrtype: self._merge(owner, types[rrtype]) for rrtype in sorted(types)}
        # A policy group of NS is an error, and no border to anybody else.
        is_cut = isinstance(types.get(rrtypes.NS, (None,))[0], Item) and owner != around.origin
        if is_cut or border is not None:
            self._warn_of_hidden(around, owner, types, border)
        if is_cut and border is None:
            self._note_missing_addresses(around.origin, owner, types[rrtypes.NS])
        return _packed(data, is_cut=is_cut, is_occluded=border is not None)

    def _settle_usual(
        self, around: Surroundings, owner: bytes, value: Stored, place: int, border: bytes | None
    ) -> Stored | None:
        """Settle what most zones have most of without an object per record; None for anything else."""
        if border is not None:  # glue of one address
            is_glue = value[:3] in _SINGLE_ADDRESSES and owner in self._ns_targets
            if is_glue and isinstance(value, bytes) and around.border_type(border) == rrtypes.NS:
                return _OCCLUDED + value[1:]
            return None
        if not value[0]:
            return value
        packed = None if owner == around.origin else pack_plain(value)
        if packed is not None and packed[0] & FLAG_CUT:
            self._note_missing_addresses(around.origin, owner, list(items_of(value, place)))
        return packed

    def _refuse_outsider(self, origin: bytes, owner: bytes, value: Stored, place: int) -> None:
        for item in (*items_of(value, place), *self._groups.get(owner, ())):
            if item.rrtype != rrtypes.SOA:  # the SOA check has its own word for it
                self.found.error(item, f"owner {_shown(owner)} is outside the zone {_shown(origin)}")

    def _check_types(self, owner: bytes, types: _Types) -> None:
        """Check what stands together at one owner."""
        if rrtypes.CNAME in types:
            self._check_cname(owner, types)
        for rrtype, items in types.items():
            if len(items) > 1 or not isinstance(items[0], Item):
                self._check_items(owner, rrtype, items)

    def _check_cname(self, owner: bytes, types: _Types) -> None:
        """Check that a CNAME is alone; the later of the two offends."""
        others = [rrtype for rrtype in types if rrtype not in _BESIDE_CNAME]
        if others:
            order = list(types)
            is_cname_first = order.index(rrtypes.CNAME) < order.index(others[0])
            names = ", ".join(map(format_rrtype, others))
            self.found.error(
                types[others[0] if is_cname_first else rrtypes.CNAME][0],
                f"owner {_shown(owner)} has CNAME and {names}; a CNAME must be alone (RFC 1034 §3.6.2)",
            )

    def _check_items(self, owner: bytes, rrtype: int, items: Sequence[Culprit]) -> None:
        """Check what stands at one owner and type: one CNAME or DNAME, and a policy group alone."""
        name = format_rrtype(rrtype)
        first = items[0]
        for item in items:
            if isinstance(item, Item):
                if rrtype in _SINGLE_TYPES and isinstance(first, Item) and item.rdata != first.rdata:
                    self.found.error(
                        item, f"owner {_shown(owner)} has a second {name} record; the limit is 1"
                    )
            elif rrtype in _STRUCTURAL_TYPES:
                self.found.error(item, f"a policy cannot choose {name} records; they shape the zone itself")
            elif isinstance(first, Item):
                self.found.error(item, f"owner {_shown(owner)} has {name} both plain and under a policy")
            elif item is not first:
                reason = f"has a second policy group of type {name}"
                self.found.error(item, f"owner {_shown(owner)} {reason}, after {first.file}:{first.line}")

    def _merge(self, owner: bytes, items: Sequence[Culprit]) -> Data:
        """Make one RRset of the records of one owner and type; a policy group stays as it is."""
        first = items[0]
        if not isinstance(first, Item):
            return first
        if len(items) == 1:
            return RRset(owner, first.rrtype, first.ttl, (first.rdata,))
        rdatas: dict[bytes, None] = {}
        ttls: dict[int, Item] = {}
        for item in (item for item in items if isinstance(item, Item)):
            if item.rdata in rdatas:
                self._count -= 1
                shown = format_rdata(item.rrtype, item.rdata) if not self.found.is_full else ""
                self.found.warn(
                    item, f"duplicate record {_shown(owner)} {format_rrtype(item.rrtype)} {shown}"
                )
            rdatas[item.rdata] = None
            ttls.setdefault(item.ttl, item)
        if len(ttls) > 1:
            shown = ", ".join(map(str, ttls))
            name = f"{_shown(owner)} {format_rrtype(first.rrtype)}"
            reason = f"records of {name} have the ttls {shown}; the lowest counts (RFC 2181 §5.2)"
            self.found.warn(list(ttls.values())[1], reason)
        if len(rdatas) > MAX_RRSET_RECORDS:
            name = f"{_shown(owner)} {format_rrtype(first.rrtype)}"
            self.found.error(first, f"{name} has {len(rdatas)} records; the limit is {MAX_RRSET_RECORDS}")
            return RRset(owner, first.rrtype, first.ttl, (first.rdata,))
        return RRset(owner, first.rrtype, min(ttls), tuple(rdatas))

    # --- warnings -------------------------------------------------------------------------------------------

    def _note_ns_targets(self, origin: bytes) -> None:
        """Remember the hosts of this zone that NS records name: below a cut their addresses may be glue."""
        for owner in self._table.ns_owners:
            value = self._table.get(owner)
            for item in items_of(value, 0) if value is not None else ():
                if item.rrtype == rrtypes.NS and item.rdata.endswith(origin):
                    self._ns_targets.add(item.rdata)

    def _warn_of_hidden(
        self, around: Surroundings, owner: bytes, types: _Types, border: bytes | None
    ) -> None:
        """Warn of data at or below a cut, or below a DNAME, that is never answered; glue is not meant."""
        if border is None and _AT_CUT.issuperset(types):
            return
        hider = owner if border is None else border
        kind = around.border_type(hider)
        assert kind is not None  # that is what a border is
        spared = _AT_CUT if border is None else frozenset()
        if kind == rrtypes.NS and owner in self._ns_targets:
            spared |= _ADDRESS_TYPES
        hidden = [rrtype for rrtype in types if rrtype not in spared]
        if hidden:
            names = ", ".join(map(format_rrtype, hidden))
            reason = (
                f"{names} of {_shown(owner)} is never answered: {_shown(hider)} has {format_rrtype(kind)}"
            )
            self.found.warn(types[hidden[0]][0], reason)

    def _note_missing_addresses(self, origin: bytes, cut: bytes, items: Sequence[Culprit]) -> None:
        """Remember a delegation's name servers that have no address of their own in this zone."""
        for item in items:
            if isinstance(item, Item) and is_subdomain(item.rdata, origin):
                groups = self._groups.get(item.rdata, ())
                if not has_address(self._table.get(item.rdata)) and not any(
                    group.rrtype in _ADDRESS_TYPES for group in groups
                ):
                    self._unaddressed.append((cut, item))

    def _warn_of_missing_glue(self, around: Surroundings) -> None:
        """Warn of name servers whose address this zone should tell and does not (RFC 9471).

        It should where the server is below the cut itself, or in this zone's own data (a wildcard's too).
        """
        for cut, item in self._unaddressed:
            target = item.rdata
            border = target if around.is_border(target) else around.topmost_border(target)
            if border is None and has_address(self._table.get(around.source_of_synthesis(target))):
                continue
            if border is None or border == cut:
                reason = f"name server {_shown(target)} of {_shown(cut)} has no address in this zone"
                self.found.warn(item, reason)

    def _warn_of_cname_loops(self) -> None:
        """Warn of CNAMEs of this zone that lead back to themselves, once for each loop."""
        done = NameSet()
        places: dict[bytes, int] = {}
        for start in self._table.cname_owners:
            target = self._cname_target(start)
            if target is None or self._table.get(target) is None:
                continue  # nearly all lead to a name that is no alias, often of another zone
            path: dict[bytes, None] = {}
            name: bytes | None = start
            while name is not None and name not in done:
                done.add(name)
                path[name] = None
                name = self._cname_target(name)
            if name is not None and name in path:
                # In order from the last, so that of a repeated CNAME the first counts.
                places = places or dict(
                    zip(reversed(self._table.cname_owners), reversed(self._table.cname_places), strict=True)
                )
                names = list(path)
                loop = [*names[names.index(name) :], name]
                reason = f"CNAME loop: {' -> '.join(map(format_name, loop))}"
                self.found.warn(Item(rrtypes.CNAME, 0, b"", places[name]), reason)

    def _cname_target(self, name: bytes) -> bytes | None:
        """Return what a name is an alias of, or None; a policy group is none."""
        packed = self._table.get(name)
        if packed is None or isinstance(packed, bytearray):
            return None
        rrset = find_rrset(packed, name, rrtypes.CNAME)
        return None if rrset is None else rrset.rdatas[0]


def _soas_of(table: RecordTable) -> list[tuple[bytes, Item]]:
    """Return every SOA record with its owner, in the order they were read."""
    found = [
        (owner, item)
        for owner in list(dict.fromkeys(table.soa_owners))[: MAX_FAULTS + 1]
        for item in table.items_at(owner)
        if item.rrtype == rrtypes.SOA
    ]
    return sorted(found, key=lambda soa: soa[1].place)


def _packed(data: Mapping[int, Data], *, is_cut: bool, is_occluded: bool) -> Packed:
    """Pack the data of one owner, which is sorted by type."""
    flags = (FLAG_CUT if is_cut else 0) | (FLAG_OCCLUDED if is_occluded else 0)
    if rrtypes.DNAME in data and not is_cut:
        flags |= FLAG_DNAME
    rrsets = [rrset for rrset in data.values() if isinstance(rrset, RRset)]
    if len(rrsets) < len(data):
        return PolicyNode(data, is_cut, is_occluded)
    return pack_node(rrsets, flags)


def _shown(name: bytes) -> str:
    return repr(format_name(name))
