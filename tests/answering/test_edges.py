"""The door's edges: opcodes, counts, classes, types, flags, any octets. NSD, Knot and BIND agree on most."""

from __future__ import annotations

import struct
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from r53lite.answering.dispatch import Dispatch
from r53lite.control.snapshot import Snapshot
from r53lite.dns import wire
from r53lite.dns.name import parse_name
from r53lite.routing.locations import Locations
from r53lite.zone.catalog import Catalog
from tests.answering.edges import (
    AA,
    AD,
    CD,
    CLIENT,
    RA,
    RD,
    TC,
    ZONE,
    Z,
    ask,
    make_door,
    opt,
    option,
    question,
    rcode_of,
    request,
    with_opt,
)
from tests.fuzz.invariants import check_with_peer
from tests.support import load_snapshot


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return load_snapshot(tmp_path, example_test_zone=ZONE)


@pytest.fixture
def door(snapshot: Snapshot) -> Dispatch:
    return make_door(snapshot)


# --- header and counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 7, 15])
@pytest.mark.parametrize("has_opt", [False, True])
def test_an_opcode_other_than_query_is_not_implemented(door: Dispatch, opcode: int, has_opt: bool) -> None:
    asked = question("example.test", "SOA")  # what UPDATE and NOTIFY have there
    message = with_opt(body=asked) if has_opt else request(asked)
    reply = ask(door, message[:2] + struct.pack("!H", opcode << 11 | RD) + message[4:])
    assert (rcode_of(reply), reply.opcode(), reply.edns) == ("NOTIMP", opcode, 0 if has_opt else -1)
    assert reply.flags & 0x07F0 == RD
    assert len(reply.question) == 1


@pytest.mark.parametrize("opcode", [0, 4, 5, 15])
@pytest.mark.parametrize("body", [question(), b"", b"\xff" * 40])
def test_a_response_is_never_answered(door: Dispatch, opcode: int, body: bytes) -> None:
    assert door.answer(request(body, flags=0x8000 | opcode << 11), "192.0.2.77", is_stream=False) is None


@pytest.mark.parametrize("length", [0, 1, 2, 11])
def test_less_than_a_header_is_never_answered(door: Dispatch, length: int) -> None:
    assert door.answer(request(question())[:length], "192.0.2.77", is_stream=True) is None


@pytest.mark.parametrize("flags", [AA, TC, RA, Z, AD, CD, AA | TC | RA | Z | AD | CD, 0x000F])
@pytest.mark.parametrize("qname", ["www.example.test", "www.other.test", "none.example.test"])
def test_flags_of_a_query_that_mean_nothing_do_not_come_back(door: Dispatch, flags: int, qname: str) -> None:
    plain = ask(door, request(question(qname)))
    reply = ask(door, request(question(qname), flags=flags))
    assert reply.flags == plain.flags
    assert reply.answer == plain.answer


@pytest.mark.parametrize(
    ("message", "questions"),
    [
        pytest.param(request(b"", counts=(0, 0, 0, 0)), 0, id="no question"),
        pytest.param(request(opt(), counts=(0, 0, 0, 1)), 0, id="no question, OPT"),
        pytest.param(request(question() * 2, counts=(2, 0, 0, 0)), 0, id="two questions (RFC 9619)"),
        pytest.param(request(question(), counts=(1, 1, 0, 0)), 1, id="an answer"),
        pytest.param(request(question() + b"x"), 1, id="an octet behind the message"),
        pytest.param(request(b"\x40" + b"a" * 64 + question()), 0, id="a label over 63"),
        pytest.param(request(b"\x80" + question()), 0, id="an unknown label type"),
        pytest.param(with_opt(option(10, b"x")), 1, id="a cookie too short"),
        pytest.param(with_opt(option(8, b"\x00\x03\x08\x00\x7f")), 1, id="a client subnet of family 3"),
        pytest.param(request(question() + opt() + opt(), counts=(1, 0, 0, 2)), 1, id="two OPT records"),
        pytest.param(request(question() + b"\x01a" + opt(), counts=(1, 0, 0, 1)), 1, id="OPT with an owner"),
    ],
)
def test_a_malformed_query_is_formerr(door: Dispatch, message: bytes, questions: int) -> None:
    for is_stream in (False, True):
        reply = ask(door, message, is_stream=is_stream)
        assert (rcode_of(reply), len(reply.question)) == ("FORMERR", questions)
        assert not reply.answer + reply.authority + reply.additional


def test_records_of_the_additional_section_are_passed_over(door: Dispatch) -> None:
    """An A record and SIG(0): Knot and BIND answer such queries."""
    sig0 = struct.pack("!HBBIIIH", 0, 8, 0, 0, 0, 0, 1) + parse_name("k.example.") + bytes(64)
    for rrtype, rrclass, rdata in ((1, 1, b"\x7f\x00\x00\x01"), (24, 255, sig0)):
        record = b"\x00" + struct.pack("!HHIH", rrtype, rrclass, 0, len(rdata)) + rdata
        reply = ask(door, request(question() + record + opt(), counts=(1, 0, 0, 2)))
        assert (rcode_of(reply), reply.edns, len(reply.answer)) == ("NOERROR", 0, 1)


