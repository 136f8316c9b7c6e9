"""How do NSD, Knot and r53lite come to serve the same master files?

Each is a process of its own in a directory of its own, on a port that was free a moment ago, and ended by the
process that was started. All three read the very same files.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.clients import free_port
from tests.differential.client import ADDRESS, NoReplyError, ask_tcp, ask_udp
from tests.differential.model import TYPES, Question, ZoneSet, ZoneSource, base_of
from tests.differential.wire import Answer, decode, encode

START_LIMIT_S = 20.0
STOP_LIMIT_S = 5.0
POLL_S = 0.02
SERVERS = ("r53lite", "NSD", "Knot")
_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"

_NSD_CONF = """\
server:
  ip-address: {address}@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{zones}"
  database: ""
  pidfile: ""
  zonelistfile: "{directory}/zonelist"
  xfrdfile: "{directory}/xfrd"
  xfrdir: "{directory}"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  tcp-query-count: 0
remote-control:
  control-enable: no
"""
# The mandatory checks stay as they are ("soft" would load data below a DNAME and answer from it).
_KNOT_CONF = """\
server:
  rundir: "{directory}"
  listen: {address}@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{directory}"
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: "{zones}"
    zonefile-load: whole
    journal-content: none
zone:
"""


class ServerError(Exception):
    """A server that does not start, or does not load a zone; the message holds what it printed."""


class Placed(NamedTuple):
    """A set of zones and the base it is served under."""

    zone_set: ZoneSet
    base: tuple[bytes, ...]


class _Zone(NamedTuple):
    file: str
    domain: str
    source: ZoneSource
    base: tuple[bytes, ...]


class Servers:
    """The three servers, loaded with the same zones."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports

    def ask(self, name: str, questions: Sequence[tuple[Question, tuple[bytes, ...]]]) -> list[Answer]:
        """Put every question to one server; the answers come in the order of the questions."""
        queries = [encode(question, base, 0) for question, base in questions]
        by_tcp = [at for at, (question, _) in enumerate(questions) if question.is_tcp]
        by_udp = [at for at, (question, _) in enumerate(questions) if not question.is_tcp]
        port = self._ports[name]
        replies = dict(zip(by_udp, ask_udp(port, [queries[at] for at in by_udp]), strict=True))
        replies |= zip(by_tcp, ask_tcp(port, [queries[at] for at in by_tcp]), strict=True)
        return [decode(replies[at]) for at in range(len(queries))]


def place(zone_sets: Sequence[ZoneSet]) -> list[Placed]:
    """Give each set a base of its own."""
    return [Placed(zone_set, base_of(zone_set, number)) for number, zone_set in enumerate(zone_sets)]


@contextlib.contextmanager
def serving(placed: Sequence[Placed], directory: Path, names: Sequence[str] = SERVERS) -> Iterator[Servers]:
    """Start servers with these zones, and end them.

    Raises:
        ServerError: one of them does not serve every zone within 20 s.
    """
    zones = _write_zones(placed, directory)
    with contextlib.ExitStack() as stack:
        ports = {}
        started = []
        for name in names:
            home = directory / name
            home.mkdir()
            ports[name] = free_port()
            with (home / "log").open("wb") as log:
                process = _STARTS[name](home, directory / "zones", zones, ports[name], log.fileno())
            stack.callback(_stop, process)
            started.append((name, process, home / "log"))
        for name, process, log_file in started:
            _wait_until_served(name, ports[name], process, log_file, zones)
        yield Servers(ports)


def _write_zones(placed: Sequence[Placed], directory: Path) -> list[_Zone]:
    (directory / "zones").mkdir(parents=True)
    zones = []
    for number, (zone_set, base) in enumerate(placed):
        for place_in_set, source in enumerate(zone_set.zones):
            zone = _Zone(f"{number}-{place_in_set}.zone", source.origin.text(base), source, base)
            (directory / "zones" / zone.file).write_text(source.text(base), encoding="ascii")
            zones.append(zone)
    return zones


def _start_r53lite(
    home: Path, directory: Path, zones: Sequence[_Zone], port: int, log: int
) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-c",
        "from r53lite.cli.main import main; main()",
        "serve",
        "--zones",
        str(directory),
    ]
    command += ["--listen", f"{ADDRESS}:{port}", "--no-api", "--no-recursion"]
    return _start(command, home, log)


def _start_nsd(
    home: Path, directory: Path, zones: Sequence[_Zone], port: int, log: int
) -> subprocess.Popen[bytes]:
    conf = _NSD_CONF.format(address=ADDRESS, port=port, zones=directory, directory=home)
    conf += "".join(f'zone:\n  name: "{zone.domain}"\n  zonefile: "{zone.file}"\n' for zone in zones)
    (home / "nsd.conf").write_text(conf, encoding="ascii")
    return _start([_find("nsd"), "-d", "-c", str(home / "nsd.conf")], home, log)


def _start_knot(
    home: Path, directory: Path, zones: Sequence[_Zone], port: int, log: int
) -> subprocess.Popen[bytes]:
    conf = _KNOT_CONF.format(address=ADDRESS, port=port, zones=directory, directory=home)
    conf += "".join(f'  - domain: "{zone.domain}"\n    file: "{zone.file}"\n' for zone in zones)
    (home / "knot.conf").write_text(conf, encoding="ascii")
    return _start([_find("knotd"), "-c", str(home / "knot.conf")], home, log)


_STARTS = {"r53lite": _start_r53lite, "NSD": _start_nsd, "Knot": _start_knot}


def _start(command: list[str], home: Path, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # its children end with it
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server; after a while kill its process group, which holds nothing but what it started."""
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_served(
    name: str, port: int, process: subprocess.Popen[bytes], log: Path, zones: Sequence[_Zone]
) -> None:
    """Wait until the SOA of every zone is answered with authority."""
    waiting = list(zones)
    deadline = time.monotonic() + START_LIMIT_S
    while waiting and time.monotonic() < deadline and process.poll() is None:
        queries = [encode(Question(zone.source.origin, TYPES["SOA"]), zone.base, 0) for zone in waiting]
        try:
            ask_udp(port, queries[:1], try_again_s=POLL_S)
            answers = [decode(reply) for reply in ask_udp(port, queries)]
            ask_tcp(port, queries[:1])
        except (NoReplyError, OSError):
            time.sleep(POLL_S)
            continue
        waiting = [zone for zone, answer in zip(waiting, answers, strict=True) if not answer.answer]
        if waiting:
            time.sleep(POLL_S)
    if waiting:
        printed = log.read_text(errors="replace")[-3000:]
        shown = waiting[0].source.text(waiting[0].base)
        raise ServerError(
            f"{name} does not serve {len(waiting)} zones, such as\n{shown}it printed:\n{printed}"
        )


def _find(program: str) -> str:
    path = shutil.which(program, path=_PATH)
    if path is None:
        raise ServerError(f"{program!r} is not installed (Debian: see scripts/system-packages)")
    return path
