"""What does one record of a master file leave to the next, and what stands before its rdata?

Both lanes of the reader (`zone.master_file`, `zone.fast_lane`) share this: the state of the reading, and the
fields `[TTL] [class] type`, TTL and class in either order.

Carries out: RFC 1035 §5.1, RFC 2308 §4 ($TTL), RFC 3597 §5 (types and classes without a name).
"""

from __future__ import annotations

from collections.abc import Sequence

from r53lite.dns import rrtypes
from r53lite.dns.presentation import parse_ttl

_CLASSES = {"IN": rrtypes.CLASS_IN, "CS": 2, "CH": rrtypes.CLASS_CH, "HS": 4}
_COMMON_TYPES = {
    rrtypes.format_rrtype(rrtype): rrtype
    for rrtype in (
        rrtypes.A,
        rrtypes.NS,
        rrtypes.CNAME,
        rrtypes.SOA,
        rrtypes.PTR,
        rrtypes.MX,
        rrtypes.TXT,
        rrtypes.AAAA,
        rrtypes.SRV,
        rrtypes.DS,
        rrtypes.CAA,
    )
}


class ReadingState:
    """Origin, last owner and TTLs, as they stand between two records.

    `default_ttl` is of $TTL, `last_ttl` the last one stated, `soa_minimum` that of the SOA, each None until
    seen. `owner` is None before the first record; `is_owner_faulty` says that the last one was refused.
    """

    __slots__ = ("default_ttl", "is_owner_faulty", "last_ttl", "origin", "owner", "soa_minimum")

    def __init__(self, origin: bytes) -> None:
        self.origin = origin
        self.owner: bytes | None = None
        self.is_owner_faulty = False
        self.default_ttl: int | None = None
        self.last_ttl: int | None = None
        self.soa_minimum: int | None = None

    def keep(self, owner: bytes | None, last_ttl: int | None) -> None:
        """Take over what sound records left: their owner, if there were any, and the last stated TTL."""
        self.last_ttl = last_ttl
        if owner is not None:
            self.owner, self.is_owner_faulty = owner, False

    def implied_ttl(self) -> int:
        """Return the TTL of a record that states none: $TTL, else the last stated, else the SOA's minimum.

        Source: RFC 2308 §4, RFC 1035 §5.1; the SOA's minimum is RFC 1035's older default.
        """
        for ttl in (self.default_ttl, self.last_ttl, self.soa_minimum):
            if ttl is not None:
                return ttl
        raise ValueError("record has no ttl, and there is no $TTL, earlier ttl or SOA to take it from")


def parse_head(fields: Sequence[str], at: int) -> tuple[int | None, int, int]:
    """Read `[TTL] [class] type` from field `at` on.

    Returns:
        The TTL if it is stated, the type, and the index of the first field of the rdata.

    Raises:
        ValueError: no type, a class that is not served, or a type or TTL that is none.
    """
    ttl = rrclass = None
    while at < len(fields):
        field = fields[at]
        if ttl is None and field[0] in "0123456789":
            ttl = parse_ttl(field)
        elif rrclass is None and (rrclass := _parse_class(field)) is not None:
            if rrclass != rrtypes.CLASS_IN:
                raise ValueError(f"class {field!r} is not served; expected IN")
        else:
            return ttl, _COMMON_TYPES.get(field) or parse_data_type(field), at + 1
        at += 1
    raise ValueError("record has no type")


def parse_data_type(text: str) -> int:
    """Return the number of a type that can hold data (RFC 6895 §3.1: 0 is reserved).

    Raises:
        ValueError: no such type, or one of questions and messages.
    """
    rrtype = rrtypes.parse_rrtype(text)
    if rrtype in rrtypes.META_TYPES or rrtype == 0:
        raise ValueError(f"record type {text!r} stands only in questions and messages; it holds no data")
    return rrtype


def _parse_class(text: str) -> int | None:
    """Return the class a field names, or None if it names none."""
    text = text.upper()
    if text.startswith("CLASS") and text[5:].isdigit():
        return rrtypes.parse_rrclass(text)
    return _CLASSES.get(text)
