"""How does a question that is not ours get its answer?

`Recursive` drives a `resolver.resolution.Resolution`: it sends what the resolution asks for and feeds the
replies back. Equal questions in flight share one resolution (RFC 5452 §5: a spoofer gets one chance, not
many), all of them together are bounded, each has a deadline, and what failed is remembered for a moment (RFC
9520).

A client that goes away does not end a resolution that others may be waiting for; `close` ends all.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from r53lite.dns import wire
from r53lite.dns.name import format_name
from r53lite.dns.rrtypes import format_rrtype
from r53lite.errors import ResolutionError, WireError
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import DEFAULT_LIMITS, MAX_CONCURRENT_RESOLUTIONS, Limits
from r53lite.resolver.resolution import (
    EDE_CACHED_ERROR,
    EDE_OTHER,
    AskServer,
    LocalLookup,
    Resolution,
    Resolved,
    resolve_known,
)
from r53lite.resolver.upstream import Upstream, UpstreamError

_UDP_PAYLOAD_BYTES = 1232  # DNS flag day 2020: passes every usual path unfragmented


class TraceEvent(NamedTuple):
    """One query of a resolution and what came of it: the reply's bytes, or why there is none."""

    step: AskServer
    reply: bytes | None
    failure: str
    elapsed_s: float


_Key = tuple[bytes, int, bytes | None]  # name, type, zone to start at


class Recursive:
    """Resolves questions from the root down.

    Args:
        hints: the root servers.
        upstream: carries the queries.
        cache: the memory of the resolver.
        clock: monotonic seconds.
        draw: a number from 0 up to 1, uniform; orders servers of equal speed.
        local: answers from zones of this process; asked for every name and type a resolution needs.
        limits: the bounds of one resolution.
        max_concurrent: how many resolutions may run at once.
    """

    def __init__(
        self,
        hints: Delegation,
        upstream: Upstream,
        *,
        cache: Cache,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        local: LocalLookup | None = None,
        limits: Limits = DEFAULT_LIMITS,
        max_concurrent: int = MAX_CONCURRENT_RESOLUTIONS,
    ) -> None:
        self._hints = hints
        self._upstream = upstream
        self._cache = cache
        self._clock = clock
        self._draw = draw
        self._local = local
        self._limits = limits
        self._max_concurrent = max_concurrent
        self._in_flight: dict[_Key, asyncio.Task[Resolved]] = {}
        self._is_closed = False

    def cached(self, qname: bytes, qtype: int) -> Resolved | None:
        """Return the whole answer if cache and own zones hold it, else None; never waits.

        Args:
            qname: lower-case wire name.
            qtype: the question's type.
        """
        return resolve_known(qname, qtype, self._cache, self._clock(), self._local)

    async def resolve(
        self,
        qname: bytes,
        qtype: int,
        starting_at: Delegation | None = None,
        on_event: Callable[[TraceEvent], None] | None = None,
    ) -> Resolved:
        """Find the answer to a question.

        Args:
            qname: lower-case wire name.
            qtype: the question's type.
            starting_at: a delegation at or above `qname` to start from: our own zone's cut.
            on_event: told of every query and its reply, in order; must not raise. If an equal question is in
                flight already, its caller is told instead.

        Raises:
            ResolutionError: no answer within the limits, too many resolutions at once, or the resolver is
                closed.
        """
        if self._is_closed:
            raise ResolutionError("the resolver is closed")
        key = (qname, qtype, None if starting_at is None else starting_at.zone)
        task = self._in_flight.get(key)
        if task is None:
            if len(self._in_flight) >= self._max_concurrent:
                raise ResolutionError(f"{self._max_concurrent} resolutions are in flight already", EDE_OTHER)
            task = asyncio.create_task(self._run(qname, qtype, starting_at, on_event))
            self._in_flight[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            waiter = asyncio.current_task()
            if waiter is None or waiter.cancelling() or not task.cancelled():
                raise
            raise ResolutionError("the resolver was closed") from None

    def _forget(self, key: _Key, task: asyncio.Task[Resolved]) -> None:
        """Take a finished resolution out of the table."""
        self._in_flight.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen now, so that asyncio does not report one that no waiter was left to take

    async def close(self) -> None:
        """End every resolution in flight; who waits for one gets a ResolutionError."""
        self._is_closed = True
        tasks = list(self._in_flight.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self,
        qname: bytes,
        qtype: int,
        starting_at: Delegation | None,
        on_event: Callable[[TraceEvent], None] | None,
    ) -> Resolved:
        """Resolve within the deadline; remember a failure."""
        resolution = Resolution(
            qname,
            qtype,
            self._cache,
            self._hints,
            draw=self._draw,
            starting_at=starting_at,
            local=self._local,
            limits=self._limits,
        )
        try:
            async with asyncio.timeout(self._limits.deadline_s):
                while True:
                    step = resolution.next_step(self._clock())
                    if isinstance(step, Resolved):
                        return step
                    await self._ask(resolution, step, on_event)
        except TimeoutError as error:
            failure = ResolutionError(f"no answer within {self._limits.deadline_s:g} s")
            self._remember(qname, qtype, failure)
            raise failure from error
        except ResolutionError as error:
            self._remember(qname, qtype, error)
            raise

    def _remember(self, qname: bytes, qtype: int, error: ResolutionError) -> None:
        """Cache a failure, but never prolong a cached one (RFC 9520 §3.2: the time is bounded)."""
        if error.ede_code != EDE_CACHED_ERROR:
            reason = f"{format_name(qname)} {format_rrtype(qtype)} failed a moment ago: {error}"
            self._cache.put_failure(qname, qtype, reason, self._clock())

    async def _ask(
        self, resolution: Resolution, step: AskServer, on_event: Callable[[TraceEvent], None] | None
    ) -> None:
        """Send one query and tell the resolution what came of it."""
        payload_bytes = _UDP_PAYLOAD_BYTES if step.with_edns else None
        query = wire.encode_query(0, step.qname, step.qtype, payload_bytes=payload_bytes)
        asked_at = self._clock()
        reply: bytes | None = None
        failure = ""
        try:
            reply = await self._upstream.exchange(step.address, query, step.timeout_s, step.over_tcp)
            resolution.on_reply(wire.decode_message(reply), self._clock())
        except UpstreamError as error:
            failure = str(error)
            resolution.on_failure(failure, self._clock(), is_silence=error.is_silence)
        except WireError as error:
            failure = f"sent a malformed message: {error}"
            resolution.on_failure(failure, self._clock())
        if on_event is not None:
            on_event(TraceEvent(step, reply, failure, self._clock() - asked_at))
