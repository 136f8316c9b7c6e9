"""Where do domain names stand inside rdata?

The codec needs two facts per type: where names stand, so that a received message can be read (names in rdata
may be compressed there), and whether we may compress them ourselves. RFC 3597 §4 allows compression for the
types of RFC 1035 only and asks receivers to expand some later ones too.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.dns import rrtypes


class NameLayout(NamedTuple):
    """`skip` octets stand before the names, then `name_count` names, then whatever remains."""

    skip: int
    name_count: int


_RP, _AFSDB, _RT, _PX, _KX = 17, 18, 21, 26, 36

COMPRESSIBLE = {
    rrtypes.NS: NameLayout(0, 1),
    rrtypes.CNAME: NameLayout(0, 1),
    rrtypes.PTR: NameLayout(0, 1),
    rrtypes.MX: NameLayout(2, 1),
    rrtypes.SOA: NameLayout(0, 2),
    rrtypes.MB: NameLayout(0, 1),
    rrtypes.MD: NameLayout(0, 1),
    rrtypes.MF: NameLayout(0, 1),
    rrtypes.MG: NameLayout(0, 1),
    rrtypes.MR: NameLayout(0, 1),
    rrtypes.MINFO: NameLayout(0, 2),
}
"""Types of RFC 1035: their names are compressed in messages (RFC 3597 §4)."""

EXPANDABLE = COMPRESSIBLE | {
    _RP: NameLayout(0, 2),
    _AFSDB: NameLayout(2, 1),
    _RT: NameLayout(2, 1),
    _PX: NameLayout(2, 2),
    _KX: NameLayout(2, 1),
    rrtypes.SRV: NameLayout(6, 1),
    rrtypes.DNAME: NameLayout(0, 1),
}
"""Types whose names a receiver expands, because old senders compressed them (RFC 3597 §4)."""


def soa_numbers(rdata: bytes) -> tuple[int, int]:
    """Return (serial, minimum) of SOA rdata: the first and last of its five final 32-bit fields (RFC 1035
    §3.3.13).
    """
    return int.from_bytes(rdata[-20:-16], "big"), int.from_bytes(rdata[-4:], "big")


def target_of(rrtype: int, rdata: bytes) -> bytes | None:
    """Return the host name that additional section processing follows (NS, MX, SRV), else None (RFC 1035
    §3.3).
    """
    skip = _TARGET_AT.get(rrtype)
    return None if skip is None else rdata[skip:]


_TARGET_AT = {rrtypes.NS: 0, rrtypes.MX: 2, rrtypes.SRV: 6}
