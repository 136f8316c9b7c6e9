"""A lab backend answers, and its health can be taken down and brought back."""

from __future__ import annotations

import socket

import aiohttp
import pytest

from r53lite.lab.backends import Backend, start_backends, stop_backends


async def ask(backend: Backend, method: str, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://{backend.address}:{backend.port}{path}") as response,
    ):
        return response.status, await response.text()


async def test_health_follows_down_and_up_and_the_name_is_always_told() -> None:
    (blue,) = await start_backends([("blue", "127.0.0.1")], 0)
    try:
        assert await ask(blue, "GET", "/health") == (200, "blue: up\n")
        assert await ask(blue, "POST", "/down") == (200, "blue: down\n")
        assert await ask(blue, "GET", "/health") == (503, "blue: down\n")
        assert await ask(blue, "GET", "/") == (200, "blue\n")
        assert not blue.is_up
        assert await ask(blue, "POST", "/up") == (200, "blue: up\n")
        assert await ask(blue, "GET", "/health") == (200, "blue: up\n")
    finally:
        await blue.stop()


async def test_backends_are_independent_of_each_other() -> None:
    backends = await start_backends([("blue", "127.0.0.1"), ("green", "127.0.0.1")], 0)
    try:
        await ask(backends[0], "POST", "/down")
        assert [backend.is_up for backend in backends] == [False, True]
        assert await ask(backends[1], "GET", "/health") == (200, "green: up\n")
    finally:
        await stop_backends(backends)


async def test_all_start_or_none() -> None:
    with socket.socket() as free, socket.socket() as taken:
        free.bind(("127.0.0.2", 0))
        port = free.getsockname()[1]
        taken.bind(("127.0.0.3", port))
        taken.listen()
        free.close()
        with pytest.raises(OSError, match="in use"):
            await start_backends([("blue", "127.0.0.2"), ("green", "127.0.0.3")], port)
        with socket.socket() as again:
            again.bind(("127.0.0.2", port))
