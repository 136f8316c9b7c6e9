"""Do other names get the same reply but for the name?

Three kinds of questions are answered alike for many names, so that one compiled answer serves all of them:

- *missing names*: a name that has no data of its own to give is answered by its closest encloser:
  NXDOMAIN, the wildcard's data, or the referral of the cut above. All names of the same length with the
  same closest encloser share the reply.
- *plain names*: one record of a type without names in its data, at a name with nothing else. All such
  names of the same length in one zone share what stands behind that record.
- *names without the type*: a name that exists, has neither the type nor a CNAME, and is no cut. All such
  names of the same length in one zone share the zone's negative answer.

`shape_of` tells the kind without answering: it says what the names share, never what they are answered.
"Same length" makes every compression pointer the same.

Left out, because the reply depends on the whole name: below a DNAME (the target is made of it), wildcards
that are CNAMEs (the chain may come back to the name) or policy groups, and the addresses of the zone's own
name servers (they leave the additional section when they are the answer).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from r53lite.dns import rrtypes
from r53lite.dns.name import ROOT, WILDCARD_LABEL
from r53lite.dns.rdata import COMPRESSIBLE
from r53lite.zone.model import Packed, Zone
from r53lite.zone.packed import FLAG_CUT, FLAG_DNAME, FLAG_OCCLUDED, has_type, is_occluded

_POINTER_TO_QNAME = b"\xc0\x0c"  # RFC 1035 §4.1.4; the question begins behind the header
_CLASS_IN = b"\x00\x01"
_HEAD_OCTETS = 9  # of a packed node with one RRset: flags, type, TTL, count
_new = tuple.__new__  # a NamedTuple's own constructor costs twice as much
_ONE = b"\x00\x01"  # the count of a single record
# Types with names in their data, which take part in compression or bring addresses along; DS, which the
# parent's side answers (RFC 4035 §3.1.4.1); ANY, which a name has whatever it has.
_NEVER_SHARED = frozenset((*COMPRESSIBLE, rrtypes.SRV, rrtypes.DNAME, rrtypes.DS, rrtypes.ANY))


class Shape(NamedTuple):
    """What a question shares with others.

    `key` tells one shape from another; where nothing is shared it is the name itself. `private_octets` at
    the front of the name are its own: no name of the reply may point into them. `record` is the answer
    record of a plain name, the only part of the sections that is its own.
    """

    key: Hashable
    is_shared: bool = False
    private_octets: int = 0
    record: bytes = b""


def shape_of(zone: Zone, qname: bytes, qtype: int) -> Shape:
    """Return the shape of a question in the zone that answers it."""
    packed = zone.names.get(qname)
    if packed.__class__ is bytes and packed[0] == 0:  # plain data, neither a border nor below one
        if len(packed) > _HEAD_OCTETS and packed[1:3] == qtype.to_bytes(2, "big"):
            return _plain(zone, qname, qtype, packed)
        if qtype in _NEVER_SHARED or has_type(packed, qtype) or has_type(packed, rrtypes.CNAME):
            return _alone(qname)
        return _new(Shape, ((zone.origin, len(qname)), True, len(qname) - len(zone.origin), b""))
    if packed is None or is_occluded(packed):
        return _missing(zone, qname, qtype)
    return _alone(qname)


def _alone(qname: bytes) -> Shape:
    """Return the shape of a name that shares nothing."""
    return Shape(qname)


def _missing(zone: Zone, qname: bytes, qtype: int) -> Shape:
    """Return the shape of a name without data of its own: it is told by what lies above it.

    The walk is `lookup.deepest_visible` from the parent on, spelled out: a flood of random names comes here.
    """
    get = zone.names.get
    at = 0
    while True:
        if not qname[at]:
            return _alone(qname)
        at += 1 + qname[at]
        encloser = qname[at:]
        packed = get(encloser)
        if packed.__class__ is bytes:
            if not packed[0] & FLAG_OCCLUDED:
                break
        elif packed is not None and not is_occluded(packed):
            break
    if packed.__class__ is not bytes or packed[0] & FLAG_DNAME or qname in zone.ns.rdatas:
        return _alone(qname)
    if not packed[0] & FLAG_CUT:
        source = get(WILDCARD_LABEL + encloser)
        if source is not None and not _is_alike_for_all(source, qtype):
            return _alone(qname)
    return _new(Shape, ((encloser, len(qname), b""), True, at, b""))


def _is_alike_for_all(source: Packed, qtype: int) -> bool:
    """Say whether a wildcard answers every name alike: no policy, and no chain that may come back."""
    if source.__class__ is not bytes:
        return False
    return has_type(source, qtype) or not has_type(source, rrtypes.CNAME)


def _plain(zone: Zone, qname: bytes, qtype: int, packed: bytes) -> Shape:
    """Return the shape of a name whose first type is the one asked for, if it is plain.

    In the packed node what follows the count is length and rdata: a record of the answer lies there ready.
    """
    rdata_bytes = len(packed) - _HEAD_OCTETS - 2
    if (
        packed[7:_HEAD_OCTETS] != _ONE
        or packed[_HEAD_OCTETS] << 8 | packed[_HEAD_OCTETS + 1] != rdata_bytes
        or qtype in _NEVER_SHARED
        or qname in zone.ns.rdatas
        or qname == ROOT
    ):
        return _alone(qname)
    record = b"".join((_POINTER_TO_QNAME, packed[1:3], _CLASS_IN, packed[3:7], packed[_HEAD_OCTETS:]))
    key = (zone.origin, len(qname), qtype, rdata_bytes)
    return _new(Shape, (key, True, len(qname) - len(zone.origin), record))
