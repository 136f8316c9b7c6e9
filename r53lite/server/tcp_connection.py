"""How does one TCP connection turn octets into requests, and answers into octets?

Each message has its length in two octets before it (RFC 1035 §4.2.2, RFC 7766 §8), and the borders of
segments mean nothing: a segment may hold a part of a message or many. All requests that one read brings are
answered at once and written with one call; only a question that recursion goes out for becomes a task, whose
answer is sent when it is there, after those of later questions if need be (RFC 7766 §6.2.1.1, §7).

Nothing a client does makes a connection grow without end:
- it is read only while fewer than its share of questions wait for recursion and no reply waits to be sent;
- what has been read and not answered is at most one message and one read;
- replies wait in one buffer of at most `MAX_OUTPUT_BYTES`; a client that would exceed it is cut.

A life has three phases. OPEN: requests are read. DRAINING: no more will be read, answers that are owed are
still sent; the client has shut down its side (RFC 1035 §4.2.2: outstanding requests come before closing), or
has sent something no reply may be sent to. LINGERING: all is sent and the client told so (FIN), but it may
still be sending; what comes is thrown away, because closing a socket with unread octets resets it, and a
reset destroys replies on their way.

Sockets and readers of the event loop, not asyncio's transports, as for UDP: a transport passes each read
through three more calls, allocates 256 kB for it, and buffers replies without an upper limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import socket
import struct
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from r53lite.answering.dispatch import Reply
    from r53lite.server.tcp_pool import TcpPool

LENGTH_BYTES = 2
READ_BYTES = (
    8192  # one read: about 200 questions, so that a client holds up others for a few milliseconds only
)
WRITE_BATCH_BYTES = 65536  # replies are written when so many octets have come together, or a read is answered
MAX_OUTPUT_BYTES = 1 << 20  # a hundred answers of recursion that come while a reply waits have 10 kB each
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: close() sends RST and the kernel forgets what was unsent

logger = logging.getLogger("r53lite.server")


class Door(Protocol):
    """What answers: `answering.dispatch.Dispatch`."""

    def answer(self, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Return the reply, None for silence, or a coroutine of either."""


class Phase(enum.Enum):
    """How far a connection has come."""

    OPEN = enum.auto()
    DRAINING = enum.auto()
    LINGERING = enum.auto()
    CLOSED = enum.auto()


