"""How do bytes become messages?

`decode_query` is strict, because a reply to garbage helps nobody but an attacker; `decode_message` is strict
about what it needs and passes over what it does not. Contract: any bytes give a value or a `WireError`; any
other exception is a bug.

Carries out: RFC 1035 §4.1 (format, compression), RFC 2181 §5.2 and §8 (TTL), RFC 3597 §4 (unknown types),
RFC 6891 §6 (OPT), RFC 7873 §5.4 (a cookie alone), RFC 8945 §5.2 (TSIG of an unknown key), RFC 9619 (one
question). Readings: answer and authority records in a query are FORMERR, as in NSD; octets after the message
are, as in Knot; other records of the additional section are passed over, as in Knot and BIND.
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

MAX_POINTERS = 127  # of one name: it has no more labels (RFC 1035 §2.3.4); Unbound allows 256

_UINT16 = struct.Struct("!H")
_OPT_HEAD = b"\x00" + rrtypes.OPT.to_bytes(2, "big")  # of an OPT record: root owner, type (RFC 6891 §6.1.2)
_OPT_REST = struct.Struct("!HIH")  # and then payload size, TTL field, length of the options

# -----------------------------------------------------------------------------------------------------


def decode_query(wire: bytes) -> Query:
    """Read a request.

    Returns:
        The query. Opcode is QUERY, one question; class, type and EDNS version are not judged here.

    Raises:
        WireError: rcode None for what gets no reply (under 12 octets, or a response: answering it could
            loop); NOTIMP for another opcode; NOTAUTH for a TSIG record, since we hold no key; NOERROR for a
            query for a cookie alone (RFC 7873 §5.4); FORMERR for all else that is not a well-formed query.
    """
    if len(wire) < HEADER_BYTES:
        raise WireError("shorter than a header")
    message_id, flags, questions, answers, authorities, additionals = HEADER.unpack_from(wire)
    if flags & message.QR:
        raise WireError("a response")
    opcode = flags >> 11 & 0xF
    if opcode != rrtypes.OPCODE_QUERY:
        raise WireError(f"opcode {opcode}", rrtypes.NOTIMP)
    if questions != 1 or answers:  # RFC 9619 §4: over one question is FORMERR
        raise _decode_without_question(wire, (questions, answers, authorities, additionals))
    end = HEADER_BYTES
    try:
        length = wire[end]
        while length:
            if length > 63:
                raise WireError("pointer or unknown label type in the question", rrtypes.FORMERR)
            end += 1 + length
            length = wire[end]
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
    if (
        len(wire) == end + 15
        and additionals == 1
        and not authorities
        and wire[end + 4 : end + 7] == _OPT_HEAD
    ):
        opt = _decode_bare_opt(wire, end + 7)
    elif len(wire) != end + 4 or authorities or additionals:
        opt = _decode_trailing(wire, end + 4, authorities, additionals)
    qname = question[:-4].lower()
    # NamedTuple's own constructor costs twice as much, and every query that is new comes here.
    return tuple.__new__(Query, (message_id, flags, opcode, question, qname, qtype, qclass, opt, b"", False))


def _decode_bare_opt(wire: bytes, at: int) -> Edns:
    """Read the OPT record that most queries end in, root owner and type passed over: it has no options."""
    payload_bytes, ttl, length = _OPT_REST.unpack_from(wire, at)
    if length:
        raise WireError("rdata ends early", rrtypes.FORMERR)
    return edns.decode_opt(payload_bytes, ttl, b"")


def _decode_without_question(wire: bytes, counts: tuple[int, int, int, int]) -> WireError:
    """Return the error for a message that has not one question and nothing before the authority section."""
    questions, answers, authorities, additionals = counts
    if questions == 0 and not answers and not authorities and additionals:
        opt = _decode_trailing(wire, HEADER_BYTES, 0, additionals)
        if opt is not None and opt.cookie:  # RFC 7873 §5.4
            return WireError("a query for a cookie alone", rrtypes.NOERROR)
    return WireError(f"{questions} questions and {answers} answers in a query", rrtypes.FORMERR)


def _decode_trailing(wire: bytes, at: int, authorities: int, additionals: int) -> Edns | None:
    """Read what follows the question; return the OPT record if there is one.

    Records of other types are passed over, SIG(0) too: a server without keys may leave it unread (RFC 2931
    §3.2).
    """
    opt = None
    records = authorities + additionals
    is_signed = False
    for index in range(records):
        owner_at = at
        at = skip_name(wire, at)
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
            opt = edns.decode_opt(rrclass, ttl, wire[at - length : at])
        elif rrtype == rrtypes.TSIG:
            if index < records - 1 or index < authorities:  # RFC 8945 §5.1: the last one of the message
                raise WireError("TSIG record that is not the last record", rrtypes.FORMERR)
            _check_tsig(rrclass, wire[at - length : at])
            is_signed = True
    if at != len(wire):
        raise WireError(f"{len(wire) - at} octets after the message", rrtypes.FORMERR)
    if is_signed:  # RFC 8945 §5.2.1: we hold no key
        raise WireError("TSIG record of an unknown key", rrtypes.NOTAUTH)
    return opt


def _check_tsig(rrclass: int, rdata: bytes) -> None:
    """Raise FORMERR for a TSIG record without the form of RFC 8945 §4.2; key and MAC stay unjudged."""
    try:
        _, at = read_name(rdata, 0)
        (mac_bytes,) = _UINT16.unpack_from(rdata, at + 8)  # behind time signed and fudge
        (other_bytes,) = _UINT16.unpack_from(rdata, at + 14 + mac_bytes)  # behind MAC, original id and error
    except (IndexError, struct.error) as error:
        raise WireError("TSIG record ends early", rrtypes.FORMERR) from error
    if rrclass != rrtypes.CLASS_ANY or at + 16 + mac_bytes + other_bytes != len(rdata):
        raise WireError("TSIG record of wrong form", rrtypes.FORMERR)


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
        names: dict[int, bytes] = {}
        if questions:
            qname, at = read_name(wire, at, names)
            qtype, qclass = TYPE_CLASS.unpack_from(wire, at)
            at += TYPE_CLASS.size
        answer, at, _ = _read_section(wire, at, answers, names)
        authority, at, _ = _read_section(wire, at, authorities, names)
        additional, at, opt_fields = _read_section(wire, at, additionals, names)
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


def _read_section(
    wire: bytes, at: int, count: int, names: dict[int, bytes]
) -> tuple[tuple[RRset, ...], int, tuple[int, int] | None]:
    """Read one section; return its RRsets, the offset after it and (class, TTL) of an OPT record.

    `names` are those of the message that pointers led to so far (`read_name`).
    """
    gathered: dict[tuple[bytes, int], tuple[int, dict[bytes, None]]] = {}
    opt_fields = None
    for _ in range(count):
        owner, at = read_name(wire, at, names)
        rrtype, rrclass, ttl, length = FIXED.unpack_from(wire, at)
        at += FIXED.size
        if at + length > len(wire):
            raise WireError("rdata ends early", rrtypes.FORMERR)
        if rrtype == rrtypes.OPT:
            opt_fields = (rrclass, ttl)
        elif rrclass == rrtypes.CLASS_IN:
            ttl = ttl if ttl <= MAX_TTL else 0
            rdata = _expand_rdata(wire, at, length, rrtype, names)
            known_ttl, rdatas = gathered.setdefault((owner, rrtype), (ttl, {}))
            rdatas[rdata] = None
            if ttl < known_ttl:
                gathered[owner, rrtype] = (ttl, rdatas)
        at += length
    rrsets = tuple(
        RRset(owner, rrtype, ttl, tuple(rdatas)) for (owner, rrtype), (ttl, rdatas) in gathered.items()
    )
    return rrsets, at, opt_fields


def _expand_rdata(wire: bytes, at: int, length: int, rrtype: int, names: dict[int, bytes]) -> bytes:
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
        name, at = read_name(wire, at, names)
        parts.append(name)
    if at > end:
        raise WireError("name runs past its rdata", rrtypes.FORMERR)
    rest = wire[at:end]
    if len(rest) != (20 if rrtype == rrtypes.SOA else 0):
        raise WireError("rdata longer or shorter than its type allows", rrtypes.FORMERR)
    parts.append(rest)
    return b"".join(parts)


def read_name(wire: bytes, at: int, known: dict[int, bytes] | None = None) -> tuple[bytes, int]:
    """Read a name that may be compressed; return it expanded in lower case, and the offset after it.

    Pointers must go strictly backwards, so that a loop cannot be written. They may still be many and shared
    by many names: `known` remembers what each one leads to, so that a message of 64 kB costs milliseconds,
    whatever it is made of.

    Args:
        wire: the message.
        at: where the name begins.
        known: offset → name, for all names of one message; None for a single name.

    Raises:
        WireError: FORMERR; IndexError where the message ends early is translated by the caller.
    """
    labels = bytearray()
    after = -1
    limit = at
    path: list[tuple[int, int]] = []
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
            if known is not None and at in known:
                labels += known[at]
                break
            path.append((at, len(labels)))
        else:
            raise WireError("unknown label type", rrtypes.FORMERR)
        if len(labels) >= MAX_NAME_OCTETS or len(path) > MAX_POINTERS:
            raise WireError("name over 255 octets, or of too many pointers", rrtypes.FORMERR)
    if len(labels) > MAX_NAME_OCTETS:
        raise WireError("name over 255 octets", rrtypes.FORMERR)
    name = bytes(labels).lower()
    if known is not None:
        for target, skipped in path:
            known[target] = name[skipped:]
    return name, at if after < 0 else after


def skip_name(wire: bytes, at: int) -> int:
    """Return the offset after a name, compressed or not; where a pointer leads is not looked at.

    Raises:
        WireError: FORMERR.
    """
    start = at
    try:
        while wire[at]:
            if wire[at] >= 0xC0:
                if (wire[at] & 0x3F) << 8 | wire[at + 1] >= start:
                    raise WireError("compression pointer does not go back", rrtypes.FORMERR)
                return at + 2
            if wire[at] > 63:
                raise WireError("unknown label type", rrtypes.FORMERR)
            at += 1 + wire[at]
    except IndexError as error:
        raise WireError("name ends early", rrtypes.FORMERR) from error
    if at - start >= MAX_NAME_OCTETS:
        raise WireError("name over 255 octets", rrtypes.FORMERR)
    return at + 1
