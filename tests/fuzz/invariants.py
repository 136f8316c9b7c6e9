"""What holds for every reply, whatever was asked?

`check_reply` holds one reply against its request, `check_same` a second reply to the same question against
the first, `check_with_peer` lets dnspython read what we wrote. Each raises `BrokenRuleError` with the rule
in words.

Sources: RFC 1035 §4.1, RFC 2181 §9 (a truncated RRset), RFC 6891 §6.1.1 and §6.2.5 (OPT, sizes), RFC 9471.
"""

from __future__ import annotations

import struct

import dns.exception
import dns.message
import dns.name

from r53lite.dns import wire
from r53lite.dns.message import Message, Query
from r53lite.dns.rrset import RRset
from r53lite.errors import WireError
from tests.fuzz.worlds import World

HEADER_BYTES = 12
OPCODE_BITS = 0x78  # of the third octet (RFC 1035 §4.1.1)
OPTION_CLIENT_SUBNET, OPTION_COOKIE = 8, 10
_OPT = 41
_HEADER, _FIXED, _OPTION = struct.Struct("!HHHHHH"), struct.Struct("!HHIH"), struct.Struct("!HH")
PLAIN_UDP_BYTES = 512  # RFC 1035 §4.2.1

# No SERVFAIL: all zones are loaded and recursion is off, so it could only hide a bug. 9 is NOTAUTH, 16
# BADVERS, 23 BADCOOKIE.
KNOWN_RCODES = frozenset((0, 1, 3, 4, 5, 6, 9, 16, 23))


class BrokenRuleError(AssertionError):
    """A reply, or its absence, breaks a rule."""


def decode_or_none(request: bytes) -> Query | None:
    """Return the query that a request holds, or None where it holds none."""
    try:
        return wire.decode_query(request)
    except WireError:
        return None


def check_reply(request: bytes, reply: object, payload_bytes: int, *, is_stream: bool) -> Message | None:
    """Hold one reply, or silence, against the rules.

    Args:
        request: the datagram or the message of a stream.
        reply: what the door returned.
        payload_bytes: the server's own limit for UDP.
        is_stream: True for TCP.

    Returns:
        The decoded reply; None where silence was right.

    Raises:
        BrokenRuleError: a rule does not hold.
    """
    is_answerable = len(request) >= HEADER_BYTES and request[2] < 0x80
    if reply is None:
        if is_answerable:
            raise BrokenRuleError("a query gets no reply")
        return None
    if not is_answerable:
        raise BrokenRuleError("a reply to a response, or to less than a header")
    if not isinstance(reply, bytes):
        raise BrokenRuleError(f"the reply is {type(reply).__name__}, not bytes")
    if len(reply) < HEADER_BYTES or reply[:2] != request[:2]:
        raise BrokenRuleError("the reply has no header, or another id")
    if (reply[2] ^ request[2]) & 0xF8 != 0x80:
        raise BrokenRuleError("QR is not set, or the opcode is another")
    query = decode_or_none(request)
    limit_bytes = limit_of(query, payload_bytes, is_stream=is_stream)
    if len(reply) > limit_bytes:
        raise BrokenRuleError(f"{len(reply)} octets; the limit is {limit_bytes}")
    try:
        message = wire.decode_message(reply)
    except WireError as error:
        raise BrokenRuleError(f"we cannot read our own reply: {error}") from error
    if query is not None and message.edns is not None:
        _check_subnet(query, message.rcode, read_options(reply).get(OPTION_CLIENT_SUBNET))
    if message.rcode not in KNOWN_RCODES:
        raise BrokenRuleError(f"rcode {message.rcode}")
    _check_question(request, reply, query)
    _check_opt(request, message, query)
    return message


def limit_of(query: Query | None, payload_bytes: int, *, is_stream: bool) -> int:
    """Return the longest reply that a query permits; `payload_bytes` is the server's own limit for UDP."""
    if is_stream:
        return wire.MAX_MESSAGE_BYTES
    if query is None or query.edns is None:
        return PLAIN_UDP_BYTES
    return min(max(query.edns.payload_bytes, PLAIN_UDP_BYTES), payload_bytes)


