"""Does the codec give a value or a `WireError` for any bytes, and back what was put in?

Three kinds of case: damaged requests for both readers, where dnspython says what the query was; made-up
messages, which must come back equal; and damaged messages, which where they can be read must come back equal
as well.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import dns.exception
import dns.message

from r53lite.dns import wire
from r53lite.dns.message import Message, Query
from r53lite.dns.rdata import EXPANDABLE
from r53lite.dns.rrset import RRset
from r53lite.errors import WireError
from tests.fuzz.invariants import BrokenRuleError
from tests.fuzz.mutators import mutate
from tests.fuzz.packets import PacketMaker
from tests.fuzz.report import Report

BLOCK_CASES = 20_000
PEER_EVERY = 16
_TYPES = (1, 1, 28, 16, 2, 5, 6, 12, 15, 33, 39, 14, 17, 18, 26, 257, 65280)
_HEADER_FLAGS = 0x87F0  # all but opcode and rcode, which a Message holds apart


class CodecFuzzer:
    """Throws bytes at the readers and messages at the writer."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def run(self, cases: int, first_block: int = 0) -> None:
        """Try so many cases, block by block."""
        block = first_block
        while self.report.cases < cases:
            self._run_block(block, min(BLOCK_CASES, cases - self.report.cases))
            block += 1

    def _run_block(self, block: int, cases: int) -> None:
        seed = f"{self.report.seed}/{block}"
        chance, maker = random.Random(seed), PacketMaker(seed)
        messages = [wire.encode_message(make_message(chance)) for _ in range(256)]
        repeat = f"python -m tests.fuzz codec --seed {self.report.seed} --block {block}"
        for number in range(cases):
            if number % 2:
                self._try(partial(check_query, number=number), maker.next().wire, repeat)
            elif number % 16 == 0:
                message = make_message(chance)
                self._try_message(message, repeat)
                messages[chance.randrange(len(messages))] = wire.encode_message(message)
            else:
                self._try(check_message, mutate(chance.choice(messages), chance, messages), repeat)
            self.report.cases += 1
        self.report.show_progress()

    def replay(self, octets: bytes) -> None:
        """Try one message with both readers."""
        self.report.cases += 1
        for check in (check_query, check_message):
            self._try(check, octets, "")

    def _try(self, check: Callable[[bytes], None], octets: bytes, repeat: str) -> None:
        try:
            check(octets)
        except BrokenRuleError as error:
            self.report.note_fault(str(error), f"python -m tests.fuzz codec --replay {octets.hex()}", repeat)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what we look for
            case = f"python -m tests.fuzz codec --replay {octets.hex()}"
            self.report.note_fault(f"exception {error!r}", case, repeat)

    def _try_message(self, message: Message, repeat: str) -> None:
        try:
            check_there_and_back(message)
        except BrokenRuleError as error:
            self.report.note_fault(str(error), repr(message), repeat)
        except Exception as error:  # noqa: BLE001  # likewise
            self.report.note_fault(f"exception {error!r}", repr(message), repeat)


def check_query(octets: bytes, number: int = 1) -> None:
    """Read a request with both readers; where it is one, hold it against dnspython now and then."""
    try:
        query = wire.decode_query(octets)
    except WireError as error:
        is_silent = len(octets) < 12 or octets[2] >= 0x80
        if (error.rcode is None) != is_silent:
            raise BrokenRuleError(f"rcode {error.rcode} for {error}") from error
    else:
        is_asked = octets[5] == 1  # RFC 7873 §5.4 knows queries without a question
        asked = (octets[12 : 12 + len(query.question)], query.question[:-4].lower())
        if is_asked and asked != (query.question, query.qname):
            raise BrokenRuleError("the query's question is not what stands in the message")
        if number % PEER_EVERY == 1:
            _check_with_peer(octets, query)
    check_message(octets)


