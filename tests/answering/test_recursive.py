"""The driver of resolutions, on an upstream that answers from a table and can be held."""

from __future__ import annotations

import asyncio

import pytest

from r53lite.answering.recursive import Recursive, TraceEvent
from r53lite.dns import rrtypes
from r53lite.dns.message import AA, QR, Message
from r53lite.dns.name import ROOT, parse_name
from r53lite.dns.rrset import RRset
from r53lite.dns.wire import decode_message, encode_message
from r53lite.errors import ResolutionError
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import Limits
from r53lite.resolver.resolution import LocalLookup
from r53lite.resolver.upstream import Upstream, UpstreamError

HINTS = Delegation(ROOT, {parse_name("a.root."): ("127.0.0.1",)})
WWW = parse_name("www.example.com.")
DATA = RRset(WWW, rrtypes.A, 60, (b"\xc0\x00\x02\x01",))


class FakeUpstream(Upstream):
    """Answers every question with `records` of its name and type, once `gate` is open."""

    def __init__(self, *records: RRset) -> None:
        super().__init__((), 53)
        self.records = {(rrset.owner, rrset.rrtype): rrset for rrset in records}
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[bytes] = []
        self.reply: bytes | None = None
        self.error: UpstreamError | None = None

    async def exchange(self, address: str, query: bytes, timeout_s: float, over_tcp: bool) -> bytes:
        """Return the reply to a query, or what `reply` or `error` says instead."""
        self.asked.append(query)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.reply is not None:
            return self.reply
        asked = decode_message(query)
        assert asked.qname is not None
        found = self.records.get((asked.qname, asked.qtype))
        rcode = rrtypes.REFUSED if found is None else rrtypes.NOERROR
        answer = () if found is None else (found,)
        return encode_message(
            asked._replace(flags=QR | AA, rcode=rcode, answer=answer, authority=(), additional=(), edns=None)
        )


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def make_recursive(
    upstream: Upstream,
    *,
    clock: Clock | None = None,
    local: LocalLookup | None = None,
    limits: Limits | None = None,
    max_concurrent: int = 10,
) -> Recursive:
    """Return a resolver with an empty cache."""
    return Recursive(
        HINTS,
        upstream,
        cache=Cache(),
        clock=clock or Clock(),
        draw=lambda: 0.5,
        local=local,
        limits=limits or Limits(),
        max_concurrent=max_concurrent,
    )


async def test_an_answer_is_found_and_then_cached_with_a_smaller_ttl() -> None:
    clock = Clock()
    recursive = make_recursive(FakeUpstream(DATA), clock=clock)
    assert recursive.cached(WWW, rrtypes.A) is None

    resolved = await recursive.resolve(WWW, rrtypes.A)
    clock.now += 10
    cached = recursive.cached(WWW, rrtypes.A)

    assert resolved.answer == (DATA,)
    assert cached is not None
    assert cached.answer == (DATA.with_ttl(50),)


async def test_queries_ask_for_no_recursion_and_carry_edns() -> None:
    upstream = FakeUpstream(DATA)

    await make_recursive(upstream).resolve(WWW, rrtypes.A)

    query = decode_message(upstream.asked[0])
    assert query.flags == 0
    assert query.edns is not None
    assert query.edns.payload_bytes == 1232


async def test_equal_questions_in_flight_share_one_resolution() -> None:
    upstream = FakeUpstream(DATA)
    upstream.gate.clear()
    recursive = make_recursive(upstream)
    waiters = [asyncio.create_task(recursive.resolve(WWW, rrtypes.A)) for _ in range(5)]
    await asyncio.sleep(0)

    upstream.gate.set()
    answers = [(await waiter).answer for waiter in waiters]

    assert answers == [(DATA,)] * 5
    assert len(upstream.asked) == 1


