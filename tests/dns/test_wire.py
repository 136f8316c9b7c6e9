"""The codec: any bytes give a value or a WireError, what is written reads back, and nothing exceeds its
limit.
"""

from __future__ import annotations

import contextlib
import struct

import dns.message
import dns.name
import dns.rdatatype
import pytest
from dnslib import DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import rrtypes, wire
from r53lite.dns.edns import Edns
from r53lite.dns.message import QR, TC, Message, Response
from r53lite.dns.name import parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrset import RRset
from r53lite.errors import WireError

ORIGIN = parse_name("example.com.")
QNAME = parse_name("www.example.com.")


def rrset(owner: str, rrtype: str, *values: str, ttl: int = 300) -> RRset:
    number = rrtypes.parse_rrtype(rrtype)
    return RRset(
        parse_name(owner), number, ttl, tuple(parse_rdata(number, value, ORIGIN) for value in values)
    )


def query(edns: bool = True) -> bytes:
    return wire.encode_query(7, QNAME, rrtypes.A, flags=0x0100, payload_bytes=1232 if edns else None)


def option(code: int, body: bytes) -> bytes:
    return struct.pack("!HH", code, len(body)) + body


def with_options(options: bytes, version: int = 0) -> bytes:
    opt = b"\x00" + struct.pack("!HHIH", rrtypes.OPT, 1232, version << 16, len(options)) + options
    return struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 1) + QNAME + b"\x00\x01\x00\x01" + opt


def test_a_query_reads_back() -> None:
    decoded = wire.decode_query(query())
    assert (decoded.message_id, decoded.qname, decoded.qtype, decoded.qclass) == (7, QNAME, 1, 1)
    assert decoded.is_recursion_desired
    assert decoded.edns == Edns(0, 1232, is_dnssec_ok=False)


def test_the_questions_letter_case_is_kept() -> None:
    request = bytearray(query(edns=False))
    request[13:16] = b"WwW"
    decoded = wire.decode_query(bytes(request))
    reply = wire.encode_response(
        decoded, Response(0, answer=(rrset("www.example.com.", "A", "192.0.2.1"),)), 512, 1232
    )
    assert decoded.qname == QNAME
    assert reply[13:16] == b"WwW"


@pytest.mark.parametrize(
    ("request_bytes", "rcode"),
    [
        pytest.param(b"", None, id="empty"),
        pytest.param(bytes(11), None, id="shorter than a header"),
        pytest.param(b"\x00\x07\x80\x00" + query()[4:], None, id="a response"),
        pytest.param(b"\x00\x07\x28\x00" + query()[4:], rrtypes.NOTIMP, id="opcode UPDATE"),
        pytest.param(query()[:4] + bytes(8), rrtypes.FORMERR, id="no question"),
        pytest.param(query()[:20], rrtypes.FORMERR, id="question ends early"),
        pytest.param(query() + b"x", rrtypes.FORMERR, id="octets after the message"),
        pytest.param(
            query()[:12] + b"\xc0\x0c\x00\x01\x00\x01", rrtypes.FORMERR, id="pointer in the question"
        ),
        pytest.param(with_options(b"\x00\x08"), rrtypes.FORMERR, id="EDNS option ends early"),
        pytest.param(
            with_options(option(8, b"\x00\x01\x18\x01\x7f\x00\x00")), rrtypes.FORMERR, id="ECS with a scope"
        ),
        pytest.param(with_options(option(8, b"\x00\x03\x08\x00\x7f")), rrtypes.FORMERR, id="ECS of family 3"),
        pytest.param(
            with_options(option(8, b"\x00\x01\x09\x00\x7f\xff")), rrtypes.FORMERR, id="ECS bits past prefix"
        ),
    ],
)
def test_a_malformed_query_is_answered_by_its_rcode_or_not_at_all(
    request_bytes: bytes, rcode: int | None
) -> None:
    with pytest.raises(WireError) as caught:
        wire.decode_query(request_bytes)
    assert caught.value.rcode == rcode


def test_a_client_subnet_is_read() -> None:
    subnet = wire.decode_query(with_options(option(8, b"\x00\x01\x18\x00\xc0\x00\x02"))).client_subnet
    assert subnet is not None
    assert str(subnet.network) == "192.0.2.0/24"


def test_an_unknown_option_and_version_are_read_over() -> None:
    decoded = wire.decode_query(with_options(option(65001, b"abc"), version=1))
    assert decoded.edns is not None
    assert decoded.edns.version == 1


def test_names_are_compressed_and_peers_read_them() -> None:
    response = Response(
        0,
        is_authoritative=True,
        answer=(rrset("www.example.com.", "A", "192.0.2.1", "192.0.2.2"),),
        authority=(rrset("example.com.", "NS", "ns1.example.com.", "ns2.example.com."),),
        additional=(rrset("ns1.example.com.", "AAAA", "2001:db8::1"),),
    )
    reply = wire.encode_response(wire.decode_query(query()), response, 1232, 1232)
    peer = dns.message.from_wire(reply)
    assert len(reply) < 150
    assert [str(answer) for answer in peer.answer] == [
        "www.example.com. 300 IN A 192.0.2.1\nwww.example.com. 300 IN A 192.0.2.2"
    ]
    assert str(peer.authority[0]).splitlines()[1] == "example.com. 300 IN NS ns2.example.com."
    assert [str(rr.rdata) for rr in DNSRecord.parse(reply).ar][:1] == ["2001:db8::1"]


