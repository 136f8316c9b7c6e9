"""How long after a health check flips does an answer still show the dead target?

    python -m benchmarks.flip            the table on stdout; about a minute

A thousand weighted names depend on one check. A steady load asks them all in turn while the check's target
goes down and comes back, again and again. The moment of the flip is the one that the server writes into its
log; the arrival of each answer is stamped by the kernel, with the same clock. What counts is the last answer
with the dead target, by how much it came after the flip: a question that was on its way is the server's too.

The sender shares its core with the target's HTTP server, which is asked once a second.
"""

from __future__ import annotations

import datetime
import math
import re
import socket
import struct
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import click
import dns.message

from benchmarks.process import BenchmarkError, Server, free_port
from benchmarks.sender import BUFFER_BYTES, SO_TIMESTAMPNS
from benchmarks.zones import ADDRESS, Question

NAMES = 1_000
RATE = 20_000  # questions a second
FLIPS = 20
TARGET = "127.0.0.2"
DEAD, ALIVE = b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02"
BUDGET_MS, MOONSHOT_MS = 50, 5
TICK_S = 0.0005
FLIP_LIMIT_S = 10.0
SETTLED_S = 0.3  # how long after a flip answers are watched
_TIMESPEC = struct.Struct("@qq")
_LOG_LINE = re.compile(r"^(\S+ \S+),(\d{3}) \S+ r53lite\.health: health check target is now (\w+)", re.M)

_ZONE = """\
zone: flip.example
records:
  - {name: "@", type: SOA, ttl: 60, values: ["ns h 1 7200 1800 1209600 60"]}
  - {name: "@", type: NS, ttl: 60, values: [ns.elsewhere.example.]}
"""
_GROUP = """\
  - {{name: n{number}, type: A, ttl: 60, policy: weighted, sets: [
      {{id: dead, weight: 1, values: [192.0.2.1], health_check: target}},
      {{id: alive, weight: 1, values: [192.0.2.2]}}]}}
"""
_CHECK = """\
health_checks:
  target: {{type: HTTP, ip: {target}, port: {port}, path: /, interval: 1, failure_threshold: 1}}
"""


class _Target(BaseHTTPRequestHandler):
    """Answers 200 or 503, as the benchmark says."""

    status = 200

    def do_GET(self) -> None:  # the name is http.server's
        self.send_response(_Target.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *_args: object) -> None:  # noqa: A002  # the name is http.server's
        """Print nothing."""


class Watch:
    """Asks all names in turn at a steady rate, and remembers when an answer showed the dead target."""

    def __init__(self, port: int) -> None:
        self._bodies = [
            dns.message.make_query(f"n{number}.flip.example.", "A", use_edns=False).to_wire()[2:]
            for number in range(NAMES)
        ]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.connect((ADDRESS, port))
        self._socket.setblocking(False)
        self._last = time.perf_counter()
        self._due = 0.0
        self.sent = self.answered = 0
        self.last_dead = 0.0

    def step(self) -> None:
        """Send what is due and take in what has come."""
        now = time.perf_counter()
        self._due += min(now - self._last, 4 * TICK_S) * RATE
        self._last = now
        while self._due >= 1:
            self._due -= 1
            self._socket.send((self.sent & 0xFFFF).to_bytes(2, "big") + self._bodies[self.sent % NAMES])
            self.sent += 1
        self.take_in()
        time.sleep(TICK_S)

    def take_in(self) -> None:
        """Take in the answers that have come."""
        while True:
            try:
                wire, ancillary, _flags, _address = self._socket.recvmsg(4096, socket.CMSG_SPACE(16))
            except BlockingIOError:
                break
            self.answered += 1
            at = wire.index(0, 12) + 5 + 12  # behind the question and the head of the answer's record
            if wire[at : at + 4] == DEAD:
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
                self.last_dead = seconds + nanoseconds * 1e-9
            elif wire[at : at + 4] != ALIVE:
                raise BenchmarkError(f"an answer without a target: {wire.hex()}")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def flips_in(log: str) -> list[tuple[float, bool]]:
    """Return time (seconds since 1970) and new state of each flip that a log tells."""
    found = []
    for text, milliseconds, state in _LOG_LINE.findall(log):
        local = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").astimezone()
        found.append((local.timestamp() + int(milliseconds) / 1e3, state == "healthy"))
    return found


