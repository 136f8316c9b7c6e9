"""The HTTP port tells whether the server is well, in JSON."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from r53lite.api.http import RELOAD_PATH, HttpPort

STATE: dict[str, object] = {"zones": 3, "health_checks": {"blue": {"healthy": True, "reason": "Success: …"}}}


def fail() -> dict[str, object]:
    raise RuntimeError("bug")


@asynccontextmanager
async def http_port(
    ready: bool = True, state: Callable[[], dict[str, object]] = lambda: STATE
) -> AsyncIterator[HttpPort]:
    port = HttpPort("127.0.0.1", 0, ready=lambda: ready, state=state)
    await port.start()
    try:
        yield port
    finally:
        await port.stop()


async def ask(port: HttpPort, path: str, method: str = "GET") -> tuple[int, object, str | None]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{port.port}{path}") as response,
    ):
        return response.status, await response.json(), response.headers.get("Allow")


async def test_healthz_tells_zones_and_health_checks() -> None:
    async with http_port() as port:
        assert await ask(port, "/healthz") == (200, {"status": "ok", **STATE}, None)


async def test_healthz_is_503_until_ready() -> None:
    async with http_port(ready=False, state=fail) as port:
        assert await ask(port, "/healthz") == (503, {"status": "starting"}, None)


async def test_unknown_path_is_404_in_json() -> None:
    async with http_port() as port:
        assert await ask(port, "/nothing") == (404, {"error": "Not Found"}, None)


async def test_wrong_method_is_405_in_json_and_names_the_right_ones() -> None:
    async with http_port() as port:
        assert await ask(port, "/healthz", "DELETE") == (405, {"error": "Method Not Allowed"}, "GET,HEAD")


async def test_bug_is_500_in_json_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with http_port(state=fail) as port:
        assert await ask(port, "/healthz") == (500, {"error": "Internal Server Error"}, None)
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["r53lite.api"]


async def test_port_in_use_raises_os_error_and_leaves_nothing_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = HttpPort("127.0.0.1", taken.getsockname()[1], ready=lambda: True, state=lambda: STATE)
        with pytest.raises(OSError, match="in use"):
            await port.start()
        await port.stop()


async def test_stop_does_not_wait_for_idle_connections() -> None:
    async with http_port() as port:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
        async with asyncio.timeout(0.5):
            await port.stop()
        writer.close()
        await writer.wait_closed()


async def test_a_reload_is_answered_when_it_is_over() -> None:
    async def reload() -> dict[str, object]:
        await asyncio.sleep(0)
        return {"status": status}

    port = HttpPort("127.0.0.1", 0, ready=lambda: True, state=lambda: STATE, reload=reload)
    await port.start()
    for status, code in (("ok", 200), ("refused", 422)):
        assert await ask(port, RELOAD_PATH, "POST") == (code, {"status": status}, None)
    assert (await ask(port, RELOAD_PATH))[::2] == (405, "POST")
    await port.stop()


async def test_a_reload_is_503_until_ready() -> None:
    async def reload() -> dict[str, object]:
        raise AssertionError("not yet")

    port = HttpPort("127.0.0.1", 0, ready=lambda: False, state=lambda: STATE, reload=reload)
    await port.start()
    assert await ask(port, RELOAD_PATH, "POST") == (503, {"status": "starting"}, None)
    await port.stop()