# --- classes and types --------------------------------------------------------------------------------------


@pytest.mark.parametrize("qclass", [0, 2, 3, 4, 5, 254, 4660])
@pytest.mark.parametrize("qname", ["www.example.test", "www.other.test"])
def test_a_class_without_data_is_refused(door: Dispatch, qclass: int, qname: str) -> None:
    assert rcode_of(ask(door, request(question(qname, qclass=qclass)))) == "REFUSED"


def test_class_any_finds_the_internet_class(door: Dispatch) -> None:
    assert len(ask(door, request(question(qclass=255))).answer) == 1


def test_chaos_answers_what_is_configured_in_its_own_class(door: Dispatch) -> None:
    reply = ask(door, request(question("Version.Bind", "TXT", 3)))
    assert [rrset.to_text() for rrset in reply.answer] == ['version.bind. 0 CH TXT "r53lite"']
    assert not reply.flags & dns.flags.AA
    assert rcode_of(ask(door, request(question("hostname.bind", "TXT", 3)))) == "REFUSED"
    assert rcode_of(ask(door, request(question("version.bind", "TXT", 1)))) == "REFUSED"


@pytest.mark.parametrize(
    "qtype", ["TYPE0", "OPT", "TYPE128", "TYPE200", "TKEY", "TSIG", "MAILB", "MAILA", "TYPE256", "TYPE65535"]
)
@pytest.mark.parametrize(
    ("qname", "rcode"),
    [
        ("www.example.test", "NOERROR"),
        ("alias.example.test", "NOERROR"),
        ("none.example.test", "NXDOMAIN"),
        ("x.sub.example.test", "NOERROR"),
        ("www.other.test", "REFUSED"),
    ],
)
def test_a_type_that_no_name_has_is_answered_as_any_missing_type(
    door: Dispatch, qtype: str, qname: str, rcode: str
) -> None:
    as_missing = ask(door, request(question(qname, "TYPE1000")))
    reply = ask(door, request(question(qname, qtype)))
    assert rcode_of(reply) == rcode
    assert (reply.flags, reply.answer, reply.authority, reply.additional) == (
        as_missing.flags,
        as_missing.answer,
        as_missing.authority,
        as_missing.additional,
    )


def test_rfc5936_4_2_axfr_over_udp_is_not_implemented(door: Dispatch) -> None:
    for qname in ("example.test", "www.example.test", "other.test"):
        assert rcode_of(ask(door, request(question(qname, "AXFR")))) == "NOTIMP"


@pytest.mark.parametrize(("qtype", "is_stream"), [("AXFR", True), ("IXFR", True), ("IXFR", False)])
def test_transfers_are_refused_and_other_names_are_not_ours(
    door: Dispatch, qtype: str, is_stream: bool
) -> None:
    for qname, rcode in (
        ("example.test", "REFUSED"),
        ("www.example.test", "NOTAUTH"),
        ("sub.example.test", "NOTAUTH"),
        ("other.test", "NOTAUTH"),
    ):
        reply = ask(door, request(question(qname, qtype)), is_stream=is_stream)
        assert (rcode_of(reply), reply.flags & AA, reply.answer) == (rcode, 0, [])


def test_the_authority_record_of_ixfr_is_read_over(door: Dispatch) -> None:
    soa = b"\x00" + struct.pack("!HHIH", 6, 1, 0, 22) + bytes(22)
    assert rcode_of(ask(door, request(question("example.test", "IXFR") + soa, counts=(1, 0, 1, 0)))) == (
        "REFUSED"
    )


# --- any octets ---------------------------------------------------------------------------------------------

EMPTY = Snapshot(Catalog(()), {}, Locations(()), 1)
SEEDS = [
    request(question()),
    with_opt(option(10, CLIENT) + option(3) + option(8, b"\x00\x01\x18\x00\x01\x02\x03")),
    request(opt(option(10, CLIENT)), counts=(0, 0, 0, 1)),
    request(question() + opt() + parse_name("key.") + bytes.fromhex("00fa00ff00000000001200")
            + struct.pack("!HIHHHHH", 0, 1, 300, 0, 7, 0, 0), counts=(1, 0, 0, 2)),
]  # fmt: skip


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=4),
    st.integers(0, 100),
    st.booleans(),
)
@example(SEEDS[0], [(2, 0x28)], 0, False)  # UPDATE
def test_whatever_comes_in_gets_its_id_back_within_the_limit_or_silence(
    seed: bytes, patches: list[tuple[int, int]], cut: int, is_required: bool
) -> None:
    message = bytearray(seed)
    for at, value in patches:
        if at < len(message):
            message[at] = value
    sent = bytes(message[: len(message) - cut] if cut < 20 else message)
    door = make_door(EMPTY, is_cookie_required=is_required, nsid=b"ns1")

    reply = door.answer(sent, "2001:db8::77", is_stream=False)

    assert door.failures == 0
    if len(sent) < 12 or sent[2] & 0x80:
        assert reply is None
    else:
        assert isinstance(reply, bytes)
        assert len(reply) <= 1232
        assert reply[:2] == sent[:2]
        assert reply[2] & 0xF8 == (sent[2] & 0x78) | 0x80
        check_with_peer(reply, wire.decode_message(reply))
