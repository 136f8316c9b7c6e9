"""How is a server started, loaded, measured and ended?

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
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import dns.exception
import dns.message
import dns.rcode

from benchmarks.workload import ADDRESS, ORIGIN, Question

SERVER_CORE = 0
LOAD_CORE = 1  # dnsperf's, and this program's while it waits
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
POLL_S = 0.002
FIXED_PORTS = range(20_000, 30_000)  # Linux gives 32768 and up to those who ask for any
MAX_LOST_SHARE = 0.01  # above it a cost per completed query says little
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SYSTEM_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"

_NSD_CONF = """\
server:
  ip-address: {address}@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: ""
  zonelistfile: "{directory}/nsd.zonelist"
  xfrdfile: "{directory}/nsd.xfrd"
  xfrdir: "{directory}"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "{origin}"
  zonefile: "{zone}"
"""


class BenchmarkError(Exception):
    """The run cannot go on, or its figures would not mean anything."""


class Load(NamedTuple):
    """What one run of dnsperf did to a server; `codes` are shares of the completed queries."""

    sent: int
    completed: int
    lost: int
    rate: float
    cpu_us: float
    codes: dict[str, float]


class Server:
    """A server process and its children, from the start until the `with` block ends."""

    def __init__(self, name: str, command: list[str], port: int, log: Path) -> None:
        """Start the command on the servers' core.

        Args:
            name: what messages call it.
            command: program and arguments; it must stay in the foreground.
            port: the UDP port of 127.0.0.1 the command listens on.
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

    def wait_for_answer(self, question: Question) -> float:
        """Ask until the first answer with data; return the seconds since the start.

        Raises:
            BenchmarkError: where the process ends or stays silent for 60 s.
        """
        query = dns.message.make_query(question.qname, question.qtype, use_edns=False).to_wire()
        while time.perf_counter() - self._started < START_LIMIT_S:
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
        return (
            sum(int(kilobytes) for text in rollups for kilobytes in re.findall(r"^Pss:\s+(\d+)", text, re.M))
            * 1024
        )

    def load(self, queries: Path, seconds: int) -> Load:
        """Send queries with dnsperf from the other core for a bounded time.

        Raises:
            BenchmarkError: where dnsperf fails, or loses more than 1 % of the queries.
        """
        command = ["taskset", "--cpu-list", str(LOAD_CORE), "dnsperf", "-s", ADDRESS, "-p", str(self.port)]
        command += ["-c", "8", "-q", "200", "-l", str(seconds), "-d", str(queries)]
        before = self.cpu_s()
        ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
        used_s = self.cpu_s() - before
        if ran.returncode != 0:
            raise BenchmarkError(
                f"dnsperf against {self.name} failed:\n{ran.stdout[-1000:]}{ran.stderr[-1000:]}"
            )
        sent, completed, lost = (_count(ran.stdout, what) for what in ("sent", "completed", "lost"))
        if not completed or lost > sent * MAX_LOST_SHARE:
            raise BenchmarkError(
                f"{self.name} lost {lost} of {sent} queries; the limit is {MAX_LOST_SHARE:.0%}"
            )
        rate = re.search(r"Queries per second:\s+([\d.]+)", ran.stdout)
        codes = re.findall(r"([A-Z]+) (\d+) \(", ran.stdout)
        return Load(
            sent,
            completed,
            lost,
            float(rate[1]) if rate else 0.0,
            used_s / completed * 1e6,
            {code: int(count) / completed for code, count in codes},
        )

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


def start_nsd(directory: Path, zone: Path) -> Server:
    """Start NSD with one zone, one server process, and response rate limiting off."""
    port = free_port()
    conf = directory / "nsd.conf"
    conf.write_text(
        _NSD_CONF.format(
            address=ADDRESS, port=port, directory=directory, origin=ORIGIN.rstrip("."), zone=zone
        )
    )
    return Server("NSD", [find_program("nsd"), "-d", "-c", str(conf)], port, directory / "nsd.log")


def start_r53lite(directory: Path, zones: Path) -> Server:
    """Start `r53lite serve` for a directory of zones: no HTTP port, no recursion, all else as it comes."""
    port = free_port()
    command = [str(r53lite_program()), "serve", "--zones", str(zones), "--listen", f"{ADDRESS}:{port}"]
    command += ["--no-api", "--no-recursion"]
    return Server("r53lite", command, port, directory / "r53lite.log")


def r53lite_program() -> Path:
    """Return the command of the environment that runs this program."""
    return Path(sys.executable).with_name("r53lite")


def find_program(name: str) -> str:
    """Return the path of a system program; servers stand in sbin, which PATH may leave out."""
    path = shutil.which(name, path=_SYSTEM_PATH)
    if path is None:
        raise BenchmarkError(f"{name!r} is not installed (Debian: see scripts/system-packages)")
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


def _count(output: str, what: str) -> int:
    match = re.search(rf"Queries {what}:\s+(\d+)", output)
    if match is None:
        raise BenchmarkError(f"dnsperf printed no number of queries {what}:\n{output[-1000:]}")
    return int(match[1])
