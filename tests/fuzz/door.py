"""Does the door keep its rules for any packet? `Dispatch.answer` without sockets.

A block is some thousands of packets through new doors: it repeats alone, whatever came before it. Each
packet is asked cold and again, some with another id and letter case, some at a new door: a compiled answer
must say the same as the first did and must not remember whom it was made for. What is slow is timed again on
new doors, in CPU time, so that neither a collection of garbage nor a busy machine is taken for slow code.
"""

from __future__ import annotations

import random
import time
from collections.abc import Coroutine, Sequence
from typing import NamedTuple

from r53lite.answering.dispatch import Dispatch
from r53lite.dns.message import Message
from tests.fuzz.invariants import (
    BrokenRuleError,
    check_glance,
    check_reply,
    check_same,
    check_same_options,
    check_whole,
    check_with_peer,
    decode_or_none,
    limit_of,
)
from tests.fuzz.mazes import SIZES, make_mazes
from tests.fuzz.packets import PacketMaker, Request, scramble_case
from tests.fuzz.report import LogGuard, Report
from tests.fuzz.worlds import World, load_worlds
from tests.support import make_dispatch

BLOCK_PACKETS = 20_000  # two to three seconds: how long a repetition takes
PEER_EVERY = 64  # dnspython needs as long for one reply as we for ten packets
VARIANT_EVERY = 4
CLEAR_EVERY = 4
WHOLE_EVERY = 8
SLOW_S = 0.010  # 64 kB of records, one pass over them, cost 3 to 6 ms; anything quadratic costs seconds
SUSPECT_S = 0.002  # timed again
HOPELESS_S = 0.5  # no garbage collection explains this much: not asked again
RETRIES = 5  # the least of so many timings counts


class DoorKind(NamedTuple):
    """A way to set up the door: which world, and which settings."""

    world: int
    is_minimal: bool = False
    payload_bytes: int = 1232


KINDS = (
    DoorKind(0),
    DoorKind(1),
    DoorKind(0, is_minimal=True),
    DoorKind(1, payload_bytes=4096),
    DoorKind(0, False, 512),
)


class DoorFuzzer:
    """Sends blocks of packets through doors and reports what breaks."""

    def __init__(self, report: Report, deep_every: int = 1) -> None:
        """Make a fuzzer.

        Args:
            report: takes what breaks.
            deep_every: one packet in so many is asked in all ways and its replies are read; the others are
                asked once and looked at from outside.
        """
        self.report = report
        self._deep_every = deep_every
        self._worlds = load_worlds()

    def run(self, packets: int, first_block: int = 0) -> None:
        """Send at least so many packets, block by block."""
        block = first_block
        while self.report.cases < packets:
            self.run_block(block, min(BLOCK_PACKETS, packets - self.report.cases))
            block += 1

    def run_block(self, block: int, packets: int = BLOCK_PACKETS) -> None:
        """Send one block: its packets and its doors follow from the seed and the block's number."""
        seed = f"{self.report.seed}/{block}"
        kind = KINDS[block % len(KINDS)]
        door = _Door(self._worlds[kind.world], kind, seed)
        maker = PacketMaker(seed)
        with LogGuard() as log:
            for number in range(packets):
                self.try_one(door, maker.next(), number, log, f"--block {block}")
        self.report.show_progress()

    def run_mazes(self, sizes: Sequence[int] = SIZES) -> None:
        """Send what is written to cost much, in each size."""
        with LogGuard() as log:
            for request in make_mazes(sizes):
                self.try_one(_Door(self._worlds[0], KINDS[0], "mazes"), request, 0, log, "")

    def replay(self, request: Request, kind_number: int) -> None:
        """Send one packet through a new door."""
        kind = KINDS[kind_number]
        with LogGuard() as log:
            self.try_one(_Door(self._worlds[kind.world], kind, "replay"), request, 0, log, "")

    def try_one(self, door: _Door, request: Request, number: int, log: LogGuard, where: str) -> None:
        """Send one packet; note a broken rule, an exception, a log record or a long time."""
        rule = ""
        try:
            ask = door.glance if number % self._deep_every else door.ask
            seconds = ask(request, number)
        except BrokenRuleError as error:
            rule, seconds = str(error), 0.0
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what we look for
            rule, seconds = f"exception {error!r}", 0.0
        if log.records or door.dispatch.failures:
            rule = f"logged {log.records[:1]}, {door.dispatch.failures} failures; {rule}"
            log.records.clear()
            door.dispatch.failures = 0
        if seconds > SUSPECT_S:
            if seconds < HOPELESS_S:
                seconds = door.time_again(request)
            if seconds > SLOW_S:
                rule = f"slow: {seconds * 1000:.1f} ms for {len(request.wire)} octets"
        self.report.cases += 1
        if rule or not self.report.slowest or seconds > self.report.slowest[0][0]:
            self._note(rule, seconds, request, door, where)

    def _note(self, rule: str, seconds: float, request: Request, door: _Door, where: str) -> None:
        kind = KINDS.index(door.kind)
        stream = " --stream" if request.is_stream else ""
        replay = f"--door {kind} --client {request.client}{stream} --replay {request.wire.hex()}"
        self.report.note_time(seconds, replay)
        if rule:
            repeat = f"python -m tests.fuzz door --seed {self.report.seed} {where}"
            self.report.note_fault(rule, f"python -m tests.fuzz door {replay}", f"in its order: {repeat}")


