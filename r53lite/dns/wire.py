"""How do messages become bytes, and bytes messages?

Our own codec, on bytes. Three users: the server (`decode_query`, `encode_response`, `encode_error`), the
resolver (`encode_query`, `decode_message`) and tools and tests (`encode_message`). Contract: any bytes give
a value or a `WireError`; every other exception is a bug. `decode_query` is strict, because a reply to
garbage helps nobody but an attacker; `decode_message` is strict about what it needs and passes over what it
does not.

Carries out: RFC 1035 §4.1 (format, compression), RFC 2181 §8 and §9 (TTL, truncation), RFC 3597 §4 (unknown
types), RFC 6891 §6 (OPT), RFC 7871 §6 (client subnet), RFC 8914 (extended errors), RFC 9471 (glue fits or
TC).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from r53lite.dns import edns, message, rrtypes
from r53lite.dns.edns import Edns
from r53lite.dns.message import Message, Query, Response
from r53lite.dns.name import MAX_NAME_OCTETS, ROOT
from r53lite.dns.rdata import COMPRESSIBLE, EXPANDABLE
from r53lite.dns.rrset import MAX_TTL, RRset
from r53lite.errors import WireError

HEADER_BYTES = 12
MAX_MESSAGE_BYTES = 65535  # RFC 1035 §4.2.2: the length field of TCP
_MAX_POINTER = 0x3FFF  # RFC 1035 §4.1.4: 14 bits of offset
_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")  # type, class, TTL, rdata length
_TYPE_CLASS = struct.Struct("!HH")


# --- reading
# -----------------------------------------------------------------------------------------------------


def decode_query(wire: bytes) -> Query:
    """Read a request.

    Returns:
        The query. Opcode is QUERY, one question; class, type and EDNS version are not judged here.

    Raises:
        WireError: rcode None for what gets no reply (under 12 octets, or a response: answering it could
        loop);
            NOTIMP for another opcode; FORMERR for everything that is not a well-formed query.
    """
    if len(wire) < HEADER_BYTES:
        raise WireError("shorter than a header")
    message_id, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    if flags & message.QR:
        raise WireError("a response")
    opcode = flags >> 11 & 0xF
    if opcode != rrtypes.OPCODE_QUERY:
        raise WireError(f"opcode {opcode}", rrtypes.NOTIMP)
    if questions != 1 or answers:
        raise WireError(f"{questions} questions and {answers} answers in a query", rrtypes.FORMERR)
    end = HEADER_BYTES
    try:
        while wire[end]:
            if wire[end] > 63:
                raise WireError("pointer or unknown label type in the question", rrtypes.FORMERR)
            end += 1 + wire[end]
        end += 1
        qtype, qclass = _TYPE_CLASS.unpack_from(wire, end)
    except (IndexError, struct.error) as error:
        raise WireError("question ends early", rrtypes.FORMERR) from error
    if end - HEADER_BYTES > MAX_NAME_OCTETS:
        raise WireError("question name over 255 octets", rrtypes.FORMERR)
    question = wire[HEADER_BYTES : end + 4]
    if authorities and qtype != rrtypes.IXFR:  # RFC 1995 §3: only IXFR puts a record there
        raise WireError("authority section in a query", rrtypes.FORMERR)
    opt = None
    if len(wire) != end + 4 or authorities or additionals:
        opt = _decode_trailing(wire, end + 4, authorities, additionals)
    return Query(message_id, flags, opcode, question, question[:-4].lower(), qtype, qclass, opt)


def _decode_trailing(wire: bytes, at: int, authorities: int, additionals: int) -> Edns | None:
    """Read what follows the question; return the OPT record if there is one."""
    opt = None
    for index in range(authorities + additionals):
        owner_at = at
        at = _skip_name(wire, at)
        try:
            rrtype, rrclass, ttl, length = _FIXED.unpack_from(wire, at)
        except struct.error as error:
            raise WireError("record ends early", rrtypes.FORMERR) from error
        at += _FIXED.size + length
        if at > len(wire):
            raise WireError("rdata ends early", rrtypes.FORMERR)
        if rrtype == rrtypes.OPT:
            if opt is not None or wire[owner_at] != 0 or index < authorities:  # RFC 6891 §6.1.1
                raise WireError("several OPT records, or one that is not at the root", rrtypes.FORMERR)
            opt = _decode_opt(rrclass, ttl, wire[at - length : at])
    if at != len(wire):
        raise WireError(f"{len(wire) - at} octets after the message", rrtypes.FORMERR)
    return opt


def _decode_opt(payload_bytes: int, ttl: int, options: bytes) -> Edns:
    """Read an OPT record; unknown options are passed over (RFC 6891 §6.1.2)."""
    version = ttl >> 16 & 0xFF
    subnet = None
    at = 0
    while at < len(options):
        if at + 4 > len(options):
            raise WireError("EDNS option ends early", rrtypes.FORMERR)
        code, length = _TYPE_CLASS.unpack_from(options, at)
        at += 4 + length
        if at > len(options):
            raise WireError("EDNS option ends early", rrtypes.FORMERR)
        if code == edns.OPTION_CLIENT_SUBNET and version == 0 and subnet is None:
            subnet = edns.decode_client_subnet(options[at - length : at])
    return Edns(version, max(payload_bytes, edns.MIN_UDP_PAYLOAD_BYTES), bool(ttl & edns.DO_BIT), subnet)


def decode_message(wire: bytes) -> Message:
    """Read a whole message: a reply of another server.

    Records of a class other than IN are left out. Records of one owner and type are gathered into one RRset
    with the lowest TTL (RFC 2181 §5.2). A TTL with its top bit set counts as 0 (RFC 2181 §8).

    Raises:
        WireError: FORMERR for every malformed form.
    """
    if len(wire) < HEADER_BYTES:
        raise WireError("shorter than a header", rrtypes.FORMERR)
    message_id, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    if questions > 1:
        raise WireError(f"{questions} questions", rrtypes.FORMERR)
    at = HEADER_BYTES
    qname, qtype, qclass = None, 0, 0
    try:
        if questions:
            qname, at = _read_name(wire, at)
            qtype, qclass = _TYPE_CLASS.unpack_from(wire, at)
            at += _TYPE_CLASS.size
        answer, at, _ = _read_section(wire, at, answers)
        authority, at, _ = _read_section(wire, at, authorities)
        additional, at, opt_fields = _read_section(wire, at, additionals)
    except (IndexError, struct.error) as error:
        raise WireError("message ends early", rrtypes.FORMERR) from error
    opcode, rcode, opt = flags >> 11 & 0xF, flags & 0xF, None
    if opt_fields is not None:
        opt = _decode_reply_opt(*opt_fields)
        rcode |= opt_fields[1] >> 24 << 4  # RFC 6891 §6.1.3: upper eight bits of the rcode
    return Message(message_id, flags, opcode, rcode, qname, qtype, qclass, answer, authority, additional, opt)


def _decode_reply_opt(payload_bytes: int, ttl: int) -> Edns:
    """Read the OPT record of a reply; its options do not matter to us (we send none)."""
    return Edns(ttl >> 16 & 0xFF, max(payload_bytes, edns.MIN_UDP_PAYLOAD_BYTES), bool(ttl & edns.DO_BIT))


def _read_section(wire: bytes, at: int, count: int) -> tuple[tuple[RRset, ...], int, tuple[int, int] | None]:
    """Read one section; return its RRsets, the offset after it and (class, TTL) of an OPT record."""
    gathered: dict[tuple[bytes, int], tuple[int, dict[bytes, None]]] = {}
    opt_fields = None
    for _ in range(count):
        owner, at = _read_name(wire, at)
        rrtype, rrclass, ttl, length = _FIXED.unpack_from(wire, at)
        at += _FIXED.size
        if at + length > len(wire):
            raise WireError("rdata ends early", rrtypes.FORMERR)
        if rrtype == rrtypes.OPT:
            opt_fields = (rrclass, ttl)
        elif rrclass == rrtypes.CLASS_IN:
            ttl = ttl if ttl <= MAX_TTL else 0
            rdata = _expand_rdata(wire, at, length, rrtype)
            known_ttl, rdatas = gathered.setdefault((owner, rrtype), (ttl, {}))
            rdatas[rdata] = None
            if ttl < known_ttl:
                gathered[owner, rrtype] = (ttl, rdatas)
        at += length
    rrsets = tuple(
        RRset(owner, rrtype, ttl, tuple(rdatas)) for (owner, rrtype), (ttl, rdatas) in gathered.items()
    )
    return rrsets, at, opt_fields


def _expand_rdata(wire: bytes, at: int, length: int, rrtype: int) -> bytes:
    """Return rdata with the names of well-known types expanded and in lower case (RFC 3597 §4)."""
    layout = EXPANDABLE.get(rrtype)
    end = at + length
    if layout is None:
        return wire[at:end]
    if length < layout.skip + layout.name_count:
        raise WireError("rdata shorter than its type allows", rrtypes.FORMERR)
    parts = [wire[at : at + layout.skip]]
    at += layout.skip
    for _ in range(layout.name_count):
        name, at = _read_name(wire, at)
        parts.append(name)
    if at > end:
        raise WireError("name runs past its rdata", rrtypes.FORMERR)
    rest = wire[at:end]
    if len(rest) != (20 if rrtype == rrtypes.SOA else 0):
        raise WireError("rdata longer or shorter than its type allows", rrtypes.FORMERR)
    parts.append(rest)
    return b"".join(parts)


def _read_name(wire: bytes, at: int) -> tuple[bytes, int]:
    """Read a name that may be compressed; return it expanded in lower case, and the offset after it.

    Pointers must go strictly backwards, so that a loop cannot be written.

    Raises:
        WireError: FORMERR; IndexError where the message ends early is translated by the caller.
    """
    labels = bytearray()
    after = -1
    limit = at
    while True:
        length = wire[at]
        if length == 0:
            labels.append(0)
            at += 1
            break
        if length < 64:
            label = wire[at : at + 1 + length]
            if len(label) != 1 + length:
                raise WireError("name ends early", rrtypes.FORMERR)
            labels += label
            at += 1 + length
        elif length >= 0xC0:
            if after < 0:
                after = at + 2
            at = (length & 0x3F) << 8 | wire[at + 1]
            if at >= limit:
                raise WireError("compression pointer does not go back", rrtypes.FORMERR)
            limit = at
        else:
            raise WireError("unknown label type", rrtypes.FORMERR)
        if len(labels) >= MAX_NAME_OCTETS:
            raise WireError("name over 255 octets", rrtypes.FORMERR)
    return bytes(labels).lower(), at if after < 0 else after


def _skip_name(wire: bytes, at: int) -> int:
    """Return the offset after a name, compressed or not."""
    try:
        return _read_name(wire, at)[1]
    except IndexError as error:
        raise WireError("name ends early", rrtypes.FORMERR) from error


# --- writing
# -----------------------------------------------------------------------------------------------------


class _Writer:
    """Builds a message with compressed names (RFC 1035 §4.1.4) and can take back its last RRset."""

    __slots__ = ("buffer", "limit_bytes", "offsets")

    def __init__(self, limit_bytes: int) -> None:
        self.buffer = bytearray(HEADER_BYTES)
        self.offsets: dict[bytes, int] = {}
        self.limit_bytes = limit_bytes

    def put_question(self, question: bytes, qname: bytes) -> None:
        """Write the question as the query spelled it, and note its name and ancestors as pointer targets."""
        self.buffer += question
        at = 0
        while qname[at]:
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
            if len(buffer) <= _MAX_POINTER:
                offsets[rest] = len(buffer)
            end = at + 1 + name[at]
            buffer += name[at:end]
            at = end
        buffer.append(0)

    def put_rrset(self, rrset: RRset) -> int | None:
        """Write an RRset; return how many records it has, or None (nothing written) where it does not fit."""
        buffer = self.buffer
        mark = len(buffer)
        owner, rrtype, ttl, rdatas = rrset
        layout = COMPRESSIBLE.get(rrtype)
        for rdata in rdatas:
            self.put_name(owner)
            length_at = len(buffer) + 8
            buffer += _FIXED.pack(rrtype, rrtypes.CLASS_IN, ttl, len(rdata))
            if layout is None:
                buffer += rdata
            else:
                self._put_names(rdata, layout.skip, layout.name_count)
                buffer[length_at : length_at + 2] = (len(buffer) - length_at - 2).to_bytes(2, "big")
            if len(buffer) > self.limit_bytes:
                self._take_back(mark)
                return None
        return len(rdatas)

    def _put_names(self, rdata: bytes, skip: int, count: int) -> None:
        """Write rdata that holds `count` names after `skip` octets."""
        self.buffer += rdata[:skip]
        at = skip
        for _ in range(count):
            start = at
            while rdata[at]:
                at += 1 + rdata[at]
            at += 1
            self.put_name(rdata[start:at])
        self.buffer += rdata[at:]

    def _take_back(self, mark: int) -> None:
        """Forget everything written from `mark` on."""
        del self.buffer[mark:]
        self.offsets = {name: offset for name, offset in self.offsets.items() if offset < mark}


def encode_response(query: Query, response: Response, limit_bytes: int, payload_bytes: int) -> bytes:
    """Write the reply to a query.

    Args:
        query: gives id, question (with its letter case), RD and CD, and whether the reply has an OPT record.
        response: what to say.
        limit_bytes: the longest message the client takes; over it RRsets are left out and TC set (see
        `Response`). payload_bytes: our own UDP payload size, told in the OPT record (RFC 6891 §6.2.5).

    Source: RFC 1035 §4.1; RFC 2181 §9 (an RRset is sent whole or not at all); RFC 9471.
    """
    opt = _encode_reply_opt(query, response, payload_bytes)
    writer = _Writer(limit_bytes - len(opt))
    writer.put_question(query.question, query.qname)
    flags = (
        message.QR | (query.opcode << 11) | (query.flags & (message.RD | message.CD)) | (response.rcode & 0xF)
    )
    if response.is_authoritative:
        flags |= message.AA
    if response.is_recursion_available:
        flags |= message.RA
    counts = _put_sections(writer, response)
    if counts is None:
        flags |= message.TC
        counts = (0, 0, 0)
        writer.buffer[HEADER_BYTES + len(query.question) :] = b""
    answers, authorities, additionals = counts
    additionals += bool(opt)
    _HEADER.pack_into(writer.buffer, 0, query.message_id, flags, 1, answers, authorities, additionals)
    return bytes(writer.buffer) + opt


def _put_sections(writer: _Writer, response: Response) -> tuple[int, int, int] | None:
    """Write the three sections; return their record counts, or None where something needed does not fit."""
    answers = _put_needed(writer, response.answer)
    authorities = 0 if response.is_authority_optional else _put_needed(writer, response.authority)
    glue = _put_needed(writer, response.glue)
    if answers is None or authorities is None or glue is None:
        return None
    if response.is_authority_optional:
        for rrset in response.authority:
            authorities += writer.put_rrset(rrset) or 0
    for rrset in response.additional:
        glue += writer.put_rrset(rrset) or 0
    return answers, authorities, glue


def _put_needed(writer: _Writer, rrsets: tuple[RRset, ...]) -> int | None:
    """Write RRsets that may not be left out; None where one does not fit."""
    total = 0
    for rrset in rrsets:
        count = writer.put_rrset(rrset)
        if count is None:
            return None
        total += count
    return total


def _encode_reply_opt(query: Query, response: Response, payload_bytes: int) -> bytes:
    """Write the reply's OPT record: only where the query had one (RFC 6891 §6.1.1), DO as asked (RFC 3225
    §3).
    """
    if query.edns is None:
        return b""
    options = b""
    if query.edns.client_subnet is not None:
        options += edns.encode_client_subnet(query.edns.client_subnet, response.scope_prefix_len)
    if response.ede_code is not None:
        options += edns.encode_ede(response.ede_code, response.ede_text)
    ttl = response.rcode >> 4 << 24 | (edns.DO_BIT if query.edns.is_dnssec_ok else 0)
    return ROOT + _FIXED.pack(rrtypes.OPT, payload_bytes, ttl, len(options)) + options


def encode_error(wire: bytes, rcode: int) -> bytes:
    """Write the reply to a request that could not be read: its header alone, id, opcode and RD kept."""
    message_id, flags = _TYPE_CLASS.unpack_from(wire)
    flags = message.QR | (flags & (0x7800 | message.RD)) | rcode
    return _HEADER.pack(message_id, flags, 0, 0, 0, 0)


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
        opt = ROOT + _FIXED.pack(rrtypes.OPT, payload_bytes, edns.DO_BIT if is_dnssec_ok else 0, 0)
    header = _HEADER.pack(message_id, flags, 1, 0, 0, int(bool(opt)))
    return header + qname + _TYPE_CLASS.pack(qtype, rrtypes.CLASS_IN) + opt


def encode_message(whole: Message) -> bytes:
    """Write a whole message without a size limit below 65,535 octets: for tools and fake servers.

    Raises:
        WireError: it does not fit.
    """
    writer = _Writer(MAX_MESSAGE_BYTES)
    if whole.qname is not None:
        writer.put_question(whole.qname + _TYPE_CLASS.pack(whole.qtype, whole.qclass), whole.qname)
    counts = [_put_needed(writer, section) for section in (whole.answer, whole.authority, whole.additional)]
    if any(count is None for count in counts):
        raise WireError(f"message over {MAX_MESSAGE_BYTES} octets")
    answers, authorities, additionals = _counted(counts)
    if whole.edns is not None:
        ttl = whole.rcode >> 4 << 24 | (edns.DO_BIT if whole.edns.is_dnssec_ok else 0)
        writer.buffer += ROOT + _FIXED.pack(rrtypes.OPT, whole.edns.payload_bytes, ttl, 0)
        additionals += 1
    flags = whole.flags & ~0x780F | whole.opcode << 11 | whole.rcode & 0xF
    questions = int(whole.qname is not None)
    _HEADER.pack_into(writer.buffer, 0, whole.message_id, flags, questions, answers, authorities, additionals)
    return bytes(writer.buffer)


def _counted(counts: Iterable[int | None]) -> list[int]:
    """Return the counts, None as 0."""
    return [count or 0 for count in counts]
