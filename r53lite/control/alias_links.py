"""Where do the aliases and the CIDR sets of a zone lead?

Record sets name other record sets, and locations of CIDR collections; here the names become the things
themselves, once, when a zone is loaded. Loops of aliases are refused, and so are chains longer than
`MAX_DEPTH`; an alias without a target is a warning, and the alias is unusable (alias-trees.md §3.1).

A target has the alias's own name space and type: it is data of the same zone that is answered at that very
name. What only a wildcard would give, or what lies at or below a delegation, is no target; DS at one is. A
name outside the zone is an `OutsideTarget`.

Groups are never changed: those with links are made anew, targets first. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from r53lite.control.cidr_collection_file import CidrCollection
from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, is_subdomain
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import format_rrtype
from r53lite.errors import Fault
from r53lite.routing.cidr_index import CidrIndex
from r53lite.routing.record_set import DEFAULT, AliasTarget, OutsideTarget, RecordSet, RecordSetGroup
from r53lite.routing.registry import view_of
from r53lite.routing.tree import MAX_DEPTH
from r53lite.zone.lookup import lookup
from r53lite.zone.model import PolicyNode, Zone
from r53lite.zone.outcome import Answer, Cname
from r53lite.zone.packed import find_data, is_cut, is_occluded

_OUTSIDE_TYPES = frozenset((rrtypes.A, rrtypes.AAAA))  # records-and-changes.md §1.1

_LINKED_AT_ONCE = 64  # groups between two pauses

_Key = tuple[bytes, int]


# --- CIDR collections ---------------------------------------------------------------------------------------


class BlockLinks:
    """Links CIDR groups to the collections of a directory; groups of equal locations share an index."""

    def __init__(self, collections: Mapping[str, CidrCollection]) -> None:
        self._collections = collections
        self._indexes: dict[tuple[str, frozenset[str]], CidrIndex] = {}

    def link(
        self, groups: Sequence[RecordSetGroup], faults: list[Fault], pause: Callable[[], object] = int
    ) -> list[RecordSetGroup]:
        """Return the groups with their views of locations, those under policy cidr with their blocks.

        Args:
            groups: all groups of a zone.
            faults: takes what does not exist.
            pause: called after every few milliseconds of work; may raise. The default does nothing.
        """
        linked = []
        for group in groups:
            is_cidr = group.policy == "cidr"
            one = self._link(group, faults) if is_cidr else group._replace(view=view_of(group))
            linked.append(one._replace(is_located=one.blocks is not None or one.view is not None))
            if not len(linked) % _LINKED_AT_ONCE:
                pause()
        return linked

    def used_by(self, groups: Iterable[RecordSetGroup]) -> tuple[CidrCollection, ...]:
        """Return the collections that sound groups go by, each once."""
        sets = (one for group in groups for one in group.sets)
        names = dict.fromkeys(one.cidr.collection for one in sets if one.cidr is not None)
        return tuple(self._collections[name] for name in names if name in self._collections)

    def _link(self, group: RecordSetGroup, faults: list[Fault]) -> RecordSetGroup:
        name = ""
        known = set()
        for record_set in group.sets:
            if record_set.cidr is None:
                continue  # a fault that is noted already
            name, location, line = record_set.cidr
            collection = self._collections.get(name)
            if collection is None:
                faults.append(Fault(group.file, line, f"CIDR collection {name!r} is not defined"))
            elif location != DEFAULT and location not in collection.locations:
                expected = f"expected one of {', '.join(sorted(collection.locations))} or '*'"
                reason = f"CIDR collection {name!r} has no location {location!r}; {expected}"
                faults.append(Fault(group.file, line, reason))
            known.add(location)
        if name not in self._collections:
            return group
        key = (name, frozenset(known))
        index = self._indexes.get(key)
        if index is None:
            index = self._indexes[key] = CidrIndex(self._collections[name].blocks, key[1])
        return group._replace(blocks=index)


# --- aliases ------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """One alias of the zone and the group it is in."""

    group: RecordSetGroup
    record_set: RecordSet
    alias: AliasTarget

    @property
    def key(self) -> _Key:
        """Return what the alias leads to."""
        return self.alias.owner, self.alias.rrtype


def link_aliases(
    zone: Zone, groups: Sequence[RecordSetGroup], faults: list[Fault], pause: Callable[[], object] = int
) -> frozenset[OutsideTarget]:
    """Link the aliases of a zone that nobody has seen yet: its nodes get the linked groups.

    Args:
        zone: the built zone.
        groups: all its policy groups.
        faults: takes loops and chains that are too long as errors, aliases without a target as warnings.
        pause: called after every few milliseconds of work; may raise. The default does nothing.

    Returns:
        The names outside the zone that aliases lead to.
    """
    aliases = _aliases_of(groups)
    if not aliases:
        return frozenset()
    order = _targets_first(aliases, faults)
    linking = _Linking(zone, aliases, faults)
    for number, key in enumerate(order, 1):
        linking.link(key)
        if not number % _LINKED_AT_ONCE:
            pause()
    return frozenset(linking.outside)


def refuse_loops(groups: Sequence[RecordSetGroup], faults: list[Fault]) -> None:
    """Note the alias loops and long chains of a zone that could not be built, for it has other faults."""
    _targets_first(_aliases_of(groups), faults)


def _aliases_of(groups: Sequence[RecordSetGroup]) -> dict[_Key, list[_Place]]:
    """Return the aliases of each group that has any."""
    aliases = {}
    for group in groups:
        found = [_Place(group, one, one.alias) for one in group.sets if one.alias is not None]
        if found:
            aliases[group.owner, group.rrtype] = found
    return aliases


def _targets_first(aliases: Mapping[_Key, list[_Place]], faults: list[Fault]) -> list[_Key]:
    """Return the groups with aliases, each behind those it leads to; note loops and long chains.

    The walk keeps its own stack: a chain that is far too long must not end in a RecursionError.
    """
    heights: dict[_Key, int] = {}
    order: list[_Key] = []
    for root in aliases:
        if root in heights:
            continue
        path: dict[_Key, int] = {root: 0}  # the next alias to follow of each group on the way
        while path:
            key = next(reversed(path))
            places = aliases[key]
            at = path[key]
            if at < len(places):
                path[key] += 1
                target = places[at].key
                if target in path:
                    _refuse_loop(places[at], [*path][[*path].index(target) :], faults)
                elif target in aliases and target not in heights:
                    path[target] = 0
                continue
            del path[key]
            heights[key] = 1 + max(heights.get(place.key, 0) for place in places)
            order.append(key)
            if heights[key] == MAX_DEPTH + 1:  # the next longer ones have the same fault
                what = f"{format_name(key[0])!r} {format_rrtype(key[1])}"
                reason = f"more than {MAX_DEPTH} aliases in a row from {what}; the limit is {MAX_DEPTH}"
                faults.append(Fault(places[0].group.file, places[0].record_set.line, reason))
    return order


def _refuse_loop(place: _Place, loop: list[_Key], faults: list[Fault]) -> None:
    names = [format_name(owner) for owner, _ in (*loop, loop[0])]
    reason = f"alias loop of type {format_rrtype(loop[0][1])}: {' -> '.join(names)}"
    faults.append(Fault(place.group.file, place.record_set.line, reason))


class _Linking:
    """Makes the linked groups of one zone, targets first."""

    def __init__(self, zone: Zone, aliases: Mapping[_Key, list[_Place]], faults: list[Fault]) -> None:
        self._zone = zone
        self._aliases = aliases
        self._faults = faults
        self._plain: dict[_Key, RecordSetGroup] = {}
        self.outside: set[OutsideTarget] = set()

    def link(self, key: _Key) -> None:
        """Put the linked group in the place of the one that was built."""
        group = self._aliases[key][0].group
        sets = tuple([self._linked(group, one) for one in group.sets])
        targets = [one.alias.target for one in sets if one.alias is not None]
        is_located = any(isinstance(one, RecordSetGroup) and one.is_located for one in targets)
        linked = group._replace(sets=sets, is_located=group.is_located or is_located)
        node = self._zone.names.get(group.owner)
        assert isinstance(node, PolicyNode)  # the builder has put the group there
        data = {**node.data, group.rrtype: linked}
        self._zone.names.replace(group.owner, node._replace(data=data))

    def _linked(self, group: RecordSetGroup, record_set: RecordSet) -> RecordSet:
        alias = record_set.alias
        if alias is None:
            return record_set
        place = _Place(group, record_set, alias)
        return record_set._replace(alias=alias._replace(target=self._target_of(place)))

    def _target_of(self, place: _Place) -> RecordSetGroup | OutsideTarget | None:
        owner, rrtype = place.key
        if not is_subdomain(owner, self._zone.origin):
            if rrtype in _OUTSIDE_TYPES:
                self.outside.add(OutsideTarget(owner, rrtype))
                return OutsideTarget(owner, rrtype)
            what = f"of type {format_rrtype(rrtype)}; A and AAAA can lead outside the zone"
            reason = f"alias target {format_name(owner)!r} is outside the zone and {what}"
            self._faults.append(Fault(place.group.file, place.record_set.line, reason))
            return None
        node = self._zone.names.get(owner)
        if node is None:
            found = lookup(self._zone, owner, rrtype)
            is_wildcard = isinstance(found, Answer | Cname) and found.is_wildcard
            why = "only a wildcard gives that name" if is_wildcard else "there is no such name in the zone"
            return self._warn(place, why)
        if is_occluded(node) or (is_cut(node) and rrtype != rrtypes.DS):  # DS is the parent's: RFC 4035 §2.4
            return self._warn(place, "it lies at or below a delegation or a DNAME")
        data = find_data(node, owner, rrtype)
        if isinstance(data, RecordSetGroup):
            return data
        if isinstance(data, RRset):
            return self._plain.setdefault(place.key, _simple(data))
        return self._warn(place, "the name has no such record")

    def _warn(self, place: _Place, why: str) -> RecordSetGroup | None:
        """Note that an alias dangles; return None, its target."""
        owner, rrtype = place.key
        what = f"alias target {format_name(owner)!r} {format_rrtype(rrtype)} does not exist"
        reason = f"{what}, so the alias is unusable: {why}"
        self._faults.append(Fault(place.group.file, place.record_set.line, reason, is_error=False))
        return None


def _simple(rrset: RRset) -> RecordSetGroup:
    """Wrap plain data into a group."""
    only = RecordSet("", rrset.ttl, rrset.rdatas)
    return RecordSetGroup(rrset.owner, rrset.rrtype, "simple", (only,))
