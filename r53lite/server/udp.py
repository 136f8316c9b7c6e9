"""How do datagrams reach the door, and replies their clients?

A non-blocking socket with a reader on the event loop: each wake-up drains what has arrived (bounded, so
that timers and TCP get their turn), because one wake-up per datagram costs more than the answer. On Linux
a socket with one address of its own receives and sends in batches (`server.mmsg`); a wildcard socket,
whose replies must leave from the address that was asked, and any other system take one datagram at a
time.

Replies that need recursion become tasks; their number is bounded, and over the bound the request is dropped,
as a full socket buffer would drop it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Coroutine, Sequence
from ipaddress import ip_address
from typing import TypeGuard

from r53lite.answering.dispatch import Dispatch, Reply
from r53lite.server import mmsg
from r53lite.server.sockets import bind_socket

MAX_DATAGRAM_BYTES = 65535
DRAIN_LIMIT = 256  # datagrams per wake-up: 256 × 20 µs, all new to us, keep other work waiting 5 ms at most
MAX_PENDING = 2000  # replies that wait for recursion; each holds a task of about 3 kB
RECEIVE_BUFFER_BYTES = 4 << 20  # a burst while the loop is busy elsewhere; the kernel may grant less

logger = logging.getLogger("r53lite.server")


_Client = tuple[str, int] | tuple[str, int, int, int]
_Source = tuple[tuple[int, int, bytes], ...]  # ancillary data that names the address a reply leaves from
_Datagram = tuple[bytes, _Client, _Source]
_Pending = Coroutine[None, None, bytes | None]

_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 26 if sys.platform == "darwin" else 8)  # in `socket` from 3.14 on
_ASK_FOR_PKTINFO = {  # is it IPv6? → option; ip(7), RFC 3542 §6.2
    False: (socket.IPPROTO_IP, _IP_PKTINFO, 1),
    True: (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1),
}
_ANCILLARY_BYTES = 64  # one in_pktinfo (12) or in6_pktinfo (20) with its header


def _as_source(level: int, kind: int, value: bytes) -> tuple[int, int, bytes]:
    """Turn a received in_pktinfo into one to send: interface 0, so that routing chooses the way back."""
    if level == socket.IPPROTO_IP:
        return level, kind, bytes(4) + value[4:8] + bytes(4)
    return level, kind, value


class UdpListener:
    """One UDP socket that answers through the door."""

    def __init__(self, dispatch: Dispatch, address: str, port: int) -> None:
        self._dispatch = dispatch
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_wildcard = ip_address(address).is_unspecified
        options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)]
        if self._is_wildcard:
            options.append(_ASK_FOR_PKTINFO[":" in address])
        self._socket = bind_socket(socket.SOCK_DGRAM, address, port, options)
        self._batch: mmsg.DatagramBatch | None = None
        if mmsg.is_supported():
            self._batch = mmsg.DatagramBatch(self._socket, is_wildcard=self._is_wildcard)

    @property
    def port(self) -> int:
        """Return the bound port."""
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        """Begin to answer."""
        drain = self._drain if self._batch is None else self._drain_batches
        asyncio.get_running_loop().add_reader(self._socket.fileno(), drain)

    def close(self) -> None:
        """Give up a socket that was never started."""
        self._socket.close()

    async def stop(self) -> None:
        """Stop reading, end what waits for recursion, close the socket."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()

    def _drain_batches(self) -> None:
        """Answer the datagrams that have arrived, a batch at a time."""
        batch = self._batch
        assert batch is not None
        for _ in range(DRAIN_LIMIT // mmsg.BATCH):
            try:
                requests = batch.receive()
            except OSError as error:  # an ICMP error of an earlier reply (ECONNREFUSED) surfaces here
                logger.debug("receive: %s", error)
                return
            if not requests:
                return
            replies = self._dispatch.answer_batch(requests, batch.client)
            if bytes_only(replies):
                batch.send(replies, None)
            else:
                self._send_some(batch, replies)
            if len(requests) < mmsg.BATCH:
                return

    def _send_some(self, batch: mmsg.DatagramBatch, replies: Sequence[Reply]) -> None:
        """Send the replies of a batch in which some requests get none, or none yet."""
        ready = {}
        for index, reply in enumerate(replies):
            if isinstance(reply, bytes):
                ready[index] = reply
            elif reply is not None:
                self._finish_later(reply, batch.sender(index), batch.source(index))
        batch.send(list(ready.values()), list(ready))

    def _drain(self) -> None:
        """Answer the datagrams that have arrived, one at a time."""
        receive = self._receive_anywhere if self._is_wildcard else self._receive
        answer = self._dispatch.answer
        for _ in range(DRAIN_LIMIT):
            try:
                request, client, source = receive()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # an ICMP error of an earlier reply (ECONNREFUSED) surfaces here
                logger.debug("receive: %s", error)
                return
            if client[1] == 0:
                continue  # no reply can be sent to port 0
            reply = answer(request, client[0], is_stream=False)
            if isinstance(reply, bytes):
                self._send(reply, client, source)
            elif reply is not None:
                self._finish_later(reply, client, source)

    def _receive(self) -> _Datagram:
        request, client = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
        return request, client, ()

    def _receive_anywhere(self) -> _Datagram:
        """Receive on a wildcard address: the reply must leave from the address the request came to."""
        request, ancillary, _, client = self._socket.recvmsg(MAX_DATAGRAM_BYTES, _ANCILLARY_BYTES)
        return request, client, tuple(_as_source(*item) for item in ancillary)

    def _finish_later(self, pending: _Pending, client: _Client, source: _Source) -> None:
        """Send the reply when recursion has finished."""
        if len(self._tasks) >= MAX_PENDING:
            pending.close()
            return
        task = asyncio.get_running_loop().create_task(self._finish(pending, client, source))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, pending: _Pending, client: _Client, source: _Source) -> None:
        reply = await pending
        if reply is not None:
            self._send(reply, client, source)

    def _send(self, reply: bytes, client: _Client, source: _Source) -> None:
        """Send a reply; one that the kernel cannot take now is dropped, as UDP may drop any."""
        try:
            if source:
                self._socket.sendmsg([reply], source, 0, client)
            else:
                self._socket.sendto(reply, client)
        except OSError as error:
            logger.debug("reply to %s: %s", client[0], error)


def bytes_only(replies: Sequence[Reply]) -> TypeGuard[Sequence[bytes]]:
    """Say whether every request of a batch has its reply already: nearly always."""
    return set(map(type, replies)) == {bytes}
