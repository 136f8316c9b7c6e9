"""What came of a run? Faults, each with the line that repeats it, the slowest cases, and the pace.

A kind of fault is kept once, with its count: a bug that every tenth packet meets must not hide the others.
"""

from __future__ import annotations

import heapq
import logging
import re
import sys
import time
from types import TracebackType
from typing import NamedTuple

MAX_CASE_CHARACTERS = 6000  # of a fault's case; a longer one is repeated by its block
MAX_SLOW_CHARACTERS = 300  # of a slow case, which is no fault
SLOWEST_KEPT = 5
LINE_EVERY_S = 60.0
_NUMBER = re.compile(r"[0-9]+")


class Fault(NamedTuple):
    """One kind of fault: the rule, the first case that broke it, and how to see it again."""

    rule: str
    case: str
    repeat: str

    def __str__(self) -> str:
        """Format over three lines."""
        is_short = len(self.case) <= MAX_CASE_CHARACTERS
        case = self.case if is_short else f"{self.case[:MAX_SLOW_CHARACTERS]}… ({len(self.case)} characters)"
        return f"{self.rule}\n    {case}\n    {self.repeat}"


class Report:
    """Collects what a run finds; `part` and `seed` name it."""

    def __init__(self, part: str, seed: int, *, is_terminal: bool = False) -> None:
        self.part = part
        self.seed = seed
        self.cases = 0
        self.faults: dict[str, Fault] = {}
        self.counts: dict[str, int] = {}
        self.slowest: list[tuple[float, str]] = []
        self._is_terminal = is_terminal
        self._elapsed_s: float | None = None
        self._started = time.monotonic()
        self._next_line_at = self._started + LINE_EVERY_S

    def __enter__(self) -> Report:
        """Begin to count the time."""
        self._started = time.monotonic()
        self._next_line_at = self._started + LINE_EVERY_S
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        self._elapsed_s = time.monotonic() - self._started

    def note_fault(self, rule: str, case: str, repeat: str) -> None:
        """Keep a fault; of one kind (the rule up to its colon, whatever its numbers) only the first."""
        kind = _NUMBER.sub("N", rule.partition(":")[0][:60])
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.faults.setdefault(kind, Fault(rule, case, repeat))

    def note_time(self, seconds: float, case: str) -> None:
        """Keep the slowest cases."""
        if len(self.slowest) < SLOWEST_KEPT:
            heapq.heappush(self.slowest, (seconds, case))
        elif seconds > self.slowest[0][0]:
            heapq.heapreplace(self.slowest, (seconds, case))

    def show_progress(self) -> None:
        """Say how far the run is: one line over the last on a terminal, a line a minute in a log."""
        if self._is_terminal:
            print(f"\r{self.summary()}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() >= self._next_line_at:
            self._next_line_at += LINE_EVERY_S
            print(self.summary(), file=sys.stderr, flush=True)

    def summary(self) -> str:
        """Return the run in a line."""
        elapsed_s = time.monotonic() - self._started if self._elapsed_s is None else self._elapsed_s
        slowest_ms = max(self.slowest)[0] * 1000 if self.slowest else 0.0
        return (
            f"{self.part}: {self.cases:,} cases, {elapsed_s * 1e6 / max(self.cases, 1):.0f} µs each, "
            f"slowest {slowest_ms:.1f} ms, {sum(self.counts.values())} faults of {len(self.faults)} kinds"
        )

    def print_all(self) -> None:
        """Print the whole report."""
        if self._is_terminal:
            print(file=sys.stderr)
        print(f"{self.summary()}, seed {self.seed}")
        for kind, fault in self.faults.items():
            print(f"  {self.counts[kind]} × {fault}")
        for seconds, case in sorted(self.slowest, reverse=True)[:3]:
            print(f"  {seconds * 1000:.2f} ms: {case[:MAX_SLOW_CHARACTERS]}")


class LogGuard(logging.Handler):
    """Keeps what the program logs as a warning or worse: a fault that was caught and logged is a fault."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[str] = []
        self._logger = logging.getLogger("r53lite")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record, with the exception where it has one."""
        error = record.exc_info[1] if record.exc_info else None
        self.records.append(f"{record.getMessage()}: {error!r}" if error else record.getMessage())

    def __enter__(self) -> LogGuard:
        """Listen, and keep the records away from the console: a bug would print one traceback per packet."""
        self._propagates = self._logger.propagate
        self._logger.propagate = False
        self._logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagates
