"""What does a zone say about a name and a type?

The table decides nearly everything: a name that is in it and not occluded is answered from its node; for any
other the deepest ancestor that is in it and not occluded tells the case. If that ancestor is a cut or has a
DNAME, the name is below it; otherwise it is the closest encloser, where a wildcard may match. Because
occlusion is settled when the zone is built, no walk from the apex is needed. Nodes are packed: only the RRset
that is answered becomes an object, and where flags decide none does.

Carries out: RFC 1034 §4.3.2, RFC 2308 §2, RFC 4592 §3.3, RFC 6672 §3.2, RFC 8020, RFC 8482 §4.1, RFC 4035
§3.1.4.1 (DS belongs to the parent side). Leaves out: DNSSEC proofs, and CNAME chains, which the caller
follows name by name.
"""

from __future__ import annotations

from r53lite.dns import rrtypes
from r53lite.dns.name import ROOT, WILDCARD_LABEL, is_subdomain, parent_of
from r53lite.dns.rrset import RRset
from r53lite.zone.model import Packed, Zone
from r53lite.zone.outcome import Answer, Cname, Dname, NoData, NxDomain, Outcome, OutOfZone, Referral
from r53lite.zone.packed import (
    FLAG_OCCLUDED,
    find_data,
    find_rrset,
    first_data,
    has_dname,
    has_type,
    is_cut,
    is_occluded,
)

_new = tuple.__new__  # a third of the time of the class's own constructor, which parses keywords


def lookup(zone: Zone, qname: bytes, qtype: int) -> Outcome:
    """Look one name and type up in one zone.

    Args:
        zone: the zone to look in; a name outside it gives `OutOfZone`.
        qname: lower-case wire name.
        qtype: type asked for; `ANY` gives one RRset of the name, the one with the smallest type number.

    Source: RFC 1034 §4.3.2 steps 3 and 4.
    """
    packed = zone.names.get(qname)
    if packed is None:
        return _lookup_missing(zone, qname, qtype)
    if isinstance(packed, bytes) and not packed[0]:
        found = find_rrset(packed, qname, qtype)
        if found is not None:  # the common case, in three steps
            return _new(Answer, (qname, found, False))
    elif is_occluded(packed):
        return _lookup_missing(zone, qname, qtype)
    elif is_cut(packed):
        return _lookup_ds(zone, qname, packed) if qtype == rrtypes.DS else _referral(zone, qname, packed)
    return _lookup_data(zone, packed, qname, qname, qtype)


def deepest_visible(zone: Zone, name: bytes) -> tuple[bytes, Packed] | None:
    """Return the deepest name at or above `name` that exists and is not occluded; None outside the zone.

    For an occluded name this is the cut or the DNAME that hides it, for any other missing name its closest
    encloser (RFC 4592 §3.3.1). `packed.is_cut` and `packed.has_dname` tell which of the three it is.
    """
    get = zone.names.get
    at = 0
    while True:
        ancestor = name[at:]
        packed = get(ancestor)
        if packed is not None and not (
            packed[0] & FLAG_OCCLUDED if isinstance(packed, bytes) else packed.is_occluded
        ):
            return ancestor, packed
        if not name[at]:
            return None
        at += 1 + name[at]


def additional_addresses(zone: Zone, target: bytes) -> tuple[RRset, ...]:
    """Return the A and AAAA RRsets that the zone holds at a name, glue included, policy groups left out.

    A host that exists through a wildcard has the wildcard's addresses, below a cut too: NSD and Knot both
    read the rules so, and a delegation whose glue is a wildcard would be dead otherwise.

    Source: RFC 1034 §4.3.2 step 6, RFC 4592 §3.3.
    """
    packed = zone.names.get(target)
    if packed is None:
        packed = _source_of_synthesis(zone, target)
    if packed is None or (is_occluded(packed) and not _is_below_cut(zone, target)):
        return ()
    return _addresses(packed, target)


def _addresses(packed: Packed, owner: bytes) -> tuple[RRset, ...]:
    """Return the RRsets of A and AAAA, in this order."""
    a, aaaa = find_rrset(packed, owner, rrtypes.A), find_rrset(packed, owner, rrtypes.AAAA)
    if aaaa is None:
        return () if a is None else (a,)
    return (aaaa,) if a is None else (a, aaaa)


