"""How does a thread that loads zones leave the interpreter to the event loop?

The loop wakes for a query and has to wait until the loading thread lets go of the interpreter: 5 ms by
default, each time. `quiet_loading` shortens that while it lasts. It also keeps the garbage collector from
walking through what is being loaded, again and again as it grows; in the end, what was loaded is moved out of
the collector's sight if there is much of it, so that later collections do not walk through it either. (Packed
names are bytes, which it never sees; policies, health checks and settings are objects. What is out of sight
is still freed when its last reference goes; only a cycle that was garbage at that moment is not, which is why
small loads do not do it.)

Both are settings of the interpreter, not of a server: there is one of each, and so one counter of who wants
them, or two servers in one process would restore each other's settings.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_INTERVAL_S = 0.0005
MANY_OBJECTS = 10_000  # a collection walks through so many in a millisecond

_lock = threading.Lock()
_depth = 0
_restored = (0.0, False)


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Shorten the turns of threads and hold garbage collection off; for the thread that loads."""
    global _depth, _restored
    with _lock:
        _depth += 1
        if _depth == 1:
            _restored = (sys.getswitchinterval(), gc.isenabled())
            sys.setswitchinterval(min(SWITCH_INTERVAL_S, _restored[0]))
            gc.disable()
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                interval_s, is_collecting = _restored
                if gc.get_count()[0] > MANY_OBJECTS:
                    gc.freeze()
                if is_collecting:
                    gc.enable()
                sys.setswitchinterval(interval_s)
