"""The registry: one reload at a time, all or nothing, and what it reports."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import pytest_asyncio

from r53lite.control import registry as registry_module
from r53lite.control.quiet import SWITCH_INTERVAL_S, quiet_loading
from r53lite.control.registry import Registry
from r53lite.control.reload_report import ZoneChanges, compare_zones
from r53lite.control.zone_files import LoadedFiles, load_zone_files
from r53lite.dns.name import parse_name
from r53lite.errors import Fault, ZoneDataError
from r53lite.routing.latencies import LatencyTable
from r53lite.zone.model import Zone
from r53lite.zone.name_table import NameTable
from r53lite.zone.node import Packed
from tests.clients import until

APEX = "$TTL 300\n@ IN SOA ns1 admin {serial} 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n"


def write(directory: Path, name: str, more: str = "", serial: int = 7) -> Path:
    path = directory / f"{name}.zone"
    path.write_text(APEX.format(serial=serial) + more, encoding="utf-8")
    return path


@pytest_asyncio.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    write(tmp_path, "a.test")
    write(tmp_path, "b.test")
    found = Registry([tmp_path])
    await found.load()
    yield found
    await found.close()


async def test_a_reload_tells_what_became_of_the_zones(registry: Registry, tmp_path: Path) -> None:
    write(tmp_path, "a.test", "www A 192.0.2.1\n")
    write(tmp_path, "c.test")
    write(tmp_path, "d.test")
    before = registry.snapshot

    report = await registry.reload()

    assert report.zones == ZoneChanges(reloaded=1, added=2, removed=0, unchanged=1, records=13)
    assert (report.version, report.faults, report.is_refused) == (2, (), False)
    assert registry.snapshot.version == 2
    b_test = parse_name("b.test")
    assert registry.snapshot.catalog.find(b_test) is before.catalog.find(b_test)

    (tmp_path / "b.test.zone").unlink()
    report = await registry.reload()
    assert report.zones == ZoneChanges(reloaded=0, added=0, removed=1, unchanged=3, records=10)
    assert str(report).startswith(
        "zones: 0 reloaded, 0 added, 1 removed, 3 unchanged; 10 records, version 3, "
    )


async def test_nothing_changed_is_no_new_snapshot(registry: Registry) -> None:
    before = registry.snapshot
    report = await registry.reload()
    assert registry.snapshot is before
    assert report.zones == ZoneChanges(reloaded=0, added=0, removed=0, unchanged=2, records=6)
    assert report.version == 1


async def test_a_refused_reload_changes_nothing_and_the_mended_files_are_taken(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = registry.snapshot
    write(tmp_path, "a.test", "www A 192.0.2.1\n")
    bad = write(tmp_path, "b.test", "www A 192.0.2.999\n")

    report = await registry.reload()

    assert report.is_refused
    assert [str(fault).partition(": ")[0] for fault in report.faults] == [f"{bad}:5"]
    assert registry.snapshot is before
    assert "change refused (1 error); version 1 keeps serving" in caplog.text

    write(tmp_path, "b.test")
    report = await registry.reload()
    assert report.zones == ZoneChanges(reloaded=2, added=0, removed=0, unchanged=0, records=7)


async def test_the_first_load_raises_every_error(tmp_path: Path) -> None:
    write(tmp_path, "a.test", "www A 192.0.2.999\n")
    write(tmp_path, "b.test", "www MX ten mail\n")
    registry = Registry([tmp_path])
    with pytest.raises(ZoneDataError) as raised:
        await registry.load()
    assert len(raised.value.faults) == 2
    assert registry.snapshot.version == 0
    await registry.close()


@pytest.mark.parametrize(("serial", "is_back"), [(6, True), (7, False), (8, False), (7 + 2**31, True)])
async def test_a_serial_that_went_back_is_a_warning(
    registry: Registry, tmp_path: Path, serial: int, is_back: bool
) -> None:
    path = write(tmp_path, "a.test", "www A 192.0.2.1\n", serial)
    report = await registry.reload()
    expected = [f"{path}: warning: serial of 'a.test.' went back from 7 to {serial} (RFC 1982 §3.2)"]
    assert [str(fault) for fault in report.faults] == (expected if is_back else [])
    assert registry.snapshot.version == 2


class Gate:
    """Stands before `load_zone_files`: counts, and lets a load go on when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.running = self.most_running = self.count = 0
        monkeypatch.setattr(registry_module, "load_zone_files", self.load)

    def load(self, *args: object, **more: object) -> LoadedFiles:
        """Load behind the gate."""
        self.count += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.entered.release()
        self.open.acquire()
        self.running -= 1
        return load_zone_files(*args, **more)  # type: ignore[arg-type]


