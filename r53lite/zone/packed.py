"""How does a name's data lie in memory?

A zone of a million names cannot afford an object per record, so a name that exists is one `bytes`: an octet
of flags, then for each RRset, in order of type number, type(2) ttl(4) count(2), then `count` times
rdlength(2) and rdata. An empty non-terminal is the octet of flags alone. A name with one address takes 15
octets, which the garbage collector never looks at. The functions here read such bytes without unpacking more
than they must.

A name with a policy group cannot be bytes: it is a `PolicyNode`, and every function here takes both. Rdata is
uncompressed wire form with lower-case names where RFC 4034 §6.2 says so, in the order of the file and without
duplicates.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from r53lite.dns import rrtypes
from r53lite.dns.rrset import RRset
from r53lite.zone.node import Data, Node, Packed

FLAG_CUT, FLAG_OCCLUDED, FLAG_DNAME = 1, 2, 4
MAX_RRSET_RECORDS = 0xFFFF  # the count has 16 bits; no message holds more than 5,957 records anyway

EMPTY_NON_TERMINAL = b"\x00"
_RRSET_HEAD = struct.Struct("!HIH")
_HEAD_OCTETS = _RRSET_HEAD.size
_unpack_head = _RRSET_HEAD.unpack_from
_new = tuple.__new__  # a third of the time of the class's own constructor, which parses keywords


def is_cut(packed: Packed) -> bool:
    """Say whether the name is a zone cut: NS below the apex."""
    return bool(packed[0] & FLAG_CUT) if isinstance(packed, bytes) else packed.is_cut


def is_occluded(packed: Packed) -> bool:
    """Say whether the name lies below a cut or a DNAME: never answered."""
    return bool(packed[0] & FLAG_OCCLUDED) if isinstance(packed, bytes) else packed.is_occluded


def has_dname(packed: Packed) -> bool:
    """Say whether the name redirects what is below it: a DNAME that no cut at the same name makes void."""
    if isinstance(packed, bytes):
        return bool(packed[0] & FLAG_DNAME)
    return rrtypes.DNAME in packed.data and not packed.is_cut


def pack_node(rrsets: Iterable[RRset], flags: int = 0) -> bytes:
    """Pack the RRsets of one name; their owner is not kept, it is the key of the name table.

    Args:
        rrsets: in any order, each type once.
        flags: `FLAG_CUT`, `FLAG_OCCLUDED` and `FLAG_DNAME`, added up.
    """
    packed = bytearray((flags,))
    for rrset in sorted(rrsets, key=lambda rrset: rrset.rrtype):
        packed += _RRSET_HEAD.pack(rrset.rrtype, rrset.ttl, len(rrset.rdatas))
        for rdata in rrset.rdatas:
            packed += len(rdata).to_bytes(2, "big")
            packed += rdata
    return bytes(packed)


def unpack_node(packed: Packed, owner: bytes) -> Node:
    """Unpack the whole of a name: the view that the clear path and tools use."""
    if not isinstance(packed, bytes):
        return Node(packed.data, packed.is_cut, packed.is_occluded)
    rrsets: dict[int, Data] = {rrset.rrtype: rrset for rrset in rrsets_of(packed, owner)}
    return Node(rrsets, bool(packed[0] & FLAG_CUT), bool(packed[0] & FLAG_OCCLUDED))


def rrsets_of(packed: bytes, owner: bytes) -> Iterator[RRset]:
    """Yield the RRsets of a packed name in order of type number."""
    at, end = 1, len(packed)
    while at < end:
        rrset, at = _rrset_at(packed, at, owner)
        yield rrset


def find_data(packed: Packed, owner: bytes, rrtype: int) -> Data | None:
    """Return the RRset or the policy group of one type, or None."""
    if isinstance(packed, bytes):
        return find_rrset(packed, owner, rrtype)
    return packed.data.get(rrtype)


def find_rrset(packed: Packed, owner: bytes, rrtype: int) -> RRset | None:
    """Return the RRset of one type, or None; a policy group is none. Nothing else is unpacked."""
    if not isinstance(packed, bytes):
        found = packed.data.get(rrtype)
        return found if isinstance(found, RRset) else None
    at, end = 1, len(packed)
    while at < end:
        found_type, ttl, count = _unpack_head(packed, at)
        at += _HEAD_OCTETS
        if found_type == rrtype:
            return _new(RRset, (owner, rrtype, ttl, _rdatas_at(packed, at, count)))
        if found_type > rrtype:
            return None
        for _ in range(count):
            at += 2 + (packed[at] << 8 | packed[at + 1])
    return None


def first_data(packed: Packed, owner: bytes) -> Data | None:
    """Return the data of the smallest type number (what ANY gets, RFC 8482 §4.1); None for an empty name."""
    if not isinstance(packed, bytes):
        return packed.data[min(packed.data)]
    return _rrset_at(packed, 1, owner)[0] if len(packed) > 1 else None


def has_type(packed: Packed, rrtype: int) -> bool:
    """Say whether the name has data of a type, RRset or policy group."""
    return _find_type(packed, rrtype) >= 0 if isinstance(packed, bytes) else rrtype in packed.data


def types_of(packed: Packed) -> list[int]:
    """Return the types that the name has, in order of number."""
    if not isinstance(packed, bytes):
        return sorted(packed.data)
    found = []
    at, end = 1, len(packed)
    while at < end:
        rrtype, _, count = _unpack_head(packed, at)
        found.append(rrtype)
        at = _skip(packed, at + _HEAD_OCTETS, count)
    return found


def _find_type(packed: bytes, wanted: int) -> int:
    """Return where the RRset of a type begins, or -1."""
    at, end = 1, len(packed)
    while at < end:
        rrtype, _, count = _unpack_head(packed, at)
        if rrtype >= wanted:
            return at if rrtype == wanted else -1
        at = _skip(packed, at + _HEAD_OCTETS, count)
    return -1


def _skip(packed: bytes, at: int, count: int) -> int:
    """Return the index behind `count` rdatas."""
    for _ in range(count):
        at += 2 + (packed[at] << 8 | packed[at + 1])
    return at


def _rrset_at(packed: bytes, at: int, owner: bytes) -> tuple[RRset, int]:
    """Unpack the RRset that begins at an index; return it and the index behind it."""
    rrtype, ttl, count = _unpack_head(packed, at)
    at += _HEAD_OCTETS
    return RRset(owner, rrtype, ttl, _rdatas_at(packed, at, count)), _skip(packed, at, count)


def _rdatas_at(packed: bytes, at: int, count: int) -> tuple[bytes, ...]:
    """Return `count` rdatas, the first of which begins with its length at an index."""
    if count == 1:
        start = at + 2
        return (packed[start : start + (packed[at] << 8 | packed[at + 1])],)
    rdatas = []
    for _ in range(count):
        end = at + 2 + (packed[at] << 8 | packed[at + 1])
        rdatas.append(packed[at + 2 : end])
        at = end
    return tuple(rdatas)
