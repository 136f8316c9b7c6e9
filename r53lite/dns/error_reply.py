"""What is said to a request that could not be read, and how much of it is echoed?

A reply to garbage is short: the header, the question where exactly one can be read, and an OPT record where
the request had one that can be read (RFC 6891 §7 wants it back whatever the answer is). It never exceeds 512
octets, so no limit has to be known. Reading here is lenient: it stops at the first octet that makes no sense
and keeps what came before.

Carries out: RFC 1035 §4.1.1, RFC 6891 §6.1.1 and §7, RFC 8945 §5.2 (a key we do not have: BADKEY).
"""

from __future__ import annotations

import contextlib
import struct

from r53lite.dns import edns, message, rrtypes
from r53lite.dns.edns import Edns
from r53lite.dns.name import MAX_NAME_OCTETS
from r53lite.dns.wire_layout import FIXED, HEADER, HEADER_BYTES, TYPE_CLASS
from r53lite.dns.wire_reader import read_name, skip_name
from r53lite.errors import WireError

_TSIG_BADKEY = 17  # RFC 8945 §3
_TSIG_TIMES = struct.Struct("!HIHH")  # time signed (16 + 32 bits), fudge, length of the MAC
_TSIG_REST = struct.Struct("!HHHHH")  # fudge, MAC size, original id, error, length of other data


class _Scan:
    """What can be read of a request: its question, its OPT record, its TSIG record."""

    def __init__(self, wire: bytes) -> None:
        self.question = b""
        self.opt: tuple[int, int, bytes] | None = None
        self.tsig: tuple[bytes, bytes] | None = None
        self._opts = 0
        with contextlib.suppress(IndexError, struct.error, WireError):
            self._read(wire)  # what was read before a fault is what there is
        if self._opts != 1:  # RFC 6891 §6.1.1: of several none counts
            self.opt = None

    def _read(self, wire: bytes) -> None:
        _, _, questions, answers, authorities, additionals = HEADER.unpack_from(wire)
        at = HEADER_BYTES
        for _ in range(questions):
            at = _skip_plain_name(wire, at) + TYPE_CLASS.size
            if at > len(wire):
                return
        if questions == 1:
            self.question = wire[HEADER_BYTES:at]
        for index in range(answers + authorities + additionals):
            owner_at = at
            at = skip_name(wire, at)
            rrtype, rrclass, ttl, length = FIXED.unpack_from(wire, at)
            at += FIXED.size + length
            if at > len(wire):
                return
            if index < answers + authorities:
                continue
            if rrtype == rrtypes.OPT and wire[owner_at] == 0:
                self._opts += 1
                self.opt = (rrclass, ttl, wire[at - length : at])
            elif rrtype == rrtypes.TSIG:
                self.tsig = (read_name(wire, owner_at)[0], wire[at - length : at])


def encode_error(wire: bytes, rcode: int, payload_bytes: int = 1232, options: bytes = b"") -> bytes:
    """Write the reply to a request that could not be read, or that no zone is asked for.

    Args:
        wire: the request, of 12 octets at least.
        rcode: the response code; NOTAUTH is the answer to a TSIG record whose key we do not have.
        payload_bytes: our own UDP payload size, told in the OPT record.
        options: options for the OPT record, where there is one.

    Returns:
        A reply of 512 octets at most; id, opcode and RD are the request's.
    """
    scan = _Scan(wire)
    message_id, flags = TYPE_CLASS.unpack_from(wire)
    flags = message.QR | (flags & (0x7800 | message.RD)) | (rcode & 0xF)
    additional, count = b"", 0
    if scan.opt is not None:
        is_dnssec_ok = bool(scan.opt[1] & edns.DO_BIT)
        additional = edns.encode_opt(payload_bytes, rcode, options, is_dnssec_ok=is_dnssec_ok)
        count = 1
    if rcode == rrtypes.NOTAUTH and scan.tsig is not None:
        tsig = _encode_unknown_key(message_id, *scan.tsig)
        room = edns.MIN_UDP_PAYLOAD_BYTES - HEADER_BYTES - len(scan.question) - len(additional)
        if len(tsig) <= room:  # only names that no key has are too long
            additional += tsig
            count += 1
    header = HEADER.pack(message_id, flags, int(bool(scan.question)), 0, 0, count)
    return header + scan.question + additional


def read_edns(wire: bytes) -> Edns | None:
    """Return the OPT record of a request that could not be read as a whole; None where it has none.

    Raises:
        WireError: the record has a fault.
    """
    opt = _Scan(wire).opt
    return None if opt is None else edns.decode_opt(*opt)


def _skip_plain_name(wire: bytes, at: int) -> int:
    """Return the offset after a name without pointers."""
    start = at
    while wire[at]:
        if wire[at] > 63:
            raise WireError("pointer or unknown label type in the question")
        at += 1 + wire[at]
    if at + 1 - start > MAX_NAME_OCTETS:
        raise WireError("question name over 255 octets")
    return at + 1


def _encode_unknown_key(message_id: int, owner: bytes, rdata: bytes) -> bytes:
    """Write an unsigned TSIG record with error BADKEY: names and time as in the request (RFC 8945 §5.3.2)."""
    algorithm, at = read_name(rdata, 0)
    seconds_high, seconds_low, fudge, _ = _TSIG_TIMES.unpack_from(rdata, at)
    body = algorithm + struct.pack("!HI", seconds_high, seconds_low)
    body += _TSIG_REST.pack(fudge, 0, message_id, _TSIG_BADKEY, 0)
    return owner + FIXED.pack(rrtypes.TSIG, rrtypes.CLASS_ANY, 0, len(body)) + body
