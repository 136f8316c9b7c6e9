"""How does a TCP connection come in?

A listening socket with a reader on the event loop. Each wake-up accepts a bounded number and hands them to
the pool (`tcp_pool`: who stays), where a connection lives by itself (`tcp_connection`: requests and replies).
Where descriptors run out, an idle connection gives up its own; where there is none, accepting rests for a
moment, because the socket stays readable and the loop would spin.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket

from r53lite.server.sockets import Option, bind_socket
from r53lite.server.tcp_connection import Door
from r53lite.server.tcp_pool import TcpPool

BACKLOG = (
    1024  # our choice: connections of a burst that wait to be accepted; NSD takes 256, Linux caps at 4096
)
ACCEPT_LIMIT = 64  # connections per wake-up: 64 × about 40 µs keeps other work waiting 3 ms at most
ACCEPT_RETRY_S = 0.5  # our choice; asyncio's own server waits 1 s
WARN_EVERY_S = 60.0
# A reply of 64 kB and some small ones; the kernel grants twice that. Left alone it grows to 4 MB a connection
# (tcp_wmem), which 1,000 clients that do not read would turn into 4 GB.
SEND_BUFFER_BYTES = 131072
_OUT_OF_RESOURCES = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])

logger = logging.getLogger("r53lite.server")


class TcpListener:
    """One listening TCP socket that answers through the door.

    Args:
        door: what answers.
        address: an IP address.
        port: the port; 0 lets the system choose.
        pool: the server's connections; a listener that is given none has its own, with default limits.

    Raises:
        OSError: the address or port cannot be had; nothing is left open.
    """

    def __init__(self, door: Door, address: str, port: int, pool: TcpPool | None = None) -> None:
        self.pool = pool if pool is not None else TcpPool()
        self._door = door
        self._retry: asyncio.TimerHandle | None = None
        self._warned_at = float("-inf")
        self._socket = bind_socket(socket.SOCK_STREAM, address, port, _options(self.pool))
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
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._accept)

    async def stop(self) -> None:
        """Stop accepting and end every connection of the pool."""
        if self._retry is not None:
            self._retry.cancel()
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        await self.pool.close()

    def _accept(self) -> None:
        """Take the connections that wait.

        Without a descriptor accept(2) fails even where none waits. That one does is certain at the first call
        of a wake-up only, so only then is another connection ended for it, and only one.
        """
        has_taken = has_reclaimed = False
        for _ in range(ACCEPT_LIMIT):
            try:
                accepted, client = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_RESOURCES:
                    logger.debug("accept: %s", error)  # it broke while it waited: accept(2), "Error handling"
                elif has_taken:
                    return
                elif has_reclaimed or not self.pool.reclaim_one():
                    self._rest(error)
                    return
                else:
                    has_reclaimed = True
            else:
                has_taken = True
                if not client:  # macOS: it was reset while it waited, and has no address any more
                    accepted.close()
                    continue
                accepted.setblocking(False)
                self.pool.admit(accepted, client[0], self._door)

    def _rest(self, error: OSError) -> None:
        """Leave the connections that wait in the kernel's queue for a moment."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket.fileno())
        self._retry = loop.call_later(ACCEPT_RETRY_S, loop.add_reader, self._socket.fileno(), self._accept)
        if self.pool.clock() - self._warned_at >= WARN_EVERY_S:
            self._warned_at = self.pool.clock()
            logger.warning("cannot accept a TCP connection: %s; trying again", error)


def _options(pool: TcpPool) -> list[Option]:
    """Return the options of a listening socket; accepted ones inherit them."""
    options = [
        (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
        (socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES),
        # Replies leave at once: Nagle would hold a second one until the client's delayed ACK, 40 ms.
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    ]
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: what a closed connection has unsent goes too
        timeout_ms = int(pool.settings.write_timeout_s * 1000)
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms))
    return options
