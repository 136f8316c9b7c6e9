"""Probes start when due, one per check and a bounded number at once; results reach the published table.

`Rig` holds a clock moved by hand and a probe whose results are handed in: no test waits for real time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from r53lite.health.model import HealthCheck, ProbeResult
from r53lite.health.scheduler import HealthScheduler, wait_for_event
from r53lite.health.table import HealthTable

GOOD = ProbeResult(True, "Success: HTTP Status Code 200, OK")
BAD = ProbeResult(False, "Failure: HTTP Status Code 503, Service Unavailable")
A = HealthCheck("a", interval_s=10, failure_threshold=2)
B = HealthCheck("b", interval_s=10, failure_threshold=2)


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


class Rig:
    """A scheduler whose time and probes a test holds in its hands."""

    def __init__(self, max_in_flight: int = 10) -> None:
        self.now = 100.0
        self.share = 0.0
        self.started: list[tuple[str, float]] = []
        self.running: dict[HealthCheck, asyncio.Future[ProbeResult]] = {}
        self.published: list[HealthTable] = []
        self.pauses: list[float | None] = []
        self.successes: list[tuple[str, float, float]] = []
        self.wake = asyncio.Event()
        self.scheduler = HealthScheduler(
            probe=self.probe,
            max_in_flight=max_in_flight,
            clock=lambda: self.now,
            draw=lambda: self.share,
            on_change=self.published.append,
            on_success=lambda *success: self.successes.append(success),
            pause=self.pause,
        )

    async def probe(self, check: HealthCheck) -> ProbeResult:
        self.started.append((check.id, self.now))
        assert check not in self.running, "a check is probed twice at once"
        self.running[check] = asyncio.get_running_loop().create_future()
        try:
            return await self.running[check]
        finally:
            del self.running[check]

    async def pause(self, event: asyncio.Event, timeout_s: float | None) -> None:
        self.wake = event
        self.pauses.append(timeout_s)
        await event.wait()

    async def begin(self, *checks: HealthCheck) -> None:
        self.scheduler.update({check.id: check for check in checks})
        self.scheduler.start()
        await settle()

    async def advance(self, seconds: float) -> None:
        self.now += seconds
        self.wake.set()
        await settle()

    async def end(self, check: HealthCheck, result: ProbeResult) -> None:
        self.running[check].set_result(result)
        await settle()

    async def take_down(self, check: HealthCheck) -> None:
        for _ in range(check.failure_threshold):
            await self.end(check, BAD)
            await self.advance(check.interval_s)


MakeRig = Callable[..., Rig]


@pytest.fixture
async def make_rig() -> AsyncIterator[MakeRig]:
    rigs: list[Rig] = []

    def make(max_in_flight: int = 10) -> Rig:
        rigs.append(Rig(max_in_flight))
        return rigs[-1]

    yield make
    for rig in rigs:
        await rig.scheduler.stop()


async def test_a_success_tells_how_long_the_probe_took(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.begin(A)
    await rig.advance(0.25)
    await rig.end(A, GOOD)
    await rig.advance(10.0)
    await rig.advance(0.5)
    await rig.end(A, BAD)
    assert rig.successes == [("a", 0.25, 100.25)]


async def test_next_probe_is_due_one_interval_after_the_last_one_ended(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.begin(A)
    await rig.advance(3.0)
    await rig.end(A, GOOD)
    await rig.advance(9.9)
    assert rig.started == [("a", 100.0)]
    assert rig.pauses[-1] == pytest.approx(0.1)
    await rig.advance(0.1)
    assert rig.started == [("a", 100.0), ("a", 113.0)]


async def test_probe_in_flight_is_never_doubled(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.begin(A)
    for _ in range(5):
        await rig.advance(10.0)
    assert len(rig.started) == 1


@pytest.mark.parametrize(("interval_s", "due"), [(30, 0.5), (1, 0.5), (300, 0.5)])
async def test_first_probes_are_spread_over_one_second(
    make_rig: MakeRig, interval_s: int, due: float
) -> None:
    rig = make_rig()
    rig.share = 0.5
    await rig.begin(replace(A, interval_s=interval_s))
    assert rig.started == []
    await rig.advance(due)
    assert rig.started == [("a", 100.5)]


async def test_no_more_probes_at_once_than_permitted_and_the_others_follow_in_turn(make_rig: MakeRig) -> None:
    rig = make_rig(max_in_flight=2)
    checks = [replace(A, id=name) for name in "abcd"]
    await rig.begin(*checks)
    assert [name for name, _ in rig.started] == ["a", "b"]
    assert rig.pauses[-1] is None
    await rig.end(checks[1], GOOD)
    assert [name for name, _ in rig.started] == ["a", "b", "c"]
    await rig.end(checks[0], GOOD)
    assert [name for name, _ in rig.started] == ["a", "b", "c", "d"]


async def test_flip_publishes_a_new_version_and_logs_one_line(
    make_rig: MakeRig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "r53lite.health")
    rig = make_rig()
    await rig.begin(A)
    before = rig.scheduler.table
    await rig.end(A, BAD)
    assert rig.scheduler.table.version == before.version
    assert rig.scheduler.table.statuses["a"].last_reason == BAD.reason
    assert rig.published == []
    await rig.advance(10.0)
    await rig.end(A, BAD)
    assert not rig.scheduler.table.is_healthy("a")
    assert rig.scheduler.table.version == before.version + 1
    assert rig.published == [rig.scheduler.table]
    assert before.is_healthy("a")
    assert caplog.messages == [f"health check a is now unhealthy: {BAD.reason}"]


async def test_recovery_takes_the_threshold_too(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.begin(A)
    await rig.take_down(A)
    await rig.end(A, GOOD)
    assert not rig.scheduler.table.is_healthy("a")
    await rig.advance(10.0)
    await rig.end(A, GOOD)
    assert rig.scheduler.table.is_healthy("a")


async def test_probe_that_raises_counts_as_failure_and_is_logged_once(
    make_rig: MakeRig, caplog: pytest.LogCaptureFixture
) -> None:
    rig = make_rig()
    await rig.begin(A)
    for _ in range(3):
        rig.running[A].set_exception(RuntimeError("bug"))
        await settle()
        await rig.advance(10.0)
    assert rig.scheduler.table.statuses["a"].last_reason == "Failure: internal error: RuntimeError"
    assert not rig.scheduler.table.is_healthy("a")
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]


async def test_disabled_check_is_not_probed_and_is_published_at_once(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.begin(replace(A, disabled=True, inverted=True))
    await rig.advance(100.0)
    await rig.scheduler.wait_first_probes()
    assert rig.started == []
    assert not rig.scheduler.table.is_healthy("a")


async def test_unchanged_check_keeps_its_counts_and_due_time_at_a_reload(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.begin(A)
    await rig.end(A, BAD)
    await rig.advance(4.0)
    rig.scheduler.update({"a": replace(A), "b": B})
    await settle()
    assert rig.started == [("a", 100.0), ("b", 104.0)]
    await rig.advance(6.0)
    await rig.end(A, BAD)
    assert not rig.scheduler.table.is_healthy("a")


async def test_changed_check_starts_anew_and_the_old_probe_is_ignored(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.begin(A)
    await rig.take_down(A)
    moved = replace(A, port=81)
    rig.scheduler.update({"a": moved})
    await settle()
    assert rig.scheduler.table.is_healthy("a")
    await rig.end(moved, GOOD)
    await rig.end(A, BAD)
    assert rig.scheduler.table.statuses["a"].last_reason == GOOD.reason
    await rig.advance(9.9)
    assert len(rig.started) == 4


async def test_removed_check_is_dropped_with_the_probe_in_flight(make_rig: MakeRig) -> None:
    rig = make_rig()
    await rig.begin(A, B)
    await rig.end(B, GOOD)
    version = rig.scheduler.table.version
    rig.scheduler.update({})
    await rig.end(A, BAD)
    await rig.advance(100.0)
    assert rig.scheduler.table.statuses == {}
    assert rig.scheduler.table.version == version
    assert len(rig.started) == 2


async def test_wait_first_probes_returns_when_the_last_one_has_started(make_rig: MakeRig) -> None:
    rig = make_rig(max_in_flight=1)
    await rig.begin(A, B)
    waiting = asyncio.create_task(rig.scheduler.wait_first_probes())
    await settle()
    assert not waiting.done()
    await rig.end(A, GOOD)
    assert waiting.done()
    assert B in rig.running


async def test_wait_first_probes_does_not_wait_for_a_check_that_was_dropped(make_rig: MakeRig) -> None:
    rig = make_rig(max_in_flight=1)
    await rig.begin(A, B)
    waiting = asyncio.create_task(rig.scheduler.wait_first_probes())
    await settle()
    rig.scheduler.update({"a": A})
    await settle()
    assert waiting.done()


async def test_stop_leaves_no_task_and_no_one_waiting(make_rig: MakeRig) -> None:
    others = asyncio.all_tasks()
    rig = make_rig(max_in_flight=1)
    await rig.begin(A, B)
    waiting = asyncio.create_task(rig.scheduler.wait_first_probes())
    await settle()
    await rig.scheduler.stop()
    await waiting
    assert rig.running == {}
    assert asyncio.all_tasks() == others


async def test_stop_before_start_is_harmless(make_rig: MakeRig) -> None:
    await make_rig().scheduler.stop()


async def test_wait_for_event_ends_at_its_limit_or_with_the_event() -> None:
    event = asyncio.Event()
    await wait_for_event(event, 0.0)
    event.set()
    await wait_for_event(event, None)


async def test_real_clock_and_chance_serve_as_defaults() -> None:
    begun = asyncio.Event()

    async def probe(check: HealthCheck) -> ProbeResult:
        begun.set()
        return GOOD

    scheduler = HealthScheduler(probe=probe, max_in_flight=1, draw=lambda: 0.0)
    scheduler.update({"a": A})
    scheduler.start()
    await begun.wait()
    await scheduler.stop()
    assert scheduler.table.statuses["a"].last_reason == GOOD.reason
