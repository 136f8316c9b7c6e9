"""What does a zone say about a name and a type?

The table decides nearly everything: a name that is in it and not occluded is answered from its node; for any
other the deepest ancestor that is in it and not occluded tells the case. If that ancestor is a cut or has a
DNAME, the name is below it; otherwise it is the closest encloser, where a wildcard may match. Because
occlusion is settled when the zone is built, no walk from the apex is needed, and no object is made but the
outcome.

Carries out: RFC 1034 §4.3.2, RFC 2308 §2, RFC 4592 §3.3, RFC 6672 §3.2, RFC 8020, RFC 8482 §4.1, RFC 4035
§3.1.4.1 (DS belongs to the parent side). Leaves out: DNSSEC proofs, and CNAME chains, which the caller
follows name by name.
"""

from __future__ import annotations

from r53lite.dns import rrtypes
from r53lite.dns.name import WILDCARD_LABEL, is_subdomain
from r53lite.dns.rrset import RRset
from r53lite.zone.model import Node, Zone
from r53lite.zone.outcome import Answer, Cname, Dname, NoData, NxDomain, Outcome, OutOfZone, Referral


def lookup(zone: Zone, qname: bytes, qtype: int) -> Outcome:
    """Look one name and type up in one zone.

    Args:
        zone: the zone to look in; a name outside it gives `OutOfZone`.
        qname: lower-case wire name.
        qtype: type asked for; `ANY` gives one RRset of the name, the one with the smallest type number.

    Source: RFC 1034 §4.3.2 steps 3 and 4.
    """
    node = zone.nodes.get(qname)
    if node is None or node.is_occluded:
        return _lookup_missing(zone, qname, qtype)
    if node.is_cut and qtype != rrtypes.DS:
        return _referral(zone, qname, node)
    if node.is_cut:
        return _lookup_ds(zone, qname, node)
    return _lookup_data(zone, node, qname, qtype, is_wildcard=False)


def additional_addresses(zone: Zone, target: bytes) -> tuple[RRset, ...]:
    """Return the A and AAAA RRsets that the zone holds at a name, glue included, policy groups left out.

    Source: RFC 1034 §4.3.2 step 6.
    """
    node = zone.nodes.get(target)
    if node is None or not node.data or (node.is_occluded and not _is_below_cut(zone, target)):
        return ()
    found = (node.data.get(rrtypes.A), node.data.get(rrtypes.AAAA))
    return tuple(rrset for rrset in found if isinstance(rrset, RRset))


def _lookup_data(zone: Zone, node: Node, qname: bytes, qtype: int, *, is_wildcard: bool) -> Outcome:
    """Answer from a node's data: the type, else a CNAME, else nothing."""
    found = node.data.get(qtype)
    if found is not None:
        return Answer(qname, found, is_wildcard)
    if qtype == rrtypes.ANY and node.data:
        return Answer(qname, node.data[min(node.data)], is_wildcard)
    alias = node.data.get(rrtypes.CNAME)
    if alias is not None:
        return Cname(qname, alias, is_wildcard)
    return NoData(zone.negative_soa)


def _lookup_missing(zone: Zone, qname: bytes, qtype: int) -> Outcome:
    """Answer for a name that has no data of its own to give: not in the table, or occluded."""
    place = _deepest_visible(zone, qname)
    if place is None:
        return OutOfZone()
    ancestor, node = place
    if node.is_cut:
        return _referral(zone, ancestor, node)
    dname = node.data.get(rrtypes.DNAME)
    if isinstance(dname, RRset):
        return Dname(dname)
    return _lookup_wildcard(zone, ancestor, qname, qtype)


def _lookup_wildcard(zone: Zone, closest_encloser: bytes, qname: bytes, qtype: int) -> Outcome:
    """Answer from the source of synthesis, if the closest encloser has one (RFC 4592 §3.3.1).

    A source of synthesis that is an empty non-terminal exists and gives NODATA. NS at a wildcard is data like
    any other here (§4.2 leaves it open): it delegates the name that starts with the asterisk, and no name
    that matches it.
    """
    source = zone.nodes.get(WILDCARD_LABEL + closest_encloser)
    if source is None:
        return NxDomain(zone.negative_soa)
    return _lookup_data(zone, source, qname, qtype, is_wildcard=True)


def _lookup_ds(zone: Zone, qname: bytes, cut: Node) -> Outcome:
    """Answer DS at the cut itself: the parent side is the authority for it (RFC 4035 §3.1.4.1)."""
    ds = cut.data.get(rrtypes.DS)
    return NoData(zone.negative_soa) if ds is None else Answer(qname, ds)


def _referral(zone: Zone, owner: bytes, cut: Node) -> Outcome:
    """Refer to the child zone, with the addresses this zone knows for its name servers (RFC 9471)."""
    ns = cut.data[rrtypes.NS]
    ds = cut.data.get(rrtypes.DS)
    assert isinstance(ns, RRset)  # the builder refuses policy groups of type NS
    glue: tuple[RRset, ...] = ()
    sibling_glue: tuple[RRset, ...] = ()
    for target in ns.rdatas:
        addresses = additional_addresses(zone, target)
        if is_subdomain(target, owner):
            glue += addresses
        else:
            sibling_glue += addresses
    return Referral(ns, ds if isinstance(ds, RRset) else None, glue, sibling_glue)


def _deepest_visible(zone: Zone, name: bytes) -> tuple[bytes, Node] | None:
    """Return the deepest name at or above `name` that exists and is not occluded; None outside the zone.

    For an occluded name this is the cut or the DNAME that hides it, for any other missing name its closest
    encloser.
    """
    nodes = zone.nodes
    at = 0
    while True:
        ancestor = name[at:]
        node = nodes.get(ancestor)
        if node is not None and not node.is_occluded:
            return ancestor, node
        if not name[at]:
            return None
        at += 1 + name[at]


def _is_below_cut(zone: Zone, name: bytes) -> bool:
    """Say whether an occluded name is hidden by a cut (then its addresses may be glue), not by a DNAME."""
    place = _deepest_visible(zone, name)
    return place is not None and place[1].is_cut