def test_an_answer_that_does_not_fit_keeps_question_and_opt_and_sets_tc() -> None:
    answer = rrset("www.example.com.", "AAAA", *(f"2001:db8::{index:x}" for index in range(60)))
    request = wire.decode_query(query())
    short = wire.decode_message(wire.encode_response(request, Response(0, answer=(answer,)), 1232, 1232))
    whole = wire.decode_message(wire.encode_response(request, Response(0, answer=(answer,)), 65535, 1232))
    assert short.is_truncated
    assert (short.qname, short.answer, short.edns is not None) == (QNAME, (), True)
    assert not whole.is_truncated
    assert len(whole.answer[0].rdatas) == 60


def test_optional_sections_are_left_out_without_tc_and_glue_is_not() -> None:
    answer = rrset("www.example.com.", "TXT", *(f'"{index}{"x" * 200}"' for index in range(2)))
    extra = rrset("ns.example.com.", "TXT", f'"{"y" * 250}"')
    request = wire.decode_query(query(edns=False))
    optional = Response(
        0, answer=(answer,), authority=(extra,), is_authority_optional=True, additional=(extra,)
    )
    reply = wire.decode_message(wire.encode_response(request, optional, 512, 1232))
    assert not reply.is_truncated
    assert (reply.authority, reply.additional) == ((), ())
    needed = Response(0, answer=(answer,), glue=(extra,))
    assert wire.decode_message(wire.encode_response(request, needed, 512, 1232)).is_truncated


def test_a_reply_has_an_opt_record_only_where_the_query_had_one() -> None:
    plain = wire.decode_message(
        wire.encode_response(wire.decode_query(query(edns=False)), Response(16), 512, 1232)
    )
    edns = wire.decode_message(wire.encode_response(wire.decode_query(query()), Response(16), 512, 1232))
    assert plain.edns is None
    assert edns.rcode == rrtypes.BADVERS


def test_a_compression_loop_is_refused() -> None:
    loop = struct.pack("!HHHHHH", 1, QR, 1, 0, 0, 0) + b"\x01a\xc0\x0c\x00\x01\x00\x01"
    with pytest.raises(WireError):
        wire.decode_message(loop)


names = st.lists(st.binary(min_size=1, max_size=20), max_size=5).map(
    lambda labels: b"".join(bytes([len(label)]) + label.lower() for label in labels) + b"\x00"
)
rrsets = st.builds(
    RRset,
    names,
    st.sampled_from([rrtypes.A, rrtypes.TXT, 65280]),
    st.integers(0, 2**31 - 1),
    st.lists(st.binary(max_size=30), min_size=1, max_size=3, unique=True).map(tuple),
) | st.builds(
    RRset,
    names,
    st.just(rrtypes.NS),
    st.just(60),
    st.lists(names, min_size=1, max_size=3, unique=True).map(tuple),
)


@given(names, st.lists(rrsets, max_size=4, unique_by=lambda item: (item.owner, item.rrtype)))
def test_a_message_reads_back_as_it_was_written(qname: bytes, answer: list[RRset]) -> None:
    message = Message(5, QR, 0, 0, qname, 1, 1, tuple(answer), (), (), Edns(0, 1232, is_dnssec_ok=True))
    assert wire.decode_message(wire.encode_message(message)) == message


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_wire_error(junk: bytes) -> None:
    for decode in (wire.decode_query, wire.decode_message):
        with contextlib.suppress(WireError):
            decode(junk)


@given(st.integers(0, 60), st.binary(min_size=1, max_size=4), st.sampled_from(["query", "message"]))
def test_mutated_messages_give_a_value_or_a_wire_error(at: int, patch: bytes, kind: str) -> None:
    base = bytearray(with_options(option(8, b"\x00\x01\x18\x00\xc0\x00\x02")))
    base[at : at + len(patch)] = patch
    with contextlib.suppress(WireError):
        (wire.decode_query if kind == "query" else wire.decode_message)(bytes(base))


@given(st.lists(rrsets, max_size=6), st.integers(512, 1500))
def test_no_response_exceeds_its_limit_and_id_and_question_are_the_queries(
    answer: list[RRset], limit: int
) -> None:
    request = wire.decode_query(query())
    reply = wire.encode_response(
        request, Response(0, answer=tuple(answer), additional=tuple(answer)), limit, 1232
    )
    assert len(reply) <= limit
    assert reply[:2] == query()[:2]
    assert reply[12 : 12 + len(request.question)] == request.question
    flags = struct.unpack_from("!H", reply, 2)[0]
    assert flags & QR
    dns.message.from_wire(reply, raise_on_truncation=False) if not flags & TC and not answer else None
