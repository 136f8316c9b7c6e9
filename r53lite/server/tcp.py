"""How do requests over TCP reach the door?

Each message has its length in two octets before it (RFC 1035 §4.2.2, RFC 7766 §8). A connection may carry
many requests; they are answered in order. Limits: connections in all and per client, the time a connection
may sit idle or take to send a whole message, and the time a client may take to read its replies. A
connection that breaks is closed and forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter

from r53lite.answering.dispatch import Dispatch
from r53lite.server.sockets import bind_socket

IDLE_TIMEOUT_S = 10.0  # RFC 7766 §6.2.3 asks for seconds; BIND uses 30, NSD 120, Knot 10
WRITE_TIMEOUT_S = 5.0  # our choice: a client that does not read its replies
MAX_CONNECTIONS = 1000  # our choice; NSD's default is 100, Knot's half of its file descriptors
MAX_CONNECTIONS_PER_CLIENT = 200  # our choice, so that one client cannot take them all
BACKLOG = 128

logger = logging.getLogger("r53lite.server")


class TcpListener:
    """One listening TCP socket that answers through the door."""

    def __init__(
        self,
        dispatch: Dispatch,
        address: str,
        port: int,
        *,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._dispatch = dispatch
        self._idle_timeout_s = idle_timeout_s
        self._max_connections = max_connections
        self._connections: set[asyncio.Task[None]] = set()
        self._per_client: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        options = [(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)]
        self._socket = bind_socket(socket.SOCK_STREAM, address, port, options)
        try:
            self._socket.listen(BACKLOG)
        except OSError:  # a socket without SO_REUSEADDR listens there already
            self._socket.close()
            raise

    @property
    def port(self) -> int:
        """Return the bound port."""
        port: int = self._socket.getsockname()[1]
        return port

    async def start(self) -> None:
        """Begin to accept."""
        self._server = await asyncio.start_server(self._accept, sock=self._socket)

    async def stop(self) -> None:
        """Stop accepting and end every connection."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        self._socket.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection, or close it at once where a limit is reached."""
        peer = writer.get_extra_info("peername")
        if peer is None or len(self._connections) >= self._max_connections:
            writer.transport.abort()
            return
        client = peer[0]
        if self._per_client[client] >= MAX_CONNECTIONS_PER_CLIENT:
            writer.transport.abort()
            return
        self._per_client[client] += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer, client))
        self._connections.add(task)
        task.add_done_callback(lambda done: self._release(done, client))

    def _release(self, task: asyncio.Task[None], client: str) -> None:
        self._connections.discard(task)
        self._per_client[client] -= 1
        if not self._per_client[client]:
            del self._per_client[client]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str) -> None:
        """Answer the requests of one connection until it ends, breaks or sits idle."""
        try:
            while True:
                async with asyncio.timeout(self._idle_timeout_s):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    request = await reader.readexactly(length)
                reply = self._dispatch.answer(request, client, is_stream=True)
                if reply is not None and not isinstance(reply, bytes):
                    reply = await reply
                if reply is None:
                    return  # nothing can be said to this client: free its connection
                writer.write(len(reply).to_bytes(2, "big") + reply)
                async with asyncio.timeout(WRITE_TIMEOUT_S):
                    await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            logger.debug("connection of %s: %r", client, error)
        finally:
            await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection; one whose client does not take its last octets within a second is cut."""
    writer.close()
    try:
        async with asyncio.timeout(1.0):
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
