"""How far is a long load? A bar on the terminal, and nothing where nobody looks or the load is short."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

import click

SILENT_S = 1.0  # our choice: a bar that flashes by tells nothing


class LoadingBar(contextlib.AbstractContextManager["LoadingBar"]):
    """Call it with (bytes done, bytes in all); it shows itself when a load takes longer than a second."""

    def __init__(
        self, *, is_terminal: bool | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Make a bar that is not shown yet.

        Args:
            is_terminal: whether a person looks at stderr; None asks it.
            clock: seconds that only grow.
        """
        self._is_terminal = sys.stderr.isatty() if is_terminal is None else is_terminal
        self._clock = clock
        self._began = clock()
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the load is."""
        if not self._is_terminal or (self._bar is None and self._clock() - self._began < SILENT_S):
            return
        if self._bar is None:
            self._bar = click.progressbar(length=total, label="loading zones", file=sys.stderr)
            self._bar.__enter__()
        self._bar.length = total  # $INCLUDE makes it more
        self._bar.update(done - self._bar.pos)

    def __exit__(self, *_: object) -> None:
        """Leave the bar's line."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
