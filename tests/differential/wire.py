"""What do a query's and a reply's bytes say? A codec of the tests' own, so that ours is judged too.

The reader is strict: what a resolver could stumble over (a pointer that does not go back, octets after the
message, a compressed name where RFC 3597 §4 forbids one, a record twice) is kept as a fault of the reply.
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from typing import NamedTuple

from tests.differential.model import TYPES, Question

QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010
_OPT = 41
_DO = 0x8000
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_NAME_AT = {TYPES[rrtype]: 0 for rrtype in ("NS", "CNAME", "PTR", "DNAME")} | {
    TYPES["MX"]: 2,
    TYPES["SRV"]: 6,
}
_UNCOMPRESSED = (TYPES["SRV"], TYPES["DNAME"])


class MalformedReplyError(Exception):
    """A reply that is no DNS message."""


class Rr(NamedTuple):
    """One record of a reply; names are in lower case, rdata holds no pointers."""

    owner: bytes
    rrtype: int
    rrclass: int
    ttl: int
    rdata: bytes


class Edns(NamedTuple):
    """What the reply's OPT record says."""

    payload: int
    version: int
    flags: int
    options: tuple[int, ...]


Section = Counter[Rr]


class Answer(NamedTuple):
    """A reply, made comparable; `faults` are what a reader could stumble over.

    The question keeps its letters, which have to come back as they were sent.
    """

    flags: int
    rcode: int
    question: tuple[bytes, int, int] | None
    answer: Section
    authority: Section
    additional: Section
    edns: Edns | None
    size: int
    faults: tuple[str, ...]
    is_joined: bool = False


def encode(question: Question, base: tuple[bytes, ...], query_id: int) -> bytes:
    """Return the query in wire form, letters in mixed case where the question says so."""
    qname = question.qname.wire(base)
    if question.case_seed:
        qname = _mix_case(qname, question.case_seed)
    flags = RD * question.is_recursive | CD * question.is_checking_disabled | AD * question.is_authentic
    message = _HEADER.pack(query_id, flags, 1, 0, 0, question.payload is not None)
    message += qname + struct.pack("!HH", question.qtype, question.qclass)
    if question.payload is not None:
        flags = _DO if question.is_dnssec_ok else 0
        message += b"\x00" + struct.pack("!HHBBHH", _OPT, question.payload, 0, 0, flags, 0)
    return message


def decode(reply: bytes) -> Answer:
    """Read a reply.

    Raises:
        MalformedReplyError: it cannot be read at all.
    """
    try:
        return _Reader(reply).read()
    except (IndexError, struct.error) as error:
        raise MalformedReplyError(f"cut short: {reply.hex()}") from error


