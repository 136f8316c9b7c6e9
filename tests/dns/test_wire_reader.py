"""Reading messages at their limits: lengths of names and rdata, TTLs, classes, counts."""

from __future__ import annotations

import struct

import pytest

from r53lite.dns import rrtypes, wire
from r53lite.dns.name import parse_name
from r53lite.dns.wire_layout import HEADER
from r53lite.errors import WireError

NAME = parse_name("a.example.")
QUESTION = NAME + b"\x00\x01\x00\x01"
LABEL = b"\x3f" + b"a" * 63


def record(rrtype: int, rdata: bytes, *, ttl: int = 60, rrclass: int = 1, owner: bytes = NAME) -> bytes:
    return owner + struct.pack("!HHIH", rrtype, rrclass, ttl, len(rdata)) + rdata


def reply(*records: bytes, question: bytes = QUESTION, flags: int = 0x8000) -> bytes:
    return HEADER.pack(7, flags, int(bool(question)), len(records), 0, 0) + question + b"".join(records)


def refused(message: bytes) -> int | None:
    """Return the rcode that a whole message is refused with."""
    with pytest.raises(WireError) as caught:
        wire.decode_message(message)
    return caught.value.rcode


@pytest.mark.parametrize(
    ("name", "is_fine"), [(LABEL * 3 + b"\x3d" + b"b" * 61, True), (LABEL * 3 + b"\x3e" + b"b" * 62, False)]
)
def test_rfc1035_2_3_4_a_name_has_255_octets_at_most(name: bytes, is_fine: bool) -> None:
    query = HEADER.pack(7, 0, 1, 0, 0, 0) + name + b"\x00\x00\x01\x00\x01"
    message = reply(question=name + b"\x00\x00\x01\x00\x01")
    if is_fine:
        assert wire.decode_query(query).qname == wire.decode_message(message).qname == name + b"\x00"
    else:
        with pytest.raises(WireError):
            wire.decode_query(query)
        assert refused(message) == rrtypes.FORMERR


def test_a_name_that_pointers_make_longer_than_255_octets_is_refused() -> None:
    question = LABEL * 3 + b"\x00\x00\x01\x00\x01"
    assert (
        refused(reply(record(1, bytes(4), owner=LABEL + b"\xc0\x0c"), question=question)) == rrtypes.FORMERR
    )


def test_an_opt_record_without_room_for_its_options_is_formerr() -> None:
    opt = b"\x00" + struct.pack("!HHIH", rrtypes.OPT, 1232, 0, 4)
    with pytest.raises(WireError) as caught:
        wire.decode_query(HEADER.pack(7, 0, 1, 0, 0, 1) + QUESTION + opt)
    assert caught.value.rcode == rrtypes.FORMERR


@pytest.mark.parametrize(
    ("rrtype", "rdata"),
    [
        pytest.param(rrtypes.NS, b"", id="no name"),
        pytest.param(rrtypes.NS, NAME + b"x", id="octets behind the name"),
        pytest.param(rrtypes.NS, NAME[:-1], id="name runs past its rdata"),
        pytest.param(rrtypes.MX, b"\x00\x0a", id="MX without a name"),
        pytest.param(rrtypes.SOA, NAME + NAME + bytes(19), id="SOA one octet short"),
        pytest.param(rrtypes.SOA, NAME + NAME + bytes(21), id="SOA one octet long"),
    ],
)
def test_rdata_of_a_known_type_has_its_form(rrtype: int, rdata: bytes) -> None:
    assert refused(reply(record(rrtype, rdata), record(1, bytes(4)))) == rrtypes.FORMERR


def test_rfc2181_5_2_an_rrset_has_the_lowest_ttl_of_its_records() -> None:
    records = [record(1, bytes((127, 0, 0, last)), ttl=ttl) for last, ttl in ((1, 60), (2, 20), (3, 90))]
    (rrset,) = wire.decode_message(reply(*records)).answer
    assert (rrset.ttl, len(rrset.rdatas)) == (20, 3)


def test_rfc2181_8_a_ttl_with_its_top_bit_set_is_0() -> None:
    (rrset,) = wire.decode_message(reply(record(1, bytes(4), ttl=0x8000_0000))).answer
    assert rrset.ttl == 0


def test_records_of_other_classes_are_left_out() -> None:
    assert wire.decode_message(reply(record(16, b"\x01x", rrclass=3))).answer == ()


def test_counts_that_promise_more_than_there_is_are_refused() -> None:
    assert refused(HEADER.pack(7, 0x8000, 2, 0, 0, 0) + QUESTION * 2) == rrtypes.FORMERR
    assert refused(HEADER.pack(7, 0x8000, 1, 1, 0, 0) + QUESTION) == rrtypes.FORMERR
    assert wire.decode_message(HEADER.pack(7, 0x8005, 0, 0, 0, 0)).qname is None