def _source_of_synthesis(zone: Zone, name: bytes) -> Packed | None:
    """Return the wildcard below the longest existing ancestor of a missing name, occluded or not."""
    get = zone.names.get
    while name != ROOT:
        name = parent_of(name)
        if get(name) is not None:
            return get(WILDCARD_LABEL + name)
    return None


def _lookup_data(zone: Zone, packed: Packed, owner: bytes, qname: bytes, qtype: int) -> Outcome:
    """Answer from a node's data: the type, else a CNAME, else nothing. `owner` is a wildcard where it differs
    from `qname`.
    """
    is_wildcard = owner is not qname
    found = find_data(packed, owner, qtype)
    if found is not None:
        return Answer(qname, found, is_wildcard)
    if qtype == rrtypes.ANY:
        found = first_data(packed, owner)
        return NoData(zone.negative_soa) if found is None else Answer(qname, found, is_wildcard)
    alias = find_data(packed, owner, rrtypes.CNAME)
    if alias is not None:
        return Cname(qname, alias, is_wildcard)
    return NoData(zone.negative_soa)


def _lookup_missing(zone: Zone, qname: bytes, qtype: int) -> Outcome:
    """Answer for a name that has no data of its own to give: not in the table, or occluded."""
    place = deepest_visible(zone, qname)
    if place is None:
        return OutOfZone()
    ancestor, packed = place
    if not isinstance(packed, bytes) or packed[0]:
        if is_cut(packed):
            return _referral(zone, ancestor, packed)
        if has_dname(packed):
            dname = find_rrset(packed, ancestor, rrtypes.DNAME)
            assert dname is not None  # that is what the flag says; the builder refuses policy groups of it
            return Dname(dname)
    return _lookup_wildcard(zone, ancestor, qname, qtype)


def _lookup_wildcard(zone: Zone, closest_encloser: bytes, qname: bytes, qtype: int) -> Outcome:
    """Answer from the source of synthesis, if the closest encloser has one (RFC 4592 §3.3.1).

    A source of synthesis that is an empty non-terminal exists and gives NODATA. NS at a wildcard is data like
    any other here (§4.2 leaves it open): it delegates the name that starts with the asterisk, and no name
    that matches it.
    """
    source = WILDCARD_LABEL + closest_encloser
    packed = zone.names.get(source)
    if packed is None:
        return NxDomain(zone.negative_soa)
    return _lookup_data(zone, packed, source, qname, qtype)


def _lookup_ds(zone: Zone, qname: bytes, cut: Packed) -> Outcome:
    """Answer DS at the cut itself: the parent side is the authority for it (RFC 4035 §3.1.4.1)."""
    ds = find_data(cut, qname, rrtypes.DS)
    return NoData(zone.negative_soa) if ds is None else Answer(qname, ds)


def _referral(zone: Zone, owner: bytes, cut: Packed) -> Outcome:
    """Refer to the child zone, with the addresses this zone knows for its name servers (RFC 9471)."""
    ns = find_rrset(cut, owner, rrtypes.NS)
    assert ns is not None  # the builder refuses policy groups of type NS
    glue: tuple[RRset, ...] = ()
    sibling_glue: tuple[RRset, ...] = ()
    for target in ns.rdatas:
        if is_subdomain(target, owner):
            packed = zone.names.get(target) or _source_of_synthesis(zone, target)
            if packed is not None:  # hidden by this very cut, so it is glue without a further look
                glue += _addresses(packed, target)
        else:
            sibling_glue += additional_addresses(zone, target)
    return Referral(ns, _ds_of(zone, owner, cut), glue, sibling_glue)


def _ds_of(zone: Zone, owner: bytes, cut: Packed) -> RRset | None:
    """Return the DS set that a referral carries: only a signed zone's does (RFC 4035 §3.1.4), for who else
    could check it? A zone is signed that has RRSIGs (§2.2), as NSD and Knot read it too.
    """
    apex = zone.names.get(zone.origin)
    is_signed = apex is not None and has_type(apex, rrtypes.RRSIG)
    return find_rrset(cut, owner, rrtypes.DS) if is_signed else None


def _is_below_cut(zone: Zone, name: bytes) -> bool:
    """Say whether an occluded name is hidden by a cut (then its addresses may be glue), not by a DNAME."""
    place = deepest_visible(zone, name)
    return place is not None and is_cut(place[1])