def check_glance(octets: bytes, reply: object, payload_bytes: int, *, is_stream: bool) -> None:
    """Check what can be seen of a reply without reading it: that there is one only where one is due, that it
    is the request's own, and that it is not too long.

    Raises:
        BrokenRuleError: it is not so.
    """
    if len(octets) < 12 or octets[2] & 0x80:
        if reply is not None:
            raise BrokenRuleError("a reply to a response, or to less than a header")
        return
    if not isinstance(reply, bytes) or len(reply) < 12:
        raise BrokenRuleError(f"no reply, or one that is none: {reply!r}")
    if reply[:2] != octets[:2] or not reply[2] & 0x80 or (reply[2] ^ octets[2]) & OPCODE_BITS:
        raise BrokenRuleError(f"another id or opcode, or no QR: {reply[:4].hex()}")
    if len(reply) > PLAIN_UDP_BYTES:  # for shorter ones there is no limit to be over
        limit = limit_of(decode_or_none(octets), payload_bytes, is_stream=is_stream)
        if len(reply) > limit:
            raise BrokenRuleError(f"{len(reply)} octets; the limit is {limit}")


def _check_subnet(query: Query, rcode: int, option: bytes | None) -> None:
    """A client subnet comes back as it was, with a scope, where there is an answer (RFC 7871 §7.2.1)."""
    subnet = query.client_subnet
    if option is None:
        if subnet is not None and rcode in (0, 3):
            raise BrokenRuleError("no client subnet for one in the query")
        return
    sent = subnet and (subnet.family, subnet.source_prefix_len, subnet.address)
    if sent != (int.from_bytes(option[:2], "big"), option[2], option[4:]) or option[3] > 128:
        raise BrokenRuleError(f"client subnet {option.hex()} for {sent}")


def read_options(reply: bytes) -> dict[int, bytes]:
    """Return the EDNS options of a reply that can be read, by code."""
    _, _, _, *counts = _HEADER.unpack_from(reply)
    at = HEADER_BYTES
    if reply[5]:
        at = _after_name(reply, at) + 4
    for _ in range(sum(counts)):
        at = _after_name(reply, at)
        rrtype, _, _, length = _FIXED.unpack_from(reply, at)
        at += _FIXED.size
        if rrtype == _OPT:
            options, end = {}, at + length
            while at < end:
                code, size = _OPTION.unpack_from(reply, at)
                options[code] = reply[at + 4 : at + 4 + size]
                at += 4 + size
            return options
        at += length
    return {}


def _after_name(reply: bytes, at: int) -> int:
    while 0 < reply[at] < 64:
        at += 1 + reply[at]
    return at + (2 if reply[at] else 1)


def _check_question(request: bytes, reply: bytes, query: Query | None) -> None:
    """The question comes back octet for octet, and always where the query could be read."""
    count = int.from_bytes(reply[4:6], "big")
    if count > 1 or (query is not None and count != int.from_bytes(request[4:6], "big")):
        raise BrokenRuleError(f"{count} questions in the reply")
    if count:
        end = HEADER_BYTES
        while reply[end]:
            end += 1 + reply[end]
        if reply[HEADER_BYTES : end + 5] != request[HEADER_BYTES : end + 5]:
            raise BrokenRuleError("the reply's question is not the query's")


def _check_opt(request: bytes, reply: Message, query: Query | None) -> None:
    """An OPT record for those who sent one, and for nobody else (RFC 6891 §6.1.1)."""
    has_opt = reply.edns is not None
    if query is not None:
        if has_opt != (query.edns is not None):
            raise BrokenRuleError(
                "OPT without one in the query" if has_opt else "no OPT for one in the query"
            )
    elif has_opt and b"\x00\x29" not in request:
        raise BrokenRuleError("OPT in the reply to something that cannot hold one")


# --- two replies to one question ----------------------------------------------------------------------------


def check_same(
    world: World, first: Message, second: Message, sizes: tuple[int, int], limit_bytes: int
) -> None:
    """Hold two replies to one question together: equal but for the order of records and a policy's choice.

    Additional records that did not fit may differ: they are tried in the random order of what names them.

    Args:
        world: says which RRsets a policy chooses, and from what.
        first: the earlier reply.
        second: the later one.
        sizes: the octets of both.
        limit_bytes: the longest reply the client takes.

    Raises:
        BrokenRuleError: they differ.
    """
    if first == second:
        return
    is_free = world.is_chosen_chain(first) or world.is_chosen_chain(second)
    heads = [(m.flags & (0xFFF0 if is_free else 0xFFFF), m.edns and m.edns[:3]) for m in (first, second)]
    if heads[0] != heads[1]:
        raise BrokenRuleError(f"flags or OPT: {heads[0]}; again {heads[1]}")
    facts = [
        [_facts(world, section) for section in (m.answer, m.authority, m.additional)] for m in (first, second)
    ]
    if is_free:
        return  # another name's answer may follow the CNAME that was chosen
    for at, section in enumerate(("answer", "authority")):
        if facts[0][at] != facts[1][at]:
            raise BrokenRuleError(f"{section} section: {facts[0][at]}; again {facts[1][at]}")
    for here, there, size in ((0, 1, sizes[0]), (1, 0, sizes[1])):
        for key, fact in facts[there][2].items():
            if facts[here][2].get(key) != fact and (
                key in facts[here][2] or size + _size(key, fact) <= limit_bytes
            ):
                raise BrokenRuleError(f"additional section has no {key}: {fact}, though there is room")


