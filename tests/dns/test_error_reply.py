"""Replies to what could not be read: the question and an OPT record come back where they can be read."""

from __future__ import annotations

import contextlib
import struct

import dns.message
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from r53lite.dns import rrtypes, wire
from r53lite.dns.name import parse_name
from r53lite.dns.wire_layout import HEADER
from r53lite.errors import WireError
from tests.fuzz.invariants import check_with_peer

QNAME = parse_name("www.example.")
QUESTION = QNAME + b"\x00\x01\x00\x01"
OPT = b"\x00" + struct.pack("!HHIH", rrtypes.OPT, 1232, 0x8000, 0)
A_RECORD = QNAME + struct.pack("!HHIH", rrtypes.A, 1, 60, 4) + b"\x7f\x00\x00\x01"


def tsig(owner: bytes = parse_name("key."), rrclass: int = 255, rdata: bytes | None = None) -> bytes:
    if rdata is None:
        rdata = parse_name("hmac-sha256.") + struct.pack("!HIHH4sHHH", 1, 2, 300, 4, b"mac!", 7, 0, 0)
    return owner + struct.pack("!HHIH", rrtypes.TSIG, rrclass, 0, len(rdata)) + rdata


def request(*parts: bytes, flags: int = 0, counts: tuple[int, int, int, int] = (1, 0, 0, 0)) -> bytes:
    return HEADER.pack(7, flags, *counts) + b"".join(parts)


@pytest.mark.parametrize(
    ("message", "questions", "has_opt"),
    [
        pytest.param(request(), 0, False, id="nothing behind the header"),
        pytest.param(request(QUESTION[:-1]), 0, False, id="question ends early"),
        pytest.param(request(b"\xc0\x0c\x00\x01\x00\x01"), 0, False, id="pointer in the question"),
        pytest.param(request((b"\x3f" + b"a" * 63) * 4, QUESTION), 0, False, id="name over 255 octets"),
        pytest.param(request(QUESTION), 1, False, id="a question"),
        pytest.param(request(QUESTION, b"junk"), 1, False, id="octets behind the message"),
        pytest.param(request(QUESTION, OPT, counts=(1, 0, 0, 1)), 1, True, id="OPT"),
        pytest.param(request(QUESTION, OPT, b"x", counts=(1, 0, 0, 1)), 1, True, id="octets behind OPT"),
        pytest.param(request(QUESTION, A_RECORD, OPT, counts=(1, 1, 0, 1)), 1, True, id="answer and OPT"),
        pytest.param(request(QUESTION, OPT, counts=(1, 0, 1, 0)), 1, False, id="OPT in authority"),
        pytest.param(request(QUESTION, OPT, OPT, counts=(1, 0, 0, 2)), 1, False, id="two OPT"),
        pytest.param(request(QUESTION, b"\x01a" + OPT, counts=(1, 0, 0, 1)), 1, False, id="OPT not at root"),
        pytest.param(request(QUESTION, OPT[:-1], counts=(1, 0, 0, 1)), 1, False, id="OPT ends early"),
        pytest.param(request(QUESTION, QUESTION, OPT, counts=(2, 0, 0, 1)), 0, True, id="two questions"),
        pytest.param(request(OPT, counts=(0, 0, 0, 1)), 0, True, id="no question"),
    ],
)
def test_question_and_opt_come_back_where_they_can_be_read(
    message: bytes, questions: int, has_opt: bool
) -> None:
    with_rd = message[:2] + b"\x79\xff" + message[4:]  # opcode 15 with every flag but QR
    reply = wire.encode_error(with_rd, rrtypes.FORMERR)

    assert HEADER.unpack_from(reply) == (7, 0xF901, questions, 0, 0, int(has_opt))
    peer = dns.message.from_wire(reply)
    assert len(peer.question) == questions
    assert (peer.edns, peer.ednsflags) == ((0, 0x8000) if has_opt else (-1, 0))