class _Reader:
    """One pass over one reply."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = _HEADER.size
        self._faults: list[str] = []
        self._edns: Edns | None = None
        self._rcode = 0

    def read(self) -> Answer:
        _, flags, questions, *counts = _HEADER.unpack_from(self._message)
        self._rcode = flags & 15
        asked = None
        for _ in range(questions):
            name = self._name()
            asked = (name, *struct.unpack_from("!HH", self._message, self._at))
            self._at += 4
        answer, authority, additional = (self._section(count) for count in counts)
        if self._at != len(self._message):
            self._faults.append(f"{len(self._message) - self._at} octets after the message")
        return Answer(
            flags & 0x7FF0 | flags & QR,
            self._rcode,
            asked,
            answer,
            authority,
            additional,
            self._edns,
            len(self._message),
            tuple(self._faults),
        )

    def _section(self, count: int) -> Section:
        found: Section = Counter()
        for _ in range(count):
            owner = self._name()
            rrtype, rrclass, ttl, length = _RECORD.unpack_from(self._message, self._at)
            self._at += _RECORD.size
            end = self._at + length
            if rrtype == _OPT:
                self._read_opt(rrclass, ttl, end)
            else:
                found[Rr(owner.lower(), rrtype, rrclass, ttl, self._rdata(rrtype, end))] += 1
            if self._at != end:
                self._faults.append(f"rdata of type {rrtype} ends at {self._at}, not at {end}")
            self._at = end
        self._faults += [f"twice in one section: {show(rr)}" for rr, times in found.items() if times > 1]
        return found

    def _read_opt(self, payload: int, ttl: int, end: int) -> None:
        if self._edns is not None:
            self._faults.append("two OPT records")
        self._rcode |= ttl >> 24 << 4
        options = []
        while self._at < end:
            code, length = struct.unpack_from("!HH", self._message, self._at)
            options.append(code)
            self._at += 4 + length
        self._edns = Edns(payload, ttl >> 16 & 255, ttl & 0xFFFF, tuple(options))

    def _rdata(self, rrtype: int, end: int) -> bytes:
        start = self._at
        if rrtype == TYPES["SOA"]:
            names = self._name().lower() + self._name().lower()
            self._at = end
            return names + self._message[end - 20 : end]
        fixed = _NAME_AT.get(rrtype)
        if fixed is None:
            self._at = end
            return self._message[start:end]
        self._at += fixed
        before = self._at
        name = self._name()
        if rrtype in _UNCOMPRESSED and self._at - before != len(name):
            self._faults.append(f"compressed name in rdata of type {rrtype}")
        return self._message[start : start + fixed] + name.lower()

    def _name(self) -> bytes:
        message, at = self._message, self._at
        parts: list[bytes] = []
        after = 0
        lowest = at
        while True:
            length = message[at]
            if length >= 0xC0:
                target = (length & 0x3F) << 8 | message[at + 1]
                after = after or at + 2
                if target >= lowest:
                    raise MalformedReplyError(f"a pointer at {at} goes to {target}")
                at = lowest = target
            elif length > 63:
                raise MalformedReplyError(f"label type {length:#x} at {at}")
            else:
                parts.append(message[at : at + 1 + length])
                at += 1 + length
                if not length:
                    break
        self._at = after or at
        name = b"".join(parts)
        if len(name) > 255:
            raise MalformedReplyError(f"a name of {len(name)} octets")
        return name


def show(rr: Rr) -> str:
    """Return a record in zone syntax, rdata of other than name types in RFC 3597's."""
    fixed = _NAME_AT.get(rr.rrtype)
    if fixed is not None:
        numbers = struct.unpack(f"!{fixed // 2}H", rr.rdata[:fixed])
        rdata = " ".join((*map(str, numbers), show_name(rr.rdata[fixed:])))
    elif rr.rrtype == TYPES["A"]:
        rdata = ".".join(map(str, rr.rdata))
    elif rr.rrtype == TYPES["SOA"]:
        rdata = f"… minimum {int.from_bytes(rr.rdata[-4:], 'big')}"
    else:
        rdata = f"\\# {len(rr.rdata)} {rr.rdata[:24].hex()}"
    name = next((name for name, number in TYPES.items() if number == rr.rrtype), f"TYPE{rr.rrtype}")
    return f"{show_name(rr.owner)} {rr.ttl} {name} {rdata}"


def show_name(name: bytes) -> str:
    """Return a wire name as a master file has it."""
    from tests.differential.model import Name

    return Name(labels_of(name), is_outside=True).text(())


def labels_of(name: bytes) -> tuple[bytes, ...]:
    """Return the labels of a wire name, without the root."""
    labels = []
    at = 0
    while name[at]:
        labels.append(name[at + 1 : at + 1 + name[at]])
        at += 1 + name[at]
    return tuple(labels)


def _mix_case(qname: bytes, case_seed: int) -> bytes:
    """Flip the case of letters at random; length octets are below 64, so no letter's value."""
    flip = random.Random(case_seed)
    return bytes(
        octet ^ 0x20 if chr(octet).isalpha() and octet < 128 and flip.random() < 0.5 else octet
        for octet in qname
    )
