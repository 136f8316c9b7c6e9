"""Do the readers of zone and policy files give faults, and never an exception, whatever stands in the
file?

Files are written to a directory and loaded as the server loads them. Every fault must be one printable line
with a line number that the file has. What was read without an error must also be answerable: some packets go
through a door over it.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from r53lite.control.zone_files import LoadedFiles, load_zone_files
from r53lite.errors import Fault
from tests.fuzz.invariants import BrokenRuleError, check_reply
from tests.fuzz.packets import PacketMaker
from tests.fuzz.report import LogGuard, Report
from tests.fuzz.texts import damage, make_policy_text, make_zone_text, own_lines
from tests.support import make_dispatch

BLOCK_CASES = 500
QUESTIONS = 4  # asked of each zone that could be read
SLOW_S = 2.0  # the largest $GENERATE that is allowed makes 65,536 records; anything else is far below
_SOUND_ZONE = "$TTL 9\n@ SOA ns1.fuzz.test. admin 1 2 3 4 5\n@ NS ns1.fuzz.test.\n"


class ReaderFuzzer:
    """Writes files and loads them; `directory` is its own."""

    def __init__(self, report: Report, directory: Path) -> None:
        self.report = report
        self._directory = directory
        self._lines = own_lines()
        self.sound = 0

    def run(self, cases: int, first_block: int = 0) -> None:
        """Try so many files, block by block."""
        block = first_block
        while self.report.cases < cases:
            self._run_block(block, min(BLOCK_CASES, cases - self.report.cases))
            block += 1

    def _run_block(self, block: int, cases: int) -> None:
        seed = f"{self.report.seed}/{block}"
        chance, maker = random.Random(seed), PacketMaker(seed)
        repeat = f"python -m tests.fuzz reader --seed {self.report.seed} --block {block}"
        with LogGuard() as log:
            for number in range(cases):
                is_yaml = number % 3 == 2
                text = make_policy_text(chance) if is_yaml else make_zone_text(chance, self._lines)
                octets = damage(text, chance, is_yaml=is_yaml)
                self._try(octets, maker, repeat, is_yaml=is_yaml)
                if log.records:
                    self._note(f"logged {log.records[0]}", octets, repeat, is_yaml=is_yaml)
                    log.records.clear()
        self.report.show_progress()

    def replay(self, octets: bytes, *, is_yaml: bool) -> None:
        """Load one file."""
        self._try(octets, PacketMaker("replay"), "", is_yaml=is_yaml)

    def _try(self, octets: bytes, maker: PacketMaker, repeat: str, *, is_yaml: bool) -> None:
        self.report.cases += 1
        started = time.thread_time()
        try:
            loaded = self._load(octets, is_yaml=is_yaml)
            seconds = time.thread_time() - started
            check_faults(loaded.faults, octets)
            if not any(fault.is_error for fault in loaded.faults):
                self.sound += 1
                _ask(loaded, maker)
        except BrokenRuleError as error:
            self._note(str(error), octets, repeat, is_yaml=is_yaml)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what we look for
            self._note(f"exception {error!r}", octets, repeat, is_yaml=is_yaml)
        else:
            self.report.note_time(seconds, _replay(octets, is_yaml=is_yaml))
            if seconds > SLOW_S:
                self._note(f"slow: {seconds:.1f} s for {len(octets)} octets", octets, repeat, is_yaml=is_yaml)

    def _note(self, rule: str, octets: bytes, repeat: str, *, is_yaml: bool) -> None:
        self.report.note_fault(rule, _replay(octets, is_yaml=is_yaml), repeat)

    def _load(self, octets: bytes, *, is_yaml: bool) -> LoadedFiles:
        """Write the file, beside a sound zone where it is a policy file, and load both."""
        zone, policy = self._directory / "fuzz.test.zone", self._directory / "fuzz.test.yaml"
        zone.write_bytes(_SOUND_ZONE.encode() if is_yaml else octets)
        if not is_yaml:
            return load_zone_files([zone])
        policy.write_bytes(octets)
        return load_zone_files([zone, policy])


def _replay(octets: bytes, *, is_yaml: bool) -> str:
    return f"python -m tests.fuzz reader {'--yaml ' if is_yaml else ''}--replay {octets.hex()}"


def check_faults(faults: tuple[Fault, ...], octets: bytes) -> None:
    """Hold the faults of a file against the rules of messages.

    Raises:
        BrokenRuleError: no reason, several lines, what no terminal can show, or a line that the file has not.
    """
    lines = len(octets.decode("utf-8", "replace").splitlines()) + 1
    for fault in faults:
        text = str(fault)
        if not fault.reason.strip() or not text.isprintable():
            raise BrokenRuleError(f"message is empty or not printable: {text!r}")
        if not 0 <= fault.line <= lines:
            raise BrokenRuleError(f"message has a line that is not there: {text!r}, of {lines}")


def _ask(loaded: LoadedFiles, maker: PacketMaker) -> None:
    """Ask what was loaded a few questions."""
    snapshot = loaded.snapshot()
    door = make_dispatch(snapshot)
    for _ in range(QUESTIONS):
        request = maker.next()
        reply = door.answer(request.wire, request.client, is_stream=request.is_stream)
        check_reply(request.wire, reply, 1232, is_stream=request.is_stream)
        if door.failures:
            raise BrokenRuleError(f"the door fails over this zone, asked {request.wire.hex()}")