def measure(directory: Path) -> tuple[list[float], Watch]:
    """Let the target go down and come back; return the delays in milliseconds, and the watch.

    Raises:
        BenchmarkError: a flip does not come.
    """
    check_port = free_port()
    target = ThreadingHTTPServer((TARGET, check_port), _Target)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    zones = directory / "zones"
    zones.mkdir()
    groups = "".join(_GROUP.format(number=number) for number in range(NAMES))
    check = _CHECK.format(target=TARGET, port=check_port)
    (zones / "flip.example.yaml").write_text(_ZONE + groups + check)
    port, log = free_port(), directory / "log"
    command = [str(Path(sys.executable).with_name("r53lite")), "serve", "--zones", str(zones)]
    command += ["--listen", f"{ADDRESS}:{port}", "--no-api", "--no-recursion"]
    try:
        with Server("r53lite", command, port, log) as server:
            server.wait_for_answer(Question("n0.flip.example."))
            watch = Watch(port)
            try:
                delays = [_delay_ms(watch, log) for _ in range(FLIPS)]
                time.sleep(SETTLED_S)  # the last answers are on their way
                watch.take_in()
                return delays, watch
            finally:
                watch.close()
    finally:
        target.shutdown()
        target.server_close()


def _delay_ms(watch: Watch, log: Path) -> float:
    """Take the target down once and bring it back; return how late the last dead answer was."""
    _run_until(watch, 1.0)
    known = len(flips_in(log.read_text()))
    _Target.status = 503
    flipped_at = _wait_for_flip(watch, log, known, is_healthy=False)
    _run_until(watch, SETTLED_S)
    delay_ms = max(0.0, watch.last_dead - flipped_at) * 1e3
    if watch.last_dead < flipped_at - 1:
        raise BenchmarkError("no answer showed the target just before it went down")
    _Target.status = 200
    _wait_for_flip(watch, log, known + 1, is_healthy=True)
    return delay_ms


def _wait_for_flip(watch: Watch, log: Path, known: int, *, is_healthy: bool) -> float:
    until = time.perf_counter() + FLIP_LIMIT_S
    while time.perf_counter() < until:
        _run_until(watch, 0.05)
        flips = flips_in(log.read_text())[known:]
        if flips and flips[0][1] == is_healthy:
            return flips[0][0]
    raise BenchmarkError(f"the check did not flip within {FLIP_LIMIT_S:g} s")


def _run_until(watch: Watch, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        watch.step()


@click.command()
def main() -> None:
    """Measure and print the table; exit code 1 where the budget is not met."""
    _Target.status = 200
    with tempfile.TemporaryDirectory(prefix="r53lite-flip-") as directory:
        delays, watch = measure(Path(directory))
    delays.sort()
    p99 = delays[math.ceil(len(delays) * 0.99) - 1]
    met = "met" if p99 <= BUDGET_MS else "**not met**"
    click.echo(f"{NAMES:,} names of one check, {RATE:,} questions/s, {FLIPS} flips; ", nl=False)
    click.echo(f"{watch.answered:,} of {watch.sent:,} answered; the log's clock has 1 ms")
    click.echo(
        "| last answer with the dead target, ms after the flip | median | p99 | budget ≤ |  | moonshot ≤ |"
    )
    click.echo("|---|---|---|---|---|---|")
    click.echo(f"| r53lite | {median(delays):.1f} | {p99:.1f} | {BUDGET_MS} | {met} | {MOONSHOT_MS} |")
    sys.exit(0 if p99 <= BUDGET_MS else 1)


if __name__ == "__main__":
    main()
