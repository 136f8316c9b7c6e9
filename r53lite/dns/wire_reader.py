"""How do bytes become messages?

`decode_query` is strict, because a reply to garbage helps nobody but an attacker; `decode_message` is strict
about what it needs and passes over what it does not. Contract: any bytes give a value or a `WireError`; any
other exception is a bug.

Carries out: RFC 1035 §4.1 (format, compression), RFC 2181 §5.2 and §8 (TTL), RFC 3597 §4 (unknown types),
RFC 6891 §6 (OPT), RFC 7871 §6 (client subnet).
"""

from __future__ import annotations

import struct

from r53lite.dns import edns, message, rrtypes
from r53lite.dns.edns import Edns
from r53lite.dns.message import Message, Query
from r53lite.dns.name import MAX_NAME_OCTETS
from r53lite.dns.rdata import EXPANDABLE
from r53lite.dns.rrset import MAX_TTL, RRset
from r53lite.dns.wire_layout import FIXED, HEADER, HEADER_BYTES, TYPE_CLASS
from r53lite.errors import WireError

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
    message_id, flags, questions, answers, authorities, additionals = HEADER.unpack_from(wire)
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
        qtype, qclass = TYPE_CLASS.unpack_from(wire, end)
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
            rrtype, rrclass, ttl, length = FIXED.unpack_from(wire, at)
        except struct.error as error:
            raise WireError("record ends early", rrtypes.FORMERR) from error
        at += FIXED.size + length
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
    if version > 0:  # its options may have any form; BADVERS is the answer (RFC 6891 §6.1.3)
        return Edns(version, max(payload_bytes, edns.MIN_UDP_PAYLOAD_BYTES), bool(ttl & edns.DO_BIT))
    subnet = None
    at = 0
    while at < len(options):
        if at + 4 > len(options):
            raise WireError("EDNS option ends early", rrtypes.FORMERR)
        code, length = TYPE_CLASS.unpack_from(options, at)
        at += 4 + length
        if at > len(options):
            raise WireError("EDNS option ends early", rrtypes.FORMERR)
        if code == edns.OPTION_CLIENT_SUBNET and subnet is None:
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
    message_id, flags, questions, answers, authorities, additionals = HEADER.unpack_from(wire)
    if questions > 1:
        raise WireError(f"{questions} questions", rrtypes.FORMERR)
    at = HEADER_BYTES
    qname, qtype, qclass = None, 0, 0
    try:
        if questions:
            qname, at = _read_name(wire, at)
            qtype, qclass = TYPE_CLASS.unpack_from(wire, at)
            at += TYPE_CLASS.size
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
        rrtype, rrclass, ttl, length = FIXED.unpack_from(wire, at)
        at += FIXED.size
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
