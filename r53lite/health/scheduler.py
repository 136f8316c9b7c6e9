"""When is each check probed, and what comes of the result? (docs/route53/health-checks.md §4.2 to §4.4)

One task waits on one heap of due times and starts each due probe as a task of its own, at most
`max_in_flight` at once. A probe that ended feeds its check's tracker, publishes a new `HealthTable` by
swapping one reference, and is due again one interval later (§4.2: measured from the end of one probe to the
start of the next).

Always true: a check waits in the heap or is in flight, never both and never twice; what a probe of a dropped
check brings is ignored; disabled checks are not probed; a query never causes a probe.

First probes start spread over one second at most, not over a whole interval: `serve` reports ready when all
of them are under way, and that may not take 300 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from r53lite.health.model import HealthCheck, ProbeResult
from r53lite.health.table import HealthTable
from r53lite.health.tracker import Tracker

FIRST_PROBE_SPREAD_S = 1.0  # our choice: `serve` and `lab` are to be ready within 2 s

logger = logging.getLogger("r53lite.health")


class Probe(Protocol):
    """Looks at the endpoint of a check once; a bad endpoint is a failed result, not an exception."""

    async def __call__(self, check: HealthCheck) -> ProbeResult:
        """Probe `check` and say what came of it."""
        ...


class _Entry:
    """One check under observation; replaced, never reused, when the check changes."""

    __slots__ = ("begun", "check", "has_raised", "tracker")

    def __init__(self, check: HealthCheck, now: float) -> None:
        self.check = check
        self.tracker = Tracker(check, now)
        self.begun = asyncio.Event()  # the first probe is under way, or will never be
        self.has_raised = False
        if check.disabled:
            self.begun.set()


async def wait_for_event(event: asyncio.Event, timeout_s: float | None) -> None:
    """Wait until `event` is set, at most `timeout_s` seconds; None waits without end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()


class HealthScheduler:
    """Probes all checks of a process and publishes their health.

    Args:
        probe: looks at an endpoint once.
        max_in_flight: how many probes may run at once; what is due beyond that waits, oldest first.
        clock: monotonic seconds.
        draw: a number from 0 up to 1, uniform; spreads the first probes.
        on_change: told the new table whenever its version moved; must not raise or wait.
        on_success: told the id of a check whose probe succeeded, the seconds it took, and `now`; must not
            raise or wait.
        pause: waits for an event or a number of seconds; tests put their own time in its place.
    """

    def __init__(
        self,
        *,
        probe: Probe,
        max_in_flight: int,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        on_change: Callable[[HealthTable], None] | None = None,
        on_success: Callable[[str, float, float], None] | None = None,
        pause: Callable[[asyncio.Event, float | None], Awaitable[None]] = wait_for_event,
    ) -> None:
        self._probe = probe
        self._max_in_flight = max_in_flight
        self._clock = clock
        self._draw = draw
        self._on_change = on_change
        self._on_success = on_success
        self._pause = pause
        self._table = HealthTable()
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[float, int, _Entry]] = []
        self._sequence = itertools.count()  # equal due times: first come, first served; entries have no order
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._in_flight: set[asyncio.Task[None]] = set()

    @property
    def table(self) -> HealthTable:
        """The health of every check now; immutable, so take it once per query."""
        return self._table

    def update(self, checks: Mapping[str, HealthCheck]) -> None:
        """Observe exactly these checks from now on.

        An unchanged check keeps its counts and its due time, a new or changed one starts anew, a removed one
        is dropped together with what a probe in flight may still bring.

        Args:
            checks: all checks by their id.
        """
        now = self._clock()
        before, self._entries = self._entries, {}
        for check_id, check in checks.items():
            known = before.get(check_id)
            is_unchanged = known is not None and known.check == check
            self._entries[check_id] = known if known is not None and is_unchanged else _Entry(check, now)
        for entry in before.values():
            if not self._is_current(entry):
                entry.begun.set()
        if self._loop is not None:
            self._heap = [item for item in self._heap if self._is_current(item[2])]
            heapq.heapify(self._heap)
            for check_id, entry in self._entries.items():
                if before.get(check_id) is not entry:
                    self._push_first(entry, now)
        self._publish(
            self._table.with_statuses({key: entry.tracker.status for key, entry in self._entries.items()})
        )
        self._wake.set()

    def start(self) -> None:
        """Begin to probe; needs a running event loop."""
        now = self._clock()
        for entry in self._entries.values():
            self._push_first(entry, now)
        self._loop = asyncio.create_task(self._run(), name="health-scheduler")

    async def wait_first_probes(self) -> None:
        """Return when every check known at the call has its first probe under way, or was dropped."""
        for entry in list(self._entries.values()):
            await entry.begun.wait()

    async def stop(self) -> None:
        """End the loop and every probe in flight; returns when all tasks are gone."""
        tasks = [*self._in_flight]
        if self._loop is not None:
            tasks.append(self._loop)
            self._loop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._heap.clear()
        for entry in self._entries.values():
            entry.begun.set()

    def _is_current(self, entry: _Entry) -> bool:
        return self._entries.get(entry.check.id) is entry

    def _push(self, entry: _Entry, due: float) -> None:
        heapq.heappush(self._heap, (due, next(self._sequence), entry))

    def _push_first(self, entry: _Entry, now: float) -> None:
        if not entry.check.disabled:
            self._push(entry, now + self._draw() * min(entry.check.interval_s, FIRST_PROBE_SPREAD_S))

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            await self._pause(self._wake, self._start_due())

    def _start_due(self) -> float | None:
        """Start what is due and return the seconds until the next; None: only an event can bring work."""
        now = self._clock()
        while self._heap and len(self._in_flight) < self._max_in_flight:
            due = self._heap[0][0]
            if due > now:
                return due - now
            task = asyncio.create_task(self._probe_once(heapq.heappop(self._heap)[2]))
            self._in_flight.add(task)
            task.add_done_callback(self._release)
        return None

    def _release(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._wake.set()

    async def _probe_once(self, entry: _Entry) -> None:
        entry.begun.set()
        started = self._clock()
        try:
            result = await self._probe(entry.check)
        except Exception as error:  # the guard of one probe: a bug in it must not end the checking
            if not entry.has_raised:
                logger.exception("health check %s: the probe raised; counted as a failure", entry.check.id)
            entry.has_raised = True
            result = ProbeResult(is_success=False, reason=f"Failure: internal error: {type(error).__name__}")
        if self._is_current(entry):
            now = self._clock()
            self._push(entry, now + entry.check.interval_s)
            if self._on_success is not None and result.is_success:
                self._on_success(entry.check.id, now - started, now)
            self._observe(entry, result, now)

    def _observe(self, entry: _Entry, result: ProbeResult, now: float) -> None:
        if entry.tracker.observe(result, now):
            state = "healthy" if entry.tracker.status.is_healthy else "unhealthy"
            logger.info("health check %s is now %s: %s", entry.check.id, state, result.reason)
        self._publish(self._table.with_status(entry.check.id, entry.tracker.status))

    def _publish(self, table: HealthTable) -> None:
        is_changed = table.version != self._table.version
        self._table = table
        if is_changed and self._on_change is not None:
            self._on_change(table)