async def test_requests_while_a_reload_runs_wait_and_share_one_more(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    first = asyncio.create_task(registry.reload())
    await asyncio.to_thread(gate.entered.acquire)
    others = [asyncio.create_task(registry.reload()) for _ in range(3)]
    await asyncio.sleep(0)
    gate.open.release()
    await first
    write(tmp_path, "a.test", "www A 192.0.2.1\n")  # the first may have read before: it must not count
    await asyncio.to_thread(gate.entered.acquire)
    gate.open.release()
    reports = await asyncio.gather(*others)

    assert (gate.count, gate.most_running) == (2, 1)
    assert [report.version for report in reports] == [2, 2, 2]


async def test_who_waits_for_a_reload_may_go_away(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    write(tmp_path, "a.test", "www A 192.0.2.1\n")
    gone, stays = (asyncio.create_task(registry.reload()) for _ in range(2))
    await asyncio.to_thread(gate.entered.acquire)
    gone.cancel()
    gate.open.release()
    assert (await stays).version == 2
    assert gone.cancelled()


async def test_a_bug_in_a_reader_is_a_refusal_and_the_next_reload_works(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> LoadedFiles:
        raise RuntimeError("bug")

    with monkeypatch.context() as patch:
        patch.setattr(registry_module, "load_zone_files", fail)
        report = await registry.reload()
    assert report.is_refused
    assert "bug" in str(report.faults[0])
    assert any(record.exc_info for record in caplog.records if record.levelno == logging.ERROR)

    write(tmp_path, "a.test", "www A 192.0.2.1\n")
    assert (await registry.reload()).version == 2


async def test_close_ends_a_reload_under_way(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    waiting = asyncio.create_task(registry.reload())
    await asyncio.to_thread(gate.entered.acquire)
    await registry.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.open.release()


async def test_a_table_is_freed_in_slices_when_its_last_reader_is_gone_and_not_before(tmp_path: Path) -> None:
    hosts = "".join(f"h{number} A 192.0.2.1\n" for number in range(5000))
    write(tmp_path, "a.test", hosts)
    write(tmp_path, "b.test", hosts)
    registry = Registry([tmp_path])
    await registry.load()
    reader = registry.snapshot  # a coroutine that still holds the old snapshot
    (a_names,), (b_names,) = (zone.names.shards for zone in reader.catalog.zones)

    write(tmp_path, "a.test", hosts + "more A 192.0.2.1\n")
    await registry.reload()
    await asyncio.sleep(0.01)
    assert len(a_names) == 5002
    assert reader.catalog.zones[0].node(parse_name("h1.a.test")) is not None

    del reader
    await asyncio.sleep(0)
    assert 0 < len(a_names) < 5002  # the first slice is gone, and only that
    await until(lambda: not a_names)
    assert len(b_names) == 5002
    await registry.close()


async def test_what_a_refused_reload_built_is_freed_and_what_is_served_is_not(tmp_path: Path) -> None:
    hosts = "".join(f"h{number} A 192.0.2.1\n" for number in range(5000))
    write(tmp_path, "a.test", hosts)
    registry = Registry([tmp_path])
    await registry.load()
    watched: list[dict[bytes, Packed]] = []
    assert registry._freeing is not None
    watch = registry._freeing.watch

    def note(table: NameTable) -> None:
        watched.extend(table.shards)
        watch(table)

    registry._freeing.watch = note  # type: ignore[method-assign]
    write(tmp_path, "a.test", hosts + "more A 192.0.2.1\n")
    write(tmp_path, "b.test", "www A 192.0.2.999\n")
    assert (await registry.reload()).is_refused
    (built,) = watched
    await until(lambda: not built)
    assert len(registry.snapshot.catalog.zones[0].names) == 5002
    await registry.close()


async def test_latencies_that_come_during_a_reload_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.test")
    locations = tmp_path / "locations.yaml"
    locations.write_text("latency: measured\n", encoding="utf-8")
    registry = Registry([tmp_path], lambda: locations)
    await registry.load()
    loop = asyncio.get_running_loop()
    measured = LatencyTable().observe("eu-west-1", 12.0, 0.0)

    def compare(before: Iterable[Zone], after: Iterable[Zone]) -> tuple[ZoneChanges, list[Fault]]:
        published = threading.Event()
        loop.call_soon_threadsafe(registry.publish_latencies, measured)
        loop.call_soon_threadsafe(published.set)
        assert published.wait(10)
        return compare_zones(before, after)

    monkeypatch.setattr(registry_module, "compare_zones", compare)
    assert (await registry.reload()).version == registry.snapshot.version == 2  # the latencies alone
    write(tmp_path, "a.test", "www A 192.0.2.1\n")
    report = await registry.reload()
    assert report.version == registry.snapshot.version == 4
    found = registry.snapshot.locations.locate(bytes(4), 32)
    assert found.latency_ms == {"eu-west-1": 12.0}
    await registry.close()


def test_quiet_loading_restores_the_interpreter_when_the_last_one_ends() -> None:
    for thread in threading.enumerate():  # of registries that earlier tests have closed
        if thread.name.startswith("r53lite-zones"):
            thread.join(5)
    interval_s = sys.getswitchinterval()
    with quiet_loading():
        with quiet_loading():
            assert not gc.isenabled()
        assert not gc.isenabled()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S)
    assert gc.isenabled()
    assert sys.getswitchinterval() == pytest.approx(interval_s)