def _check_with_peer(octets: bytes, query: Query) -> None:
    """Hold a query against what dnspython reads; what it refuses for its options' sake is left aside."""
    try:
        peer = dns.message.from_wire(octets, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return
    (asked,) = peer.question or (None,)
    if asked is not None and (asked.name.to_digestable(), asked.rdtype) != (query.qname, query.qtype):
        raise BrokenRuleError(f"dnspython reads the question {asked}; we read {query.qname!r} {query.qtype}")
    theirs = (peer.edns, peer.payload if peer.edns >= 0 else 0)
    edns = query.edns
    ours = (edns.version, edns.payload_bytes) if edns else (-1, 0)
    if ours[0] != theirs[0] or (ours[1] != theirs[1] and theirs[1] >= 512):
        raise BrokenRuleError(f"dnspython reads OPT {theirs}; we read {ours}")


def check_message(octets: bytes) -> None:
    """Read a message; one that can be read must be the same when it is written and read again."""
    try:
        message = wire.decode_message(octets)
    except WireError:
        return
    check_there_and_back(message)


def check_there_and_back(message: Message) -> None:
    """Write a message and read it: nothing may change but the version of EDNS, which is not written.

    Raises:
        BrokenRuleError: something else changed.
    """
    try:
        octets = wire.encode_message(message)
    except WireError as error:
        if "over" not in str(error):
            raise BrokenRuleError(f"a message that was read cannot be written: {error}") from error
        return
    again = wire.decode_message(octets)
    if _normal(again) != _normal(message):
        raise BrokenRuleError(f"written and read again it is {again}")


def _normal(message: Message) -> Message:
    edns = message.edns
    if edns is not None:
        edns = edns._replace(version=0)
    plain = message.flags & _HEADER_FLAGS
    return message._replace(flags=plain, edns=edns)


# --- made-up messages ---------------------------------------------------------------------------------------


def make_message(chance: random.Random) -> Message:
    """Return a message of chance whose names share ends, so that compression has work to do."""
    labels = [_label(chance) for _ in range(6)]
    sections = []
    for _ in range(3):
        rrsets: dict[tuple[bytes, int], RRset] = {}
        for _ in range(int(chance.random() ** 2 * 8)):
            owner, rrtype = _name(chance, labels), chance.choice(_TYPES)
            rdatas = dict.fromkeys(_rdata(chance, rrtype, labels) for _ in range(chance.randrange(1, 4)))
            rrsets[owner, rrtype] = RRset(owner, rrtype, chance.getrandbits(31), tuple(rdatas))
        sections.append(tuple(rrsets.values()))
    template = wire.decode_message(wire.encode_query(chance.getrandbits(16), _name(chance, labels), 1))
    has_opt = chance.random() < 0.5
    return template._replace(
        flags=chance.getrandbits(16) & _HEADER_FLAGS,
        opcode=chance.getrandbits(4),
        rcode=chance.getrandbits(12 if has_opt else 4),
        qtype=chance.getrandbits(16),
        qclass=chance.getrandbits(16),
        answer=sections[0],
        authority=sections[1],
        additional=sections[2],
        edns=template.edns if has_opt else None,
    )


def _label(chance: random.Random) -> bytes:
    size = chance.choice((1, 1, 2, 5, 20, 63))
    return bytes((size,)) + chance.randbytes(size).lower()


def _name(chance: random.Random, labels: list[bytes]) -> bytes:
    name = b"\x00"
    while chance.random() < 0.7:
        label = chance.choice(labels)
        if len(name) + len(label) > 255:
            break
        name = label + name
    return name


def _rdata(chance: random.Random, rrtype: int, labels: list[bytes]) -> bytes:
    layout = EXPANDABLE.get(rrtype)
    if layout is None:
        return chance.randbytes(int(chance.random() ** 3 * 300))
    names = b"".join(_name(chance, labels) for _ in range(layout.name_count))
    return chance.randbytes(layout.skip) + names + (chance.randbytes(20) if rrtype == 6 else b"")