def check_same_options(first: bytes, second: bytes) -> None:
    """Hold the options of two replies to one question together; a server cookie may be made anew.

    Raises:
        BrokenRuleError: they differ.
    """
    options, again = read_options(first), read_options(second)
    if options.pop(OPTION_COOKIE, b"")[:8] != again.pop(OPTION_COOKIE, b"")[:8] or options != again:
        raise BrokenRuleError(f"EDNS options: {options}; again {again}")


def _facts(
    world: World, section: tuple[RRset, ...]
) -> dict[tuple[bytes, int], tuple[int, int, frozenset[bytes] | None]]:
    """Return TTL, octets and values by owner and type; what a policy chose is checked and left out."""
    facts: dict[tuple[bytes, int], tuple[int, int, frozenset[bytes] | None]] = {}
    for rrset in section:
        values: frozenset[bytes] | None = frozenset(rrset.rdatas)
        permitted = world.permitted_rdata(rrset)
        if permitted is not None:
            if not permitted.rdatas.issuperset(rrset.rdatas):
                raise BrokenRuleError(f"the policy may not choose {rrset.rdatas} of {rrset.owner!r}")
            values = None if permitted.is_by_chance else values
        octets = sum(10 + len(rdata) for rdata in rrset.rdatas)
        facts[rrset.owner, rrset.rrtype] = (rrset.ttl, octets, values)
    return facts


def _size(key: tuple[bytes, int], fact: tuple[int, int, frozenset[bytes] | None]) -> int:
    """Return the most octets that an RRset can take: one owner in full, pointers after it."""
    _, octets, values = fact
    return len(key[0]) + octets + 2 * (len(values) - 1 if values else 0)


def check_whole(cut: Message, whole: Message) -> None:
    """Hold a UDP reply against the stream's: it has whole RRsets of the same answer (RFC 2181 §9).

    Raises:
        BrokenRuleError: records are missing from an RRset, or the reply lacks RRsets and does not say TC.
    """
    full = {(rrset.owner, rrset.rrtype): len(rrset.rdatas) for rrset in whole.answer}
    for rrset in cut.answer:
        if full.get((rrset.owner, rrset.rrtype)) != len(rrset.rdatas):
            raise BrokenRuleError(f"RRset {rrset.owner!r} {rrset.rrtype} is cut in the middle")
    if not cut.is_truncated and len(cut.answer) != len(whole.answer):
        raise BrokenRuleError("RRsets are missing from the answer section, and TC is not set")


# --- a peer -------------------------------------------------------------------------------------------------


def check_with_peer(reply: bytes, ours: Message) -> None:
    """Let dnspython read a reply, to the last octet, and find the same counts in it.

    All are read as replies to QUERY: it takes the question of an UPDATE for a zone section, with rules of
    its own (RFC 2136 §2.3).

    Raises:
        BrokenRuleError: it cannot, or reads something else.
    """
    if read_options(reply).get(OPTION_CLIENT_SUBNET, b"")[:2] == bytes(2):
        return  # address family 0, as `dig +subnet=0` sends it, comes back; dnspython does not know it
    try:
        as_query = reply[:2] + bytes([reply[2] & ~OPCODE_BITS]) + reply[3:]
        peer = dns.message.from_wire(as_query, keyring=False)  # TSIG is read, not verified
    except dns.name.PointerChainTooLong:
        return  # it follows 16 pointers; a chain of 17 DNAMEs writes one for each step
    except (dns.exception.DNSException, ValueError) as error:
        raise BrokenRuleError(f"dnspython cannot read the reply: {error!r}") from error
    theirs = (peer.id, int(peer.rcode()), [sum(map(len, part)) for part in (peer.answer, peer.authority)])
    sections = [sum(len(rrset.rdatas) for rrset in part) for part in (ours.answer, ours.authority)]
    is_whole = ours.qclass != 3  # our reader leaves out records of class CH
    if is_whole and theirs != (ours.message_id, ours.rcode, sections):
        raise BrokenRuleError(f"dnspython reads {theirs}; we read {(ours.message_id, ours.rcode, sections)}")
