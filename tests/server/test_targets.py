"""Outside names get addresses in the background: from the settings at once, else by resolving, by TTL."""

from __future__ import annotations

import asyncio

import pytest

from r53lite.config.target_settings import TargetRule
from r53lite.dns.name import parse_name
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import AAAA, CNAME, A
from r53lite.errors import ResolutionError
from r53lite.resolver.resolution import Resolved
from r53lite.routing.record_set import OutsideTarget
from r53lite.server.targets import MAX_STALE_S, RETRY_S, OutsideTargets
from tests.clients import until

LB = parse_name("lb-1.us-east-1.elb.amazonaws.com.")
LOCAL = parse_name("lb.example.com.")
V4, V6 = OutsideTarget(LB, A), OutsideTarget(LB, AAAA)
NAMED = (TargetRule("*.elb.amazonaws.com", (), (LOCAL,)),)


class Internet:
    """Answers that the test gives, and a clock that moves when somebody sleeps until it is let go."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[tuple[bytes, int]] = []
        self.slept: list[float] = []
        self.replies: asyncio.Queue[tuple[RRset, ...] | Exception] = asyncio.Queue()
        self.targets = OutsideTargets(NAMED, self.sleep, lambda: self.now)

    async def resolve(self, qname: bytes, qtype: int) -> Resolved:
        """Wait for the test's answer."""
        self.asked.append((qname, qtype))
        reply = await self.replies.get()
        if isinstance(reply, Exception):
            raise reply
        return Resolved(0, reply, ())

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.slept.append(seconds)
        self.now += seconds

    async def answer(self, reply: tuple[RRset, ...] | Exception) -> None:
        """Answer one question, and wait for the next one."""
        count = len(self.asked)
        await self.replies.put(reply)
        await until(lambda: len(self.asked) > count)


def nowhere(_name: bytes, _rrtype: int) -> None:
    """Answer from no zone."""


def addresses(ttl: int, *last: int) -> tuple[RRset, ...]:
    """Return an answer with a CNAME before the addresses."""
    rdatas = tuple(bytes([192, 0, 2, octet]) for octet in last)
    real = parse_name("real.example.")
    return (RRset(LOCAL, CNAME, 300, (real,)), RRset(real, A, ttl, rdatas))


async def test_addresses_of_the_settings_count_at_once_each_for_its_type() -> None:
    v6 = bytes(15) + b"\x01"
    targets = OutsideTargets((TargetRule("*.elb.amazonaws.com", (bytes([192, 0, 2, 1]), v6)),))
    targets.update([V4, V6])
    assert targets.table == {V4: (bytes([192, 0, 2, 1]),), V6: (v6,)}


async def test_a_name_without_an_entry_has_no_addresses() -> None:
    targets = OutsideTargets(NAMED)
    targets.update([OutsideTarget(parse_name("other.example."), A)])
    assert targets.table == {}


async def test_a_name_is_resolved_again_when_its_ttl_is_over() -> None:
    internet = Internet()
    internet.targets.update([V4])
    internet.targets.start(internet, nowhere)
    await internet.answer(addresses(30, 2, 1))
    first = internet.targets.table
    assert first == {V4: (bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))}
    await internet.answer(addresses(30, 1, 2))
    assert internet.targets.table is first  # nothing is published where nothing has changed
    await internet.answer(addresses(9, 3))
    assert internet.targets.table == {V4: (bytes([192, 0, 2, 3]),)}
    assert internet.slept == [30, 30, 9]
    assert set(internet.asked) == {(LOCAL, A)}
    await internet.targets.stop()


async def test_a_failure_keeps_the_addresses_for_a_while() -> None:
    internet = Internet()
    internet.targets.update([V4])
    internet.targets.start(internet, nowhere)
    await internet.answer(addresses(30, 1))
    failures = 0
    while internet.targets.table:
        await internet.answer(ResolutionError("no server answers"))
        failures += 1
    assert failures == MAX_STALE_S / RETRY_S + 1
    await internet.answer(addresses(30, 1))
    assert internet.targets.table == {V4: (bytes([192, 0, 2, 1]),)}
    await internet.targets.stop()


async def test_a_failure_is_logged_once_for_each_reason_and_so_is_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "r53lite.server")
    internet = Internet()
    internet.targets.update([V4])
    internet.targets.start(internet, nowhere)
    for reason in ("no server answers", "no server answers", "a loop"):
        await internet.answer(ResolutionError(reason))
    for _ in range(2):
        await internet.answer(addresses(30, 1))
    await internet.targets.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "cannot resolve lb.example.com. A for an alias: no server answers",
        "cannot resolve lb.example.com. A for an alias: a loop",
        "lb.example.com. A is resolved again",
    ]


async def test_a_bug_in_one_refresh_is_logged_once_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "r53lite.server")
    internet = Internet()
    internet.targets.update([V4])
    internet.targets.start(internet, nowhere)
    await internet.answer(addresses(30, 1))
    for _ in range(3):
        await internet.answer(KeyError("a bug"))
    assert internet.targets.table == {V4: (bytes([192, 0, 2, 1]),)}
    await internet.answer(addresses(30, 2))
    await internet.targets.stop()
    assert internet.targets.table == {V4: (bytes([192, 0, 2, 2]),)}
    assert internet.slept == [30, RETRY_S, RETRY_S, RETRY_S, 30]
    assert [(record.getMessage(), record.exc_info is not None) for record in caplog.records] == [
        ("refreshing lb.example.com. A for an alias failed", True),
        ("lb.example.com. A is resolved again", False),
    ]


async def test_an_answer_without_addresses_takes_them_away() -> None:
    internet = Internet()
    internet.targets.update([V4])
    internet.targets.start(internet, nowhere)
    await internet.answer(addresses(30, 1))
    await internet.answer(())
    assert internet.targets.table == {V4: ()}
    await internet.targets.stop()


async def test_addresses_of_a_wrong_length_do_not_count() -> None:
    internet = Internet()
    internet.targets.update([V4])
    internet.targets.start(internet, nowhere)
    await internet.answer((RRset(LOCAL, A, 30, (bytes(3), bytes([192, 0, 2, 1]), bytes(16))),))
    assert internet.targets.table == {V4: (bytes([192, 0, 2, 1]),)}
    await internet.targets.stop()


async def test_a_name_that_no_alias_leads_to_any_more_is_forgotten() -> None:
    internet = Internet()
    internet.targets.update([V4])
    internet.targets.start(internet, nowhere)
    await internet.answer(addresses(30, 1))
    internet.targets.update([])
    assert internet.targets.table == {}
    await internet.targets.stop()


async def test_a_pattern_may_stand_for_the_name_itself() -> None:
    internet = Internet()
    internet.targets = OutsideTargets((TargetRule("*.amazonaws.com", (), (b"",)),), internet.sleep)
    internet.targets.start(internet, nowhere)
    internet.targets.update([V4])
    await internet.answer(addresses(30, 1))
    assert internet.asked[0] == (LB, A)
    await internet.targets.stop()