class TcpConnection:
    """One accepted connection; it closes itself, or its pool does.

    Args:
        accepted: the socket, non-blocking.
        address: the client's IP address as text.
        door: what answers.
        pool: who counts it and ends it when its time is up; told of its end.
        now: the pool's clock.
    """

    __slots__ = (
        "_door",
        "_input",
        "_is_read",
        "_loop",
        "_needed_bytes",
        "_output",
        "_phase",
        "_pool",
        "_socket",
        "_tasks",
        "active_at",
        "address",
        "blocked_at",
        "started_at",
    )

    def __init__(self, accepted: socket.socket, address: str, door: Door, pool: TcpPool, now: float) -> None:
        self.address = address
        self.active_at = now  # the last whole request or the last late answer
        self.started_at = now  # when the message that is incomplete began
        self.blocked_at = now  # when the reply that waits began to wait
        self._socket = accepted
        self._door = door
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._input = bytearray()  # read, not yet answered; begins with a length
        self._needed_bytes = LENGTH_BYTES  # below it, `_input` holds no whole message
        self._output = bytearray()  # to be sent
        self._tasks: set[asyncio.Task[bytes | None]] = set()
        self._phase = Phase.OPEN
        self._is_read = True
        self._loop.add_reader(accepted.fileno(), self._read)

    @property
    def owes_replies(self) -> bool:
        """Say whether a reply waits for recursion or for the client to take it."""
        return bool(self._tasks or self._output)

    @property
    def tasks(self) -> tuple[asyncio.Task[bytes | None], ...]:
        """Return what waits for recursion."""
        return tuple(self._tasks)

    # --- time ---------------------------------------------------------------------------------------------

    def overdue(self, now: float) -> str | None:
        """Return why this connection's time is up, or None."""
        limits = self._pool.settings
        if self._output:
            return "replies not read" if now - self.blocked_at >= limits.write_timeout_s else None
        if self._phase is Phase.LINGERING:
            return "not closed by the client" if now - self.active_at >= limits.message_timeout_s else None
        if self._input and self._is_read:
            return "message not complete" if now - self.started_at >= limits.message_timeout_s else None
        if self._tasks:
            return None  # the resolver has limits of its own
        return "idle" if now - self.active_at >= limits.idle_timeout_s else None

    # --- reading ------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take what has arrived; called by the event loop while reading is on."""
        try:
            octets = self._socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # RST, or a network that has gone
            self.close(repr(error))
            return
        if self._phase is Phase.LINGERING:
            if not octets:
                self.close("done")
        elif not octets:
            self._end_input()
        elif self._input:
            self._input += octets
            if len(self._input) >= self._needed_bytes:
                self._proceed(bytes(self._input))
        else:
            self._proceed(octets)

    def _proceed(self, octets: bytes) -> None:
        """Answer the whole messages in `octets`, keep the rest, and read on or not."""
        taken = self._answer(octets)
        if taken == len(octets) and self._is_read and not self._input and self._may_read:
            self.active_at = self._pool.note_request(self)  # nothing is left over: the common case
            return
        if self._phase is Phase.CLOSED:
            return
        rest = octets[taken:]
        if taken:
            self.active_at = self.started_at = self._pool.note_request(self)
        elif rest and not self._input:
            self.started_at = self._pool.clock()
        if self._phase is Phase.OPEN:
            self._input[:] = rest
            self._needed_bytes = (
                LENGTH_BYTES
                if len(rest) < LENGTH_BYTES
                else LENGTH_BYTES + int.from_bytes(rest[:LENGTH_BYTES], "big")
            )
        self._adjust()

    def _answer(self, octets: bytes) -> int:
        """Answer whole messages from the start of `octets` for as long as the limits allow.

        Returns:
            How many octets have been dealt with.
        """
        answer, address = self._door.answer, self.address
        start, end = 0, len(octets)
        replies: list[bytes] = []
        waiting_bytes = 0
        while end - start >= LENGTH_BYTES:
            body = start + LENGTH_BYTES
            after = body + (octets[start] << 8 | octets[start + 1])
            if after > end:
                break
            reply = answer(octets[body:after], address, is_stream=True)
            start = after
            if isinstance(reply, bytes):
                replies += (len(reply).to_bytes(LENGTH_BYTES, "big"), reply)
                waiting_bytes += len(reply)
                if waiting_bytes < WRITE_BATCH_BYTES:
                    continue
                self._send(b"".join(replies))
                replies.clear()
                waiting_bytes = 0
            elif reply is None:
                self._refuse_input()
            else:
                self._wait_for(reply)
            if not self._may_read:
                break
        if replies:
            self._send(b"".join(replies))
        return start

    @property
    def _may_read(self) -> bool:
        """Say whether another request may be taken now."""
        return (
            self._phase is Phase.OPEN
            and not self._output
            and (not self._tasks or len(self._tasks) < self._pool.pending_limit)
        )

    def _refuse_input(self) -> None:
        """Take no more requests after one that no reply may be sent to: a response, or one without a header.

        On UDP silence is all there is. Here the client would wait; and whoever sends that is no DNS client or
        has lost the borders between messages, so that what follows means nothing. The connection ends, as
        NSD ends it. RFC 8906 wants a reply to every query, which this is not; closing is the one signal that
        cannot be taken for an answer.
        """
        self._phase = Phase.DRAINING
        self._input.clear()

    def _end_input(self) -> None:
        """Note that the client has shut down its side; half a message before it was no question."""
        self._phase = Phase.DRAINING
        self._input.clear()
        if self.owes_replies:
            self._adjust()
        else:
            self.close("done")

    def _adjust(self) -> None:
        """Turn reading on or off as the limits want it; end what neither reads nor owes."""
        if self._phase is Phase.DRAINING and not self.owes_replies:
            self._linger()
        else:
            self._watch_input(self._may_read)

    def _watch_input(self, is_wanted: bool) -> None:
        if is_wanted is self._is_read:
            return
        self._is_read = is_wanted
        if is_wanted:
            self.started_at = self._pool.clock()  # the time we did not read is not the client's
            self._loop.add_reader(self._socket.fileno(), self._read)
        else:
            self._loop.remove_reader(self._socket.fileno())

    # --- answers of recursion -----------------------------------------------------------------------------

    def _wait_for(self, pending: Coroutine[None, None, bytes | None]) -> None:
        """Let recursion go out for an answer; later requests do not wait for it."""
        task = self._loop.create_task(pending)
        self._tasks.add(task)
        self._pool.pending += 1
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[bytes | None]) -> None:
        """Send what a task came back with, and go on reading where its end makes room."""
        self._tasks.discard(task)
        self._pool.pending -= 1
        if self._phase is Phase.CLOSED:
            return
        if task.cancelled():
            self.close("recursion has stopped")
            return
        error = task.exception()
        if error is not None:  # the door answers SERVFAIL to what it foresees; this is a fault of ours
            logger.error("a reply to %s failed", self.address, exc_info=error)
            self.close("a reply failed")
            return
        reply = task.result()
        if reply is None:
            self._refuse_input()
        else:
            self.active_at = self._pool.clock()
            self._send(len(reply).to_bytes(LENGTH_BYTES, "big") + reply)
        self._resume()

    def _resume(self) -> None:
        """Answer what was read before and had to wait, then read on."""
        if self._phase is Phase.CLOSED:
            return
        if self._may_read and len(self._input) >= self._needed_bytes:
            self._proceed(bytes(self._input))
        else:
            self._adjust()

    # --- writing ------------------------------------------------------------------------------------------

    def _send(self, octets: bytes) -> None:
        """Write replies, or keep what the kernel does not take until the client has read more."""
        if self._phase is Phase.CLOSED:
            return
        if not self._output:
            try:
                sent = self._socket.send(octets)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self.close(repr(error))
                return
            if sent == len(octets):
                return
            octets = octets[sent:]
            self.blocked_at = self._pool.clock()
            self._loop.add_writer(self._socket.fileno(), self._write)
        self._output += octets
        if len(self._output) > MAX_OUTPUT_BYTES:
            self.close("too many replies not read")

    def _write(self) -> None:
        """Write more of the replies that wait; called by the event loop when the kernel has room."""
        try:
            sent = self._socket.send(self._output)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.close(repr(error))
            return
        del self._output[:sent]
        if not self._output:
            self._loop.remove_writer(self._socket.fileno())
            self._resume()

    # --- the end ------------------------------------------------------------------------------------------

    def _linger(self) -> None:
        """Tell the client that nothing more comes, and wait for it to close."""
        self._phase = Phase.LINGERING
        self.active_at = self._pool.clock()
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:  # it has gone already
            self.close(repr(error))
            return
        self._watch_input(True)

    def close(self, reason: str) -> None:
        """End the connection now, and with it what waits for recursion; again does nothing."""
        if self._phase is Phase.CLOSED:
            return
        self._phase = Phase.CLOSED
        self._watch_input(False)
        if self._output:
            self._loop.remove_writer(self._socket.fileno())
            self._output.clear()
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._input.clear()
        for task in self._tasks:
            task.cancel()
        self._socket.close()
        self._pool.forget(self)
        logger.debug("connection of %s closed: %s", self.address, reason)