async def test_a_waiter_that_goes_away_does_not_end_the_others_resolution() -> None:
    upstream = FakeUpstream(DATA)
    upstream.gate.clear()
    recursive = make_recursive(upstream)
    leaving, staying = (asyncio.create_task(recursive.resolve(WWW, rrtypes.A)) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    upstream.gate.set()

    assert (await staying).answer == (DATA,)


async def test_a_failure_is_remembered_for_five_seconds_and_not_prolonged() -> None:
    clock = Clock()
    upstream = FakeUpstream()
    recursive = make_recursive(upstream, clock=clock)
    for offset_s in (0.0, 3.0, 1.9):
        clock.now += offset_s
        with pytest.raises(ResolutionError, match="answered REFUSED"):
            await recursive.resolve(WWW, rrtypes.A)
    assert len(upstream.asked) == 1
    assert recursive.cached(WWW, rrtypes.A) is None

    clock.now += 0.2
    upstream.records[WWW, rrtypes.A] = DATA

    assert (await recursive.resolve(WWW, rrtypes.A)).answer == (DATA,)


async def test_a_malformed_reply_counts_as_a_failure_of_its_server() -> None:
    upstream = FakeUpstream()
    upstream.reply = b"\x00\x00\x80\x00\x00\x01" + b"\x00" * 6

    with pytest.raises(ResolutionError, match="sent a malformed message"):
        await make_recursive(upstream).resolve(WWW, rrtypes.A)


async def test_a_failed_exchange_is_told_by_its_reason() -> None:
    upstream = FakeUpstream()
    upstream.error = UpstreamError("is outside the networks")

    with pytest.raises(ResolutionError, match=r"127\.0\.0\.1 is outside the networks"):
        await make_recursive(upstream).resolve(WWW, rrtypes.A)


async def test_a_resolution_ends_at_its_deadline() -> None:
    upstream = FakeUpstream(DATA)
    upstream.gate.clear()

    with pytest.raises(ResolutionError, match=r"no answer within 0\.01 s"):
        await make_recursive(upstream, limits=Limits(deadline_s=0.01)).resolve(WWW, rrtypes.A)


async def test_resolutions_at_once_are_bounded() -> None:
    upstream = FakeUpstream(DATA)
    upstream.gate.clear()
    recursive = make_recursive(upstream, max_concurrent=1)
    first = asyncio.create_task(recursive.resolve(WWW, rrtypes.A))
    await asyncio.sleep(0)

    with pytest.raises(ResolutionError, match="1 resolutions are in flight"):
        await recursive.resolve(WWW, rrtypes.AAAA)
    upstream.gate.set()

    assert (await first).answer == (DATA,)


async def test_closing_ends_what_is_in_flight_and_takes_nothing_new() -> None:
    upstream = FakeUpstream(DATA)
    upstream.gate.clear()
    recursive = make_recursive(upstream)
    waiter = asyncio.create_task(recursive.resolve(WWW, rrtypes.A))
    await asyncio.sleep(0)

    await recursive.close()

    with pytest.raises(ResolutionError, match="closed"):
        await waiter
    with pytest.raises(ResolutionError, match="closed"):
        await recursive.resolve(WWW, rrtypes.A)


async def test_every_query_is_told_to_who_asked_for_events() -> None:
    events: list[TraceEvent] = []

    await make_recursive(FakeUpstream(DATA)).resolve(WWW, rrtypes.A, on_event=events.append)

    (event,) = events
    assert event.step.address == "127.0.0.1"
    assert event.reply is not None
    assert decode_message(event.reply).answer == (DATA,)
    assert (event.failure, event.elapsed_s) == ("", 0.0)


async def test_own_zones_answer_without_any_query() -> None:
    upstream = FakeUpstream()
    message = Message(0, QR | AA, 0, 0, WWW, rrtypes.A, 1, (DATA,), (), (), None)
    recursive = make_recursive(upstream, local=lambda name, _: message if name == WWW else None)

    cached = recursive.cached(WWW, rrtypes.A)

    assert cached is not None
    assert cached.answer == (await recursive.resolve(WWW, rrtypes.A)).answer == (DATA,)
    assert upstream.asked == []


async def test_a_resolution_may_start_at_a_cut() -> None:
    events: list[TraceEvent] = []
    cut = Delegation(parse_name("example.com."), {parse_name("ns.example.com."): ("127.0.0.9",)})

    await make_recursive(FakeUpstream(DATA)).resolve(WWW, rrtypes.A, cut, events.append)

    assert [(event.step.address, event.step.zone) for event in events] == [("127.0.0.9", cut.zone)]