def test_a_question_comes_back_as_it_was_spelled() -> None:
    assert wire.encode_error(request(b"\x03WwW" + QUESTION[4:]), rrtypes.NOTIMP)[12:16] == b"\x03WwW"


def test_an_extended_rcode_and_options_go_into_the_opt_record() -> None:
    reply = wire.encode_error(
        request(QUESTION, OPT, counts=(1, 0, 0, 1)), rrtypes.BADCOOKIE, 1400, b"\x00\x03\x00\x01x"
    )
    peer = dns.message.from_wire(reply)
    assert (peer.rcode(), peer.payload, len(peer.options)) == (rrtypes.BADCOOKIE, 1400, 1)


@pytest.mark.parametrize("opt", [b"", OPT])
def test_rfc8945_5_2_1_an_unknown_key_is_named_in_the_reply(opt: bytes) -> None:
    message = request(QUESTION, opt, tsig(), counts=(1, 0, 0, 2 if opt else 1))
    with pytest.raises(WireError) as caught:
        wire.decode_query(message)
    assert caught.value.rcode == rrtypes.NOTAUTH

    reply = wire.encode_error(message, rrtypes.NOTAUTH)

    badkey = parse_name("hmac-sha256.") + struct.pack("!HIHHHHH", 1, 2, 300, 0, 7, 17, 0)
    assert reply == HEADER.pack(7, 0x8009, 1, 0, 0, 2 if opt else 1) + QUESTION + opt + tsig(rdata=badkey)


@pytest.mark.parametrize(
    ("records", "counts"),
    [
        pytest.param((tsig(), OPT), (1, 0, 0, 2), id="not the last record"),
        pytest.param((tsig(), tsig()), (1, 0, 0, 2), id="two of them"),
        pytest.param((tsig(),), (1, 0, 1, 0), id="in authority"),
        pytest.param((tsig(rrclass=1),), (1, 0, 0, 1), id="class IN"),
        pytest.param((tsig(rdata=b""),), (1, 0, 0, 1), id="empty"),
        pytest.param((tsig(rdata=b"\x00" + bytes(9)),), (1, 0, 0, 1), id="ends early"),
        pytest.param((tsig(rdata=b"\x00" + bytes(17)),), (1, 0, 0, 1), id="octets behind it"),
    ],
)
def test_rfc8945_5_1_a_tsig_record_of_wrong_form_is_formerr(
    records: tuple[bytes, ...], counts: tuple[int, int, int, int]
) -> None:
    with pytest.raises(WireError) as caught:
        wire.decode_query(request(QUESTION, *records, counts=counts))
    assert caught.value.rcode == rrtypes.FORMERR


def test_a_key_name_that_fits_no_datagram_is_left_out() -> None:
    longest = (b"\x3f" + b"k" * 63) * 3 + b"\x3d" + b"k" * 61 + b"\x00"
    rdata = longest + struct.pack("!HIHHHHH", 1, 2, 300, 0, 7, 0, 0)
    question = longest + b"\x00\x01\x00\x01"
    message = request(question, tsig(longest, rdata=rdata), counts=(1, 0, 0, 1))
    assert wire.encode_error(message, rrtypes.NOTAUTH) == HEADER.pack(7, 0x8009, 1, 0, 0, 0) + question


@example(request(QUESTION, flags=rrtypes.OPCODE_UPDATE << 11), rrtypes.NOTIMP)
@given(st.binary(min_size=12, max_size=600), st.sampled_from([1, 4, 9, 16, 23]))
def test_no_error_reply_exceeds_512_octets(junk: bytes, rcode: int) -> None:
    reply = wire.encode_error(junk, rcode if rcode != rrtypes.NOTAUTH else rrtypes.FORMERR)
    assert len(reply) <= 512
    assert reply[:2] == junk[:2]
    check_with_peer(reply, wire.decode_message(reply))


@given(st.binary(max_size=300))
def test_reading_the_opt_record_of_junk_gives_a_value_or_a_wire_error(junk: bytes) -> None:
    with contextlib.suppress(WireError):
        wire.read_edns(junk)
