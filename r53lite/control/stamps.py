"""How do we see that a file has changed? By its modification time, size and inode.

A stamp is taken before a file is opened, so that a change while it is being read shows at the next look. One
hole is left: file systems count time in ticks of some milliseconds, and a change in the tick of the stamp
would leave it as it is. So a file that changed just now is looked at again when that tick is over, before it
is read: whatever changes it after that has a later time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

TICK_S = 0.02  # Linux counts in ticks of 1 to 10 ms
_MAX_LOOKS = 10  # somebody who never stops writing is seen at the next look at the latest


class Stamp(NamedTuple):
    """One state of a file; `MISSING` where there is none."""

    mtime_ns: int
    size: int
    inode: int


MISSING = Stamp(-1, -1, -1)


def look_at(path: Path) -> Stamp:
    """Return the stamp of a file as it is; a symbolic link has that of its target."""
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return MISSING
    return Stamp(stat.st_mtime_ns, stat.st_size, stat.st_ino)


def look_at_all(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the stamps of many files as they are."""
    return {path: look_at(path) for path in paths}


def take_stamp(path: Path) -> Stamp:
    """Return a stamp that every later change of the file differs from; may wait for a tick of the clock.

    To be called in a thread.
    """
    stamp = look_at(path)
    for _ in range(_MAX_LOOKS):
        age_s = (time.time_ns() - stamp.mtime_ns) * 1e-9
        if not 0 <= age_s < TICK_S:  # a time that lies ahead tells nothing of when it was written
            break
        time.sleep(TICK_S - age_s)
        again = look_at(path)
        if again == stamp:
            break
        stamp = again
    return stamp
