"""Requests made octet by octet, and a door to ask them of; replies are read by dnspython."""

from __future__ import annotations

import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode

from r53lite.answering.access import AccessList
from r53lite.answering.chaos import Chaos
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.reply_options import ClientOptions
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.control.snapshot import Snapshot
from r53lite.dns.cookies import ServerCookies
from r53lite.dns.name import parse_name
from r53lite.dns.rrtypes import parse_rrtype
from r53lite.health.table import HealthTable

ZONE = """
$TTL 300
@      IN SOA ns1 admin 7 3600 600 86400 60
@      NS ns1
ns1    A 192.0.2.1
www    A 192.0.2.3
alias  CNAME www
sub    NS ns1
"""
NOW = 1_600_000_000
CLIENT = b"client 8"
AA, TC, RD, RA, Z, AD, CD = 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010


def make_door(snapshot: Snapshot, *, is_cookie_required: bool = False, nsid: bytes = b"") -> Dispatch:
    options = ClientOptions(nsid, ServerCookies([bytes(16)]), is_cookie_required, 125)
    settings = DispatchSettings(
        AccessList(()), client_options=options, chaos=Chaos("r53lite", "", "one"), minimal_responses=True
    )
    return Dispatch(
        lambda: snapshot, HealthTable, None, settings, lambda n: n - 1, wall_clock=lambda: float(NOW)
    )


def question(name: str = "www.example.test", qtype: str = "A", qclass: int = 1) -> bytes:
    return parse_name(name) + struct.pack("!HH", parse_rrtype(qtype), qclass)


def option(code: int, content: bytes = b"") -> bytes:
    return struct.pack("!HH", code, len(content)) + content


def opt(options: bytes = b"", *, version: int = 0, flags: int = 0, payload_bytes: int = 1232) -> bytes:
    return struct.pack("!BHHBBHH", 0, 41, payload_bytes, 0, version, flags, len(options)) + options


def request(body: bytes, *, flags: int = 0, counts: tuple[int, int, int, int] = (1, 0, 0, 0)) -> bytes:
    return struct.pack("!6H", 7, flags, *counts) + body


def with_opt(
    options: bytes = b"", *, body: bytes | None = None, version: int = 0, payload_bytes: int = 1232
) -> bytes:
    record = opt(options, version=version, payload_bytes=payload_bytes)
    return request((question() if body is None else body) + record, counts=(1, 0, 0, 1))


def ask(door: Dispatch, message: bytes, *, is_stream: bool = False) -> dns.message.Message:
    reply = door.answer(message, "192.0.2.77", is_stream=is_stream)
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


def rcode_of(reply: dns.message.Message) -> str:
    return dns.rcode.to_text(reply.rcode())
