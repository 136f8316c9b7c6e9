"""How do messages become bytes?

Names are compressed; what does not fit its limit is left out or sets TC, whole RRsets at a time, so that no
reply is ever longer than its client can take.

Carries out: RFC 1035 §4.1 (format, compression), RFC 2181 §9 (truncation), RFC 3597 §4 (what may be
compressed), RFC 6891 §6 (OPT), RFC 7871 §7.2.1 (scope), RFC 8914 (extended errors), RFC 9471 (glue or TC).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from r53lite.dns import edns, message, rrtypes
from r53lite.dns.message import Message, Query, Response
from r53lite.dns.name import ROOT
from r53lite.dns.rdata import COMPRESSIBLE
from r53lite.dns.rrset import RRset
from r53lite.dns.wire_layout import FIXED, HEADER, HEADER_BYTES, MAX_MESSAGE_BYTES, MAX_POINTER, TYPE_CLASS
from r53lite.errors import WireError

_HEAD = struct.Struct("!5H")  # of a header behind its id: flags and the four counts


class Encoded(NamedTuple):
    """The sections of a reply in bytes: what is the same for every client that asks with the same limit.

    `head` holds flags and counts (the ten octets behind the id), an OPT record counted where the query had
    one; `body` the three sections without it. `marks` are the offsets in `body` where the records of the last
    RRset of the answer section begin, and where the last of them ends; empty where it has one record.
    Records between marks can change places: no name points into them. `is_shared` says that the sections
    serve other names too, as `encode_sections` was asked.
    """

    head: bytes
    body: bytes
    marks: tuple[int, ...] = ()
    is_shared: bool = True


class _Writer:
    """Builds a message with compressed names (RFC 1035 §4.1.4) and can take back its last RRset."""

    __slots__ = ("buffer", "counts", "has_left_out", "limit_bytes", "marks", "offsets")

    def __init__(self, limit_bytes: int) -> None:
        self.buffer = bytearray(HEADER_BYTES)
        self.offsets: dict[bytes, int] = {}
        self.limit_bytes = limit_bytes
        self.marks: list[int] = []
        self.has_left_out = False
        self.counts: tuple[int, int, int] | None = None

    def put_question(self, question: bytes, qname: bytes, private_octets: int = 0) -> None:
        """Write the question as the query spelled it, and note its name and ancestors as pointer targets.

        Args:
            question: name, type and class as they came.
            qname: the name in lower case.
            private_octets: names inside this many octets at the front of the qname are no targets.
        """
        self.buffer += question
        at = 0
        while qname[at]:
            if at >= private_octets:
                self.offsets[qname[at:]] = HEADER_BYTES + at
            at += 1 + qname[at]

    def put_name(self, name: bytes) -> None:
        """Write a name, pointing at the longest ancestor that was written before."""
        buffer, offsets = self.buffer, self.offsets
        at = 0
        while name[at]:
            rest = name[at:]
            offset = offsets.get(rest)
            if offset is not None:
                buffer += (0xC000 | offset).to_bytes(2, "big")
                return
            if len(buffer) <= MAX_POINTER:
                offsets[rest] = len(buffer)
            end = at + 1 + name[at]
            buffer += name[at:end]
            at = end
        buffer.append(0)

    def put_rrset(self, rrset: RRset, pointer: bytes | None = None) -> int | None:
        """Write an RRset; return how many records it has, or None (nothing written) where it does not fit.

        Args:
            rrset: at least one record.
            pointer: the owner as a compression pointer, where the caller knows it.
        """
        buffer = self.buffer
        mark = len(buffer)
        owner, rrtype, ttl, rdatas = rrset
        layout = COMPRESSIBLE.get(rrtype)
        fixed = FIXED.pack(rrtype, rrtypes.CLASS_IN, ttl, 0)[:8]
        for rdata in rdatas:
            if pointer is not None:
                buffer += pointer
            else:
                start = len(buffer)
                self.put_name(owner)
                if start <= MAX_POINTER:  # records behind the first one point at its owner
                    pointer = bytes(buffer[start:]) if len(buffer) - start <= 2 else _pointer_to(start)
            buffer += fixed
            if layout is None:
                buffer += len(rdata).to_bytes(2, "big")
                buffer += rdata
            else:
                self._put_names(rdata, layout.skip, layout.name_count)
            if len(buffer) > self.limit_bytes:
                self._take_back(mark)
                return None
        return len(rdatas)

    def put_movable(self, rrset: RRset, pointer: bytes | None = None) -> int | None:
        """Write an RRset whose records may change places; note where each begins.

        Names in its rdata point out of it, never into it. Its owner has been written before (the question
        or a CNAME names it), so every record starts with the same two octets.
        """
        targets = self.offsets
        total = 0
        self.marks = [len(self.buffer)]
        for rdata in rrset.rdatas:
            self.offsets = dict(targets)
            count = self.put_rrset(rrset._replace(rdatas=(rdata,)), pointer)
            if count is None:
                return None
            total += count
            self.marks.append(len(self.buffer))
        self.offsets = targets
        return total

    def _put_names(self, rdata: bytes, skip: int, count: int) -> None:
        """Write the length of rdata that holds `count` names after `skip` octets, and the rdata."""
        buffer = self.buffer
        length_at = len(buffer)
        buffer += b"\x00\x00"
        buffer += rdata[:skip]
        at = skip
        for _ in range(count):
            start = at
            while rdata[at]:
                at += 1 + rdata[at]
            at += 1
            self.put_name(rdata[start:at])
        buffer += rdata[at:]
        buffer[length_at : length_at + 2] = (len(buffer) - length_at - 2).to_bytes(2, "big")

    def _take_back(self, mark: int) -> None:
        """Forget everything written from `mark` on."""
        self.has_left_out = True
        del self.buffer[mark:]
        self.offsets = {name: offset for name, offset in self.offsets.items() if offset < mark}


def _pointer_to(offset: int) -> bytes:
    """Return the compression pointer to an offset (RFC 1035 §4.1.4)."""
    return (0xC000 | offset).to_bytes(2, "big")


_POINTER_TO_QNAME = _pointer_to(HEADER_BYTES)


def encode_response(
    query: Query, response: Response, limit_bytes: int, payload_bytes: int, private_octets: int = 0
) -> bytes:
    """Write the reply to a query.

    Args:
        query: gives id, question (with its letter case) and RD, and whether the reply has an OPT record.
        response: what to say.
        limit_bytes: the longest message the client takes; over it RRsets are left out and TC set (see
            `Response`).
        payload_bytes: our own UDP payload size, told in the OPT record (RFC 6891 §6.2.5).
        private_octets: see `encode_sections`.

    Source: RFC 1035 §4.1; RFC 2181 §9 (an RRset is sent whole or not at all); RFC 9471.
    """
    opt = encode_reply_opt(query, response, limit_bytes, payload_bytes)
    encoded = encode_sections(query, response, limit_bytes - len(opt), private_octets)
    return query.message_id.to_bytes(2, "big") + encoded.head + query.question + encoded.body + opt


def encode_sections(query: Query, response: Response, limit_bytes: int, private_octets: int = 0) -> Encoded:
    """Write flags, counts and sections of the reply to a query.

    Args:
        query: gives the question and its flags, and whether an OPT record is counted.
        response: what to say.
        limit_bytes: the longest message without its OPT record.
        private_octets: no name but an owner that is the whole qname points into this many octets at the front
            of the qname. The sections then serve every qname of the same length that agrees with this one
            from there on.

    Returns:
        The sections. Where something does not fit, and would with pointers into those octets and between the
        records of the answer, these are used all the same: the sections are then this name's own.
    """
    writer = _write_sections(query, response, limit_bytes, private_octets, is_tight=False)
    if writer.has_left_out:
        tight = _write_sections(query, response, limit_bytes, 0, is_tight=True)
        if tight.counts != writer.counts:
            return _encoded(query, response, tight)._replace(marks=(), is_shared=False)
    return _encoded(query, response, writer)


def _write_sections(
    query: Query, response: Response, limit_bytes: int, private_octets: int, *, is_tight: bool
) -> _Writer:
    """Write question and sections; `counts` of the writer is None where something needed does not fit.

    Args:
        query: gives the question.
        response: what to say.
        limit_bytes: the longest message without its OPT record.
        private_octets: see `encode_sections`.
        is_tight: names point wherever they can; else records of the answer stay free to change places.
    """
    writer = _Writer(limit_bytes)
    writer.put_question(query.question, query.qname, private_octets)
    writer.counts = _put_sections(writer, response, query.qname, is_tight=is_tight)
    return writer


def _encoded(query: Query, response: Response, writer: _Writer) -> Encoded:
    """Return what a writer has written, or an empty reply with TC."""
    flags = _flags(query, response)
    if writer.counts is None:
        return Encoded(_HEAD.pack(flags | message.TC, 1, 0, 0, query.edns is not None), b"")
    answers, authorities, additionals = writer.counts
    start = HEADER_BYTES + len(query.question)
    if answers and query.qclass == rrtypes.CLASS_CH:
        _put_class(writer.buffer, start, query.qclass)
    head = _HEAD.pack(flags, 1, answers, authorities, additionals + (query.edns is not None))
    return Encoded(head, bytes(writer.buffer[start:]), tuple([mark - start for mark in writer.marks]))


def _flags(query: Query, response: Response) -> int:
    """Return the flags of a reply that is not truncated."""
    flags = message.QR | (query.opcode << 11) | (query.flags & message.RD) | (response.rcode & 0xF)
    if response.is_authoritative:
        flags |= message.AA
    if response.is_recursion_available:
        flags |= message.RA | (query.flags & message.CD)  # RFC 4035 §3.1.6, §3.2.2: CD is for resolvers
    return flags


def _put_sections(
    writer: _Writer, response: Response, qname: bytes, *, is_tight: bool
) -> tuple[int, int, int] | None:
    """Write the three sections; return their record counts, or None where something needed does not fit."""
    answers = _put_answer(writer, response.answer, qname, is_tight=is_tight)
    if answers is None:
        return None
    authorities = 0 if response.is_authority_optional else _put_needed(writer, response.authority)
    glue = _put_needed(writer, response.glue)
    if authorities is None or glue is None:
        return None
    additional = response.additional
    if response.is_authority_optional:
        authorities = sum(writer.put_rrset(rrset) or 0 for rrset in response.authority)
        if authorities:  # else nobody names the hosts whose addresses these are
            additional += response.authority_addresses
    for rrset in additional:
        glue += writer.put_rrset(rrset) or 0
    return answers, authorities, glue


def _put_answer(writer: _Writer, rrsets: tuple[RRset, ...], qname: bytes, *, is_tight: bool) -> int | None:
    """Write the answer section; unless `is_tight`, records of its last RRset stay free to change places."""
    total = 0
    for index, rrset in enumerate(rrsets, 1):
        pointer = _POINTER_TO_QNAME if rrset.owner == qname and qname != ROOT else None
        is_movable = not is_tight and index == len(rrsets) and len(rrset.rdatas) > 1
        put = writer.put_movable if is_movable else writer.put_rrset
        count = put(rrset, pointer)
        if count is None:
            return None
        total += count
    return total


def _put_needed(writer: _Writer, rrsets: tuple[RRset, ...]) -> int | None:
    """Write RRsets that may not be left out; None where one does not fit."""
    total = 0
    for rrset in rrsets:
        count = writer.put_rrset(rrset)
        if count is None:
            return None
        total += count
    return total


def _put_class(buffer: bytearray, at: int, rrclass: int) -> None:
    """Set the class of the one record of a CHAOS answer, whose owner is a pointer to the question."""
    TYPE_CLASS.pack_into(buffer, at + 2, rrtypes.TXT, rrclass)


def encode_reply_opt(query: Query, response: Response, limit_bytes: int, payload_bytes: int) -> bytes:
    """Write the reply's OPT record: only where the query had one (RFC 6891 §6.1.1), DO as asked (RFC 3225
    §3). An extended error's text, and then the error, gives way where a long question leaves no room.
    """
    if query.edns is None:
        return b""
    options = query.reply_options
    if query.edns.client_subnet is not None:
        options += edns.encode_client_subnet(query.edns.client_subnet, response.scope_prefix_len)
    if response.ede_code is not None:
        room = limit_bytes - HEADER_BYTES - len(query.question) - edns.OPT_BYTES - len(options)
        ede = edns.encode_ede(response.ede_code, response.ede_text)
        options += ede if len(ede) <= room else edns.encode_ede(response.ede_code, "")
    return edns.encode_opt(payload_bytes, response.rcode, options, is_dnssec_ok=query.edns.is_dnssec_ok)


def encode_query(
    message_id: int,
    qname: bytes,
    qtype: int,
    *,
    flags: int = 0,
    payload_bytes: int | None = 1232,
    is_dnssec_ok: bool = False,
) -> bytes:
    """Write a request; `payload_bytes` None leaves the OPT record out."""
    opt = b""
    if payload_bytes is not None:
        opt = edns.encode_opt(payload_bytes, 0, is_dnssec_ok=is_dnssec_ok)
    header = HEADER.pack(message_id, flags, 1, 0, 0, int(bool(opt)))
    return header + qname + TYPE_CLASS.pack(qtype, rrtypes.CLASS_IN) + opt


def encode_message(whole: Message) -> bytes:
    """Write a whole message without a size limit below 65,535 octets: for tools and fake servers.

    Raises:
        WireError: it does not fit.
    """
    writer = _Writer(MAX_MESSAGE_BYTES)
    if whole.qname is not None:
        writer.put_question(whole.qname + TYPE_CLASS.pack(whole.qtype, whole.qclass), whole.qname)
    counts = [_put_needed(writer, section) for section in (whole.answer, whole.authority, whole.additional)]
    if any(count is None for count in counts):
        raise WireError(f"message over {MAX_MESSAGE_BYTES} octets")
    answers, authorities, additionals = _counted(counts)
    if whole.edns is not None:
        is_dnssec_ok = whole.edns.is_dnssec_ok
        writer.buffer += edns.encode_opt(whole.edns.payload_bytes, whole.rcode, is_dnssec_ok=is_dnssec_ok)
        additionals += 1
    flags = whole.flags & ~0x780F | whole.opcode << 11 | whole.rcode & 0xF
    questions = int(whole.qname is not None)
    HEADER.pack_into(writer.buffer, 0, whole.message_id, flags, questions, answers, authorities, additionals)
    return bytes(writer.buffer)


def _counted(counts: Iterable[int | None]) -> list[int]:
    """Return the counts, None as 0."""
    return [count or 0 for count in counts]
