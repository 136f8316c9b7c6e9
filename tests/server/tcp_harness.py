"""What the tests of TCP share: a door that does as requests say, a clock that stands, clients on sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from r53lite.answering.dispatch import Reply
from r53lite.config.settings import TcpSettings
from r53lite.server.tcp import TcpListener
from r53lite.server.tcp_connection import TcpConnection
from r53lite.server.tcp_pool import TcpPool

TIMEOUT_S = 5.0


def frame(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(message).to_bytes(2, "big") + message


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class ScriptedDoor:
    """Answers as the request says: `slow…` when released, `silent` never, `big N` by N octets, others now."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self._waiting: dict[bytes, asyncio.Future[bytes | None]] = {}

    def answer(self, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Return the reply, None, or a coroutine that waits for `release`."""
        assert is_stream
        assert address == "127.0.0.1"
        self.requests.append(request)
        kind = request.partition(b" ")[0]
        if kind == b"slow":
            return self._wait(request)
        if kind == b"big":
            return b"x" * int(request.partition(b" ")[2])
        return None if kind == b"silent" or not request else b"re:" + request

    async def _wait(self, request: bytes) -> bytes | None:
        future = self._waiting[request] = asyncio.get_running_loop().create_future()
        try:
            reply: bytes | None = await future
            return reply
        finally:
            del self._waiting[request]

    @property
    def waiting(self) -> list[bytes]:
        """Return the slow requests that wait, oldest first."""
        return list(self._waiting)

    def release(self, request: bytes, reply: bytes | None = b"at last") -> None:
        """Let a slow request be answered."""
        self._waiting[request].set_result(reply)

    def fail(self, request: bytes, error: Exception) -> None:
        """Let a slow request end as only a bug would end it."""
        self._waiting[request].set_exception(error)


class Client:
    """A TCP client on a raw socket; its kernel buffers are small where a test wants them full soon."""

    def __init__(self, port: int, *, receive_buffer_bytes: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self._port = port
        self._received = b""

    async def __aenter__(self) -> Self:
        """Connect."""
        await asyncio.get_running_loop().sock_connect(self.socket, ("127.0.0.1", self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        self.socket.close()

    async def send(self, *messages: bytes) -> None:
        """Send messages as one run of octets."""
        await self.send_raw(b"".join(map(frame, messages)))

    async def send_raw(self, octets: bytes) -> None:
        """Send octets."""
        await asyncio.get_running_loop().sock_sendall(self.socket, octets)

    async def receive(self) -> bytes | None:
        """Return the next message; None where the server has closed."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                size = 2 + int.from_bytes(self._received[:2], "big")
                if len(self._received) >= max(size, 2):
                    message, self._received = self._received[2:size], self._received[size:]
                    return message
                octets = await asyncio.get_running_loop().sock_recv(self.socket, 1 << 20)
                if not octets:
                    assert not self._received, "the server closed within a message"
                    return None
                self._received += octets

    async def receive_all(self) -> list[bytes]:
        """Return every message until the server closes."""
        messages: list[bytes] = []
        while (message := await self.receive()) is not None:
            messages.append(message)
        return messages


class Bench:
    """A listener with a scripted door and a clock that stands."""

    def __init__(self, settings: TcpSettings) -> None:
        self.clock = Clock()
        self.door = ScriptedDoor()
        self.pool = TcpPool(settings, clock=self.clock)
        self.listener = TcpListener(self.door, "127.0.0.1", 0, self.pool)

    def client(self, *, receive_buffer_bytes: int = 0) -> Client:
        """Return a client, to be entered."""
        return Client(self.listener.port, receive_buffer_bytes=receive_buffer_bytes)

    @property
    def connections(self) -> list[TcpConnection]:
        """Return the connections, the longest silent first."""
        return list(self.pool._connections)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, then do what the timer does once a second."""
        self.clock.now += seconds
        self.pool.sweep()


@asynccontextmanager
async def serving(settings: TcpSettings | None = None) -> AsyncIterator[Bench]:
    """Run a listener; at the end it is stopped and nothing of it is left."""
    bench = Bench(settings or TcpSettings())
    await bench.listener.start()
    try:
        yield bench
    finally:
        await bench.listener.stop()
        assert not len(bench.pool)
        assert not bench.pool._clients
        assert not bench.pool.pending
        assert not bench.door.waiting


async def turns(is_so: Callable[[], bool]) -> None:
    """Let the event loop turn until something is so."""
    async with asyncio.timeout(TIMEOUT_S):
        while not is_so():  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0)