class _Door:
    """One door with its world, and the random numbers for what is asked again."""

    def __init__(self, world: World, kind: DoorKind, seed: str) -> None:
        self.world = world
        self.kind = kind
        self._random = random.Random(seed)
        self.dispatch = self._make()

    def _make(self) -> Dispatch:
        return make_dispatch(
            self.world.snapshot,
            health=self.world.health,
            draw=self._random.randrange,
            minimal_responses=self.kind.is_minimal,
            udp_payload_bytes=self.kind.payload_bytes,
        )

    def glance(self, request: Request, _number: int) -> float:
        """Ask once and look at the reply from outside; return the CPU seconds.

        Raises:
            BrokenRuleError: the reply breaks a rule that can be seen from there.
        """
        octets, client, is_stream = request
        started = time.thread_time()
        reply = self.dispatch.answer(octets, client, is_stream=is_stream)
        seconds = time.thread_time() - started
        if isinstance(reply, Coroutine):
            reply.close()
            raise BrokenRuleError("the door wants to recurse, which is off")
        check_glance(octets, reply, self.kind.payload_bytes, is_stream=is_stream)
        return seconds

    def ask(self, request: Request, number: int) -> float:
        """Ask cold, hot and in other ways; return the CPU seconds of the slower of the first two.

        Raises:
            BrokenRuleError: a reply breaks a rule, or two replies differ.
        """
        octets, client, is_stream = request
        answer = self.dispatch.answer
        started = time.thread_time()
        cold = answer(octets, client, is_stream=is_stream)
        middle = time.thread_time()
        if middle - started > HOPELESS_S:
            self._check(octets, cold, is_stream=is_stream)
            return middle - started
        hot = answer(octets, client, is_stream=is_stream)
        ended = time.thread_time()
        seconds = max(middle - started, ended - middle)
        message = self._check(octets, cold, is_stream=is_stream)
        if message is None or not isinstance(cold, bytes):
            if hot is not None:
                raise BrokenRuleError("silent when cold, and a reply when hot")
            return seconds
        self._check_again(octets, hot, cold, message, is_stream=is_stream)
        if message.qname is not None and number % VARIANT_EVERY == 0:
            variant = self._variant(octets, message.qname)
            reply = answer(variant, client, is_stream=is_stream)
            self._check_again(variant, reply, cold, message, is_stream=is_stream)
        if number % CLEAR_EVERY == 0:  # what other packets left in this door's tables must not show
            clear = self._make().answer(octets, client, is_stream=is_stream)
            self._check_again(octets, clear, cold, message, is_stream=is_stream)
        if not is_stream and number % (2 if message.is_truncated else WHOLE_EVERY) == 0:
            whole = answer(octets, client, is_stream=True)
            whole_message = self._check(octets, whole, is_stream=True)
            assert whole_message is not None
            if not self.world.is_chosen_chain(message) and not self.world.is_chosen_chain(whole_message):
                check_whole(message, whole_message)
        if number % PEER_EVERY == 0:
            check_with_peer(cold, message)
        return seconds

    def _check(self, octets: bytes, reply: object, *, is_stream: bool) -> Message | None:
        if isinstance(reply, Coroutine):
            reply.close()
            raise BrokenRuleError("the door wants to recurse, which is off")
        return check_reply(octets, reply, self.kind.payload_bytes, is_stream=is_stream)

    def _check_again(
        self, octets: bytes, reply: object, first_reply: bytes, first: Message, *, is_stream: bool
    ) -> None:
        """Hold another reply against the first; equal octets need no second look."""
        if reply == first_reply:
            return
        message = self._check(octets, reply, is_stream=is_stream)
        if message is None or not isinstance(reply, bytes):
            raise BrokenRuleError("a reply when cold, and silence when hot")
        again = message._replace(message_id=first.message_id)
        limit = limit_of(decode_or_none(octets), self.kind.payload_bytes, is_stream=is_stream)
        if not self.world.is_chosen_chain(message):
            check_same_options(first_reply, reply)
        check_same(self.world, first, again, (len(first_reply), len(reply)), limit)

    def _variant(self, octets: bytes, qname: bytes) -> bytes:
        """Return the request with another id and its question in another letter case."""
        end = 12 + len(qname)
        return (
            self._random.randbytes(2)
            + octets[2:12]
            + scramble_case(octets[12:end], self._random)
            + octets[end:]
        )

    def time_again(self, request: Request) -> float:
        """Return the least CPU time of some tries, each on a new door: cold, and without what else ran."""
        least = float("inf")
        for _ in range(RETRIES):
            answer = self._make().answer
            started = time.thread_time()
            answer(request.wire, request.client, is_stream=request.is_stream)
            least = min(least, time.thread_time() - started)
            if least < SUSPECT_S:
                break
        return least
