"""How is a server started, measured and ended?

Each server is one process group of ours in a session of its own, pinned to one core; what it has used is read
from /proc for all processes of that session (NSD has three). It is ended by the id we started it with. Linux
only.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import dns.exception
import dns.message
import dns.rcode

from benchmarks.zones import ADDRESS, Question

SERVER_CORE = 0
LOAD_CORE = 1  # dnsperf's, the sender's, and this program's while it waits
START_LIMIT_S = 180.0  # the slowest reads 1,000,000 records
STOP_LIMIT_S = 20.0
POLL_S = 0.002
FIXED_PORTS = range(20_000, 30_000)  # Linux gives 32768 and up to those who ask for any
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SYSTEM_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


class BenchmarkError(Exception):
    """The run cannot go on, or its figures would not mean anything."""


class Server:
    """A server process and its children, from the start until the `with` block ends."""

    def __init__(self, name: str, command: list[str], port: int, log: Path) -> None:
        """Start the command on the servers' core.

        Args:
            name: what messages and tables call it.
            command: program and arguments; it must stay in the foreground.
            port: the UDP and TCP port of 127.0.0.1 the command listens on.
            log: file for what it prints.
        """
        self.name = name
        self.port = port
        self._log = log
        self._started = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "--cpu-list", str(SERVER_CORE), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its id is then the session's, whose processes are ours to count
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ask the process to end; after a while kill its group, which holds nothing but what it started."""
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def wait_for_answer(self, question: Question, limit_s: float = START_LIMIT_S) -> float:
        """Ask until the first answer with data; return the seconds since the start.

        Raises:
            BenchmarkError: where the process ends or stays silent.
        """
        query = dns.message.make_query(question.qname, question.qtype, use_edns=False).to_wire()
        while time.perf_counter() - self._started < limit_s:
            if self._process.poll() is not None:
                break
            if _has_answer(self.port, query):
                return time.perf_counter() - self._started
            time.sleep(POLL_S)
        printed = self._log.read_text(errors="replace")[-2000:]
        raise BenchmarkError(f"{self.name} gives no answer on {ADDRESS}:{self.port}; it printed:\n{printed}")

    def cpu_s(self) -> float:
        """Return the user and system time of all its processes so far; the resolution is one tick (10 ms)."""
        fields = self._stat_fields().values()
        return sum(int(field[11]) + int(field[12]) for field in fields) / _TICKS_PER_S

    def memory_bytes(self) -> int:
        """Return the memory of all its processes, a page they share counted once (PSS)."""
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self._stat_fields()]
        kilobytes = [int(found) for text in rollups for found in re.findall(r"^Pss:\s+(\d+)", text, re.M)]
        return sum(kilobytes) * 1024

    def handles(self, number: signal.Signals) -> bool:
        """Say whether the process has a handler of its own for a signal; without one it may end of it."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        caught = re.search(r"^SigCgt:\s+([0-9a-f]+)", status, re.M)
        return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process we started."""
        self._process.send_signal(number)

    def is_running(self) -> bool:
        """Say whether the process we started still lives."""
        return self._process.poll() is None

    def _stat_fields(self) -> dict[int, list[str]]:
        """Return pid → fields of /proc/PID/stat from `state` on, for the processes of our session."""
        found = {}
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                fields = (directory / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended since the directory was listed
            if int(fields[3]) == self._process.pid:
                found[int(directory.name)] = fields
        return found


def find_program(name: str) -> str | None:
    """Return the path of a system program or None; servers stand in sbin, which PATH may leave out."""
    return shutil.which(name, path=_SYSTEM_PATH)


def need_program(name: str) -> str:
    """Return the path of a system program.

    Raises:
        BenchmarkError: it is not installed.
    """
    path = find_program(name)
    if path is None:
        raise BenchmarkError(f"{name!r} is not installed (Debian: scripts/system-packages bench)")
    return path


def free_port() -> int:
    """Return a port of 127.0.0.1 that neither UDP nor TCP uses.

    It is taken from below the kernel's ephemeral ports, so that no client on the machine is given it between
    this test and the server's start.
    """
    while True:
        port = random.choice(FIXED_PORTS)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind((ADDRESS, port))
                tcp.bind((ADDRESS, port))
            except OSError:
                continue
            return port


def _has_answer(port: int, query: bytes) -> bool:
    """Ask once and say whether an answer with data came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.1)
        udp.connect((ADDRESS, port))
        try:
            udp.send(query)
            reply = dns.message.from_wire(udp.recv(4096))
        except (OSError, dns.exception.DNSException):
            return False  # not bound yet, or still loading
        return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)
