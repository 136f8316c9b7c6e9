"""A bounded part of the fuzzers runs with the tests, and the fuzzers themselves are held against planted
faults.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from r53lite.answering.dispatch import Dispatch
from r53lite.dns import wire
from r53lite.dns.message import Response
from r53lite.dns.name import parse_name
from r53lite.dns.rrset import RRset
from r53lite.errors import Fault
from tests.fuzz import codec, door, invariants, mazes
from tests.fuzz.invariants import BrokenRuleError, check_glance, check_reply
from tests.fuzz.packets import PacketMaker, message, opt_record, question
from tests.fuzz.reader import ReaderFuzzer, check_faults
from tests.fuzz.report import Report
from tests.fuzz.sockets import SocketFuzzer
from tests.fuzz.worlds import load_worlds

SEED = 53
DOOR_BLOCKS, DOOR_PACKETS = len(door.KINDS), 10_000  # each block has settings of its own
CODEC_CASES, READER_CASES, SOCKET_PACKETS = 20_000, 600, 2_000
QUERY = message(0x0100, question("www.fuzz.test", 1))
EDNS_QUERY = message(0x0100, question("www.fuzz.test", 1), opt_record(b""), (1, 0, 0, 1))


def assert_sound(report: Report, cases: int) -> None:
    """Check that a part ran whole and found nothing."""
    assert not report.faults, "\n".join(map(str, report.faults.values()))
    assert report.cases == cases


@pytest.mark.parametrize("block", range(DOOR_BLOCKS))
def test_the_door_keeps_its_rules(block: int) -> None:
    report = Report("door", SEED)
    door.DoorFuzzer(report).run_block(block, DOOR_PACKETS)
    assert_sound(report, DOOR_PACKETS)


def test_the_door_is_not_held_up_by_small_mazes() -> None:
    report = Report("door", SEED)
    door.DoorFuzzer(report).run_mazes((512, 1232))
    assert_sound(report, len(mazes.make_mazes((512, 1232))))


def test_the_codec_gives_a_value_or_a_wire_error() -> None:
    report = Report("codec", SEED)
    codec.CodecFuzzer(report).run(CODEC_CASES)
    assert_sound(report, CODEC_CASES)


def test_the_readers_give_faults_and_no_exception(tmp_path: Path) -> None:
    report = Report("reader", SEED)
    fuzzer = ReaderFuzzer(report, tmp_path)
    fuzzer.run(READER_CASES)
    assert_sound(report, READER_CASES)
    assert fuzzer.sound > READER_CASES // 20  # enough of them can be read for the door to be asked


async def test_a_server_on_sockets_keeps_the_rules(tmp_path: Path) -> None:
    report = Report("sockets", SEED)
    fuzzer = SocketFuzzer(report, tmp_path)
    await fuzzer.run(SOCKET_PACKETS)
    assert_sound(report, SOCKET_PACKETS)
    assert fuzzer.received > SOCKET_PACKETS // 2


# --- are faults seen? ---------------------------------------------------------------------------------------


def test_packets_follow_from_their_seed() -> None:
    makers = PacketMaker("a"), PacketMaker("a"), PacketMaker("b")
    first, second, other = ([maker.next() for _ in range(500)] for maker in makers)
    assert first == second
    assert first != other


def good_reply(request: bytes = QUERY) -> bytearray:
    """Return what a door of ours answers."""
    reply = wire.encode_response(wire.decode_query(request), wire_response(), 512, 1232)
    return bytearray(reply)


def wire_response() -> Response:
    """Return NOERROR with one address."""
    rrset = RRset(parse_name("www.fuzz.test"), 1, 60, (bytes(4),))
    return Response(0, is_authoritative=True, answer=(rrset,))


def with_octet(at: int, value: int) -> Callable[[], bytes]:
    """Return a maker of the good reply with one octet changed."""

    def make() -> bytes:
        reply = good_reply()
        reply[at] = value
        return bytes(reply)

    return make


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: None, "no reply"),
        (lambda: "text", "not bytes"),
        (with_octet(0, 9), "another id"),
        (with_octet(2, 0x01), "QR"),
        (with_octet(2, 0xA9), "opcode"),
        (with_octet(3, 0x02), "rcode 2"),
        (with_octet(14, 0x57), "question is not"),
        (with_octet(5, 2), "cannot read our own"),
        (with_octet(7, 2), "cannot read our own"),
        (lambda: bytes(good_reply()) + bytes(500), "the limit is 512"),
        (lambda: bytes(good_reply(EDNS_QUERY)), "OPT without one"),
        (lambda: QUERY[:2] + b"\x81\x01" + bytes(8), "0 questions"),
    ],
)
def test_a_broken_reply_is_seen(make: Callable[[], object], rule: str) -> None:
    check_reply(QUERY, bytes(good_reply()), 1232, is_stream=False)
    with pytest.raises(BrokenRuleError, match=rule):
        check_reply(QUERY, make(), 1232, is_stream=False)


def test_what_is_broken_from_outside_is_seen_at_a_glance() -> None:
    check_glance(QUERY, bytes(good_reply()), 1232, is_stream=False)
    check_glance(QUERY[:11], None, 1232, is_stream=False)
    broken = (
        (QUERY, None),
        (QUERY, bytes(good_reply()) + bytes(500)),
        (QUERY, with_octet(0, 9)()),
        (QUERY, with_octet(2, 0x01)()),
        (QUERY, with_octet(2, 0xA9)()),
        (QUERY[:2] + b"\x80" + QUERY[3:], bytes(good_reply())),
        (QUERY[:11], bytes(good_reply())),
    )
    for request, reply in broken:
        with pytest.raises(BrokenRuleError):
            check_glance(request, reply, 1232, is_stream=False)


@pytest.mark.parametrize("request_bytes", [b"", bytes(11), b"\x12\x34\x80\x00" + QUERY[4:]])
def test_a_reply_to_what_gets_none_is_seen(request_bytes: bytes) -> None:
    check_reply(request_bytes, None, 1232, is_stream=False)
    with pytest.raises(BrokenRuleError, match="a reply to a response"):
        check_reply(request_bytes, bytes(12), 1232, is_stream=False)


def test_a_second_reply_that_differs_is_seen_and_a_policys_choice_is_not() -> None:
    world = load_worlds()[0]
    first = wire.decode_message(bytes(good_reply()))
    rrset = first.answer[0]
    other = first._replace(answer=(rrset._replace(rdatas=(b"\1\1\1\1",)),))
    chosen = rrset._replace(owner=parse_name("weighted.fuzz.test"), rdatas=(b"\xc0\x00\x02\x65",))
    sizes = (60, 60)
    with pytest.raises(BrokenRuleError, match="answer section"):
        invariants.check_same(world, first, other, sizes, 512)
    replies = [
        first._replace(answer=(chosen._replace(rdatas=(bytes((192, 0, 2, last)),)),))
        for last in (101, 103, 102)
    ]
    invariants.check_same(world, replies[0], replies[1], sizes, 512)
    with pytest.raises(BrokenRuleError, match="may not choose"):  # 102 is down
        invariants.check_same(world, replies[0], replies[2], sizes, 512)


def test_an_rrset_that_is_cut_in_the_middle_is_seen() -> None:
    whole = wire.decode_message(bytes(good_reply()))
    rrset = whole.answer[0]
    whole = whole._replace(answer=(rrset._replace(rdatas=(bytes(4), b"\1\1\1\1")),))
    cut = whole._replace(answer=(rrset,), flags=whole.flags | 0x0200)
    with pytest.raises(BrokenRuleError, match="cut in the middle"):
        invariants.check_whole(cut, whole)
    invariants.check_whole(cut._replace(answer=()), whole)
    with pytest.raises(BrokenRuleError, match="TC is not set"):
        invariants.check_whole(whole._replace(answer=()), whole)


def test_what_the_door_raises_or_logs_is_reported_with_its_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    def log(self: Dispatch, *_: object, **__: object) -> None:
        logging.getLogger("r53lite.answering").error("a query failed")
        self.failures += 1

    for answer, kind in (
        (fail, "exception KeyError('a bug')"),
        (log, "logged ['a query failed'], "),
    ):
        report = Report("door", SEED)
        with monkeypatch.context() as patch:
            patch.setattr(Dispatch, "answer", answer)
            door.DoorFuzzer(report).run_block(0, 10)
        (fault, *_) = report.faults.values()
        assert fault.rule.startswith(kind)
        assert "--replay" in fault.case
        assert f"--seed {SEED} --block 0" in fault.repeat


@pytest.mark.parametrize(
    "forgotten", ["nothing", "payload", "is_dnssec_ok", "client_subnet", "flags", "is_stream"]
)
def test_a_table_of_answers_that_forgets_a_fact_is_seen(
    forgotten: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors: list[Dispatch] = []  # kept alive, so that no other has the same id
    table: dict[object, bytes] = {}
    clear = Dispatch.answer

    def answer(self: Dispatch, request: bytes, address: str, *, is_stream: bool) -> object:
        query = invariants.decode_or_none(request)
        if query is None:
            return clear(self, request, address, is_stream=is_stream)
        edns = query.edns
        facts: dict[str, object] = {
            "flags": query.flags,
            "is_stream": is_stream,
            "has_edns": edns is not None,
        }
        if edns is not None:
            facts |= edns._asdict()
            facts["payload"] = facts.pop("payload_bytes")
        facts.pop(forgotten, None)
        doors.append(self)
        key = id(self), query.question.lower(), address, tuple(facts.items())
        if key not in table:
            reply = clear(self, request, address, is_stream=is_stream)
            assert isinstance(reply, bytes)
            table[key] = reply
        end = 12 + len(query.question)
        return request[:2] + table[key][2:12] + query.question + table[key][end:]

    monkeypatch.setattr(Dispatch, "answer", answer)
    report = Report("door", SEED)
    door.DoorFuzzer(report).run_block(0, 2500)
    assert bool(report.faults) == (forgotten != "nothing")


def test_a_message_for_people_that_cannot_be_shown_is_seen() -> None:
    check_faults((Fault("a.zone", 2, "sound"), Fault("a.zone", 1, "\x1b[2J")), b"one\ntwo\n")
    for line, reason in ((9, "sound"), (1, "")):
        with pytest.raises(BrokenRuleError):
            check_faults((Fault("a.zone", line, reason),), b"one\ntwo\n")
