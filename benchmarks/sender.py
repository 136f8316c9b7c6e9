"""When do answers come, at a steady rate of questions?

A process of its own, so that the benchmark's work does not delay it. It sends a bounded rate in small
bursts and takes the answers' arrival times from the kernel (SO_TIMESTAMPNS): a gap is the server's even where
this process is late to read. What it falls behind it does not make up for, since a burst would overflow a
socket's buffer and count as the server's loss; its own longest pause is printed beside the gap.

    python -m benchmarks.sender PORT RATE NAMES LIMIT_S    until stdin closes; prints JSON
"""

from __future__ import annotations

import gc
import json
import select
import socket
import struct
import sys
import time
from itertools import pairwise
from typing import NamedTuple

import dns.message

from benchmarks.zones import ADDRESS, LARGE_NAMES, host

SO_TIMESTAMPNS = 35  # Linux, asm-generic/socket.h; Python's socket module has no name for it
TICK_S = 0.0005
MAX_BEHIND_S = 0.002
BUFFER_BYTES = 4 << 20
LAST_ANSWERS_S = 1.0  # how long after the last question an answer still counts
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)


class Traffic(NamedTuple):
    """What one run of the sender found; times in milliseconds. `failed` are answers that are not NOERROR."""

    sent: int
    answered: int
    failed: int
    longest_gap_ms: float
    longest_pause_ms: float
    p99_ms: float
    longest_ms: float
    seconds: float

    @property
    def lost(self) -> int:
        """Return the queries without a right answer."""
        return self.sent - self.answered + self.failed


class Sender:
    """One socket to one server."""

    def __init__(self, port: int, names: int) -> None:
        """Prepare `names` questions spread over the large zone."""
        step = LARGE_NAMES // names
        self._bodies = [
            dns.message.make_query(host(n * step), "A", use_edns=False).to_wire()[2:] for n in range(names)
        ]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.connect((ADDRESS, port))
        self._socket.setblocking(False)
        self._sent_at = [0.0] * 65536  # by message id; 0: nothing is in flight
        self._arrivals: list[float] = []
        self._delays: list[float] = []
        self._sent = 0
        self._failed = 0
        self._longest_pause_s = 0.0

    def run(self, rate: int, limit_s: float) -> Traffic:
        """Send until stdin closes or the time is over; return what came back."""
        began = last = time.perf_counter()
        due = 0.0
        while last - began < limit_s and not select.select([sys.stdin], [], [], 0)[0]:
            now = time.perf_counter()
            self._longest_pause_s = max(self._longest_pause_s, now - last)
            due += min(now - last, MAX_BEHIND_S) * rate
            last = now
            for _ in range(int(due)):
                self._send()
            due -= int(due)
            self._receive()
            time.sleep(TICK_S)
        until = time.perf_counter() + LAST_ANSWERS_S
        while len(self._arrivals) < self._sent and time.perf_counter() < until:
            self._receive()
            time.sleep(TICK_S)
        return self._summarize(last - began)

    def _send(self) -> None:
        message_id = self._sent & 0xFFFF
        wire = message_id.to_bytes(2, "big") + self._bodies[self._sent % len(self._bodies)]
        self._sent_at[message_id] = time.time()  # the clock of the kernel's stamps
        self._socket.send(wire)
        self._sent += 1

    def _receive(self) -> None:
        while True:
            try:
                wire, ancillary, _flags, _address = self._socket.recvmsg(4096, _ANCILLARY_BYTES)
            except BlockingIOError:
                return
            message_id = wire[0] << 8 | wire[1]
            sent_at = self._sent_at[message_id]
            if not sent_at:
                continue  # answered already, or nothing we asked
            self._sent_at[message_id] = 0.0
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            arrived = seconds + nanoseconds * 1e-9
            self._arrivals.append(arrived)
            self._delays.append(arrived - sent_at)
            self._failed += wire[3] & 15 != 0

    def _summarize(self, seconds: float) -> Traffic:
        arrivals = sorted(self._arrivals)
        gaps = (after - before for before, after in pairwise(arrivals))
        delays = sorted(self._delays) or [0.0]
        return Traffic(
            self._sent,
            len(arrivals),
            self._failed,
            max(gaps, default=0.0) * 1e3,
            self._longest_pause_s * 1e3,
            delays[int(len(delays) * 0.99)] * 1e3,
            delays[-1] * 1e3,
            seconds,
        )


def main() -> None:
    """Run as the command line says and print what was found."""
    port, rate, names, limit_s = (int(argument) for argument in sys.argv[1:])
    sender = Sender(port, names)
    gc.disable()  # a collection would look like a pause of the server
    print(json.dumps(sender.run(rate, limit_s)._asdict()))


if __name__ == "__main__":
    main()
