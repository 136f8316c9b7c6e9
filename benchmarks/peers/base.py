"""What is a peer? A name, a program, a way to start it for some zones, and what it puts into answers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.process import Server, find_program
from benchmarks.zones import ADDRESS, ZoneFile


class Site(NamedTuple):
    """What a server is to serve.

    `directory` is the server's own, for its configuration and state; `check_port` is the port of the targets
    of the policy zone, None where that zone is not served.
    """

    directory: Path
    port: int
    zones: tuple[ZoneFile, ...]
    check_port: int | None = None

    @property
    def endpoint(self) -> str:
        """Return address and port in the form most of them read."""
        return f"{ADDRESS}:{self.port}"


@dataclass(frozen=True, slots=True)
class Peer:
    """One server that can be measured.

    `is_minimal` says that it leaves the apex NS set and the addresses out of positive answers, by its nature:
    then only rcode, flags and answer section are compared where that section has records. `weighs_health`
    says that its weighted answers leave dead targets out.
    """

    name: str
    program: str
    start: Callable[[Site], Server]
    version: Callable[[], str]
    is_minimal: bool = False
    weighs_health: bool = False

    @property
    def is_installed(self) -> bool:
        """Say whether its program is there."""
        return find_program(self.program) is not None


def printed_version(program: str, flag: str) -> str:
    """Return the first version number a program prints, on whichever stream and with any exit code."""
    path = find_program(program)
    if path is None:
        return "not installed"
    ran = subprocess.run([path, flag], capture_output=True, text=True, check=False, timeout=10)
    match = re.search(r"\b(\d+\.\d+\.\d+)", ran.stdout + ran.stderr)
    return match[1] if match else "of unknown version"
