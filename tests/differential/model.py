"""What is a set of zones, and how is it written down?

Names are kept relative to a base, so that hundreds of sets can stand in one server side by side, each below a
base of its own, and the answers of one set never depend on another's. A set whose base is the root owns the
whole server.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MAX_NAME_OCTETS = 255

TYPES = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "DNAME": 39,
    "DS": 43,
    "ANY": 255,
    "TYPE65280": 65280,
    "TYPE65281": 65281,
}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
CLASS_IN, CLASS_CH = 1, 3


class Name(NamedTuple):
    """Labels from the left, without the root; relative to the set's base, or absolute where it is outside."""

    labels: tuple[bytes, ...]
    is_outside: bool = False

    def absolute(self, base: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Return all labels of the name below a base."""
        return self.labels if self.is_outside else self.labels + base

    def text(self, base: tuple[bytes, ...]) -> str:
        """Return the name as a master file has it."""
        return "".join(f"{_label_text(label)}." for label in self.absolute(base)) or "."

    def wire(self, base: tuple[bytes, ...]) -> bytes:
        """Return the name in wire form, its letters as they are."""
        return b"".join(bytes((len(label),)) + label for label in self.absolute(base)) + b"\x00"


Field = str | Name


class Record(NamedTuple):
    """One record; names inside its rdata are names, everything else is text."""

    owner: Name
    rrtype: str
    ttl: int
    rdata: tuple[Field, ...]

    def text(self, base: tuple[bytes, ...]) -> str:
        """Return the record as a line of a master file."""
        fields = [field.text(base) if isinstance(field, Name) else field for field in self.rdata]
        return f"{self.owner.text(base)} {self.ttl} IN {self.rrtype} {' '.join(fields)}"


class ZoneSource(NamedTuple):
    """A zone before any server has read it; its SOA stands first."""

    origin: Name
    records: tuple[Record, ...]

    def text(self, base: tuple[bytes, ...]) -> str:
        """Return the master file."""
        return "".join(f"{record.text(base)}\n" for record in self.records)


class Question(NamedTuple):
    """A question, and how it is sent; `payload` is EDNS's, and None leaves EDNS out."""

    qname: Name
    qtype: int
    is_recursive: bool = False
    payload: int | None = None
    is_dnssec_ok: bool = False
    is_tcp: bool = False
    case_seed: int = 0
    is_checking_disabled: bool = False
    is_authentic: bool = False
    qclass: int = CLASS_IN

    def describe(self, base: tuple[bytes, ...]) -> str:
        """Return what a person would type after `dig`."""
        words = [self.qname.text(base), TYPE_NAMES.get(self.qtype, f"TYPE{self.qtype}")]
        words.append("+rec" if self.is_recursive else "+norec")
        words.append("+noedns" if self.payload is None else f"+bufsize={self.payload}")
        words += ["+dnssec"] * self.is_dnssec_ok + ["+tcp"] * self.is_tcp
        words += ["+cd"] * self.is_checking_disabled + ["+ad"] * self.is_authentic
        words += [f"-c CLASS{self.qclass}"] * (self.qclass != CLASS_IN)
        if self.case_seed:
            words.append(f"(case {self.case_seed})")
        return " ".join(words)


class ZoneSet(NamedTuple):
    """Zones of one server that belong together, and the questions to ask about them."""

    zones: tuple[ZoneSource, ...]
    questions: tuple[Question, ...] = ()
    is_root: bool = False

    @property
    def record_count(self) -> int:
        """Return the number of records in all zones."""
        return sum(len(zone.records) for zone in self.zones)


def udp_limit(payload: int | None) -> int:
    """Return the longest UDP answer: 512, or the EDNS size up to the 1232 that all three servers have."""
    return min(max(payload or 512, 512), 1232)


def base_of(zone_set: ZoneSet, number: int) -> tuple[bytes, ...]:
    """Return the base under which a set is served as one of many."""
    return () if zone_set.is_root else (b"s%d" % number, b"test")


def octets(labels: Iterable[bytes]) -> int:
    """Return the length of a name in wire form."""
    return sum(len(label) + 1 for label in labels) + 1


def is_at_or_below(name: Name, ancestor: Name) -> bool:
    """Say whether a name lies at or below another; upper and lower case are one."""
    depth = len(ancestor.labels)
    if name.is_outside or depth > len(name.labels):
        return False
    return not depth or _folded(name.labels[-depth:]) == _folded(ancestor.labels)


def key_of(name: Name) -> tuple[bytes, ...]:
    """Return what tells two names apart: their labels in lower case."""
    return _folded(name.labels)


def _folded(labels: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(label.lower() for label in labels)


def _label_text(label: bytes) -> str:
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*"
    return "".join(chr(octet) if octet in plain else f"\\{octet:03d}" for octet in label)
