"""How is a zone of a million names freed without holding up answers?

Freeing its table in one go takes 50 ms in which no other thread runs. Taking it apart while anybody may still
look names up would be worse: who reads would miss names that exist. So nobody decides when a zone is done
with; the table itself tells when its last reference is gone. That covers every reader there is:

- A query is a plain call on the event loop. It takes the snapshot at its start, and the swap happens on the
  loop as well, so no query is half-way when it does.
- A question that waits for recursion holds RRsets that were copied out of the zone, and asks `Dispatch.local`
  for more, which takes the snapshot of that moment. It holds no zone. If one ever does, the table stays whole
  for it.
- Compiled answers are bytes; `Replay` keeps the old snapshot until its next look, only to see that it is old.
- A zone that the next snapshot reuses is referred to by it, and so never freed here.
- What was loaded but refused goes the same way, whichever thread drops it.

`FreeingQueue` is told of each table when it is loaded. When a table is gone its dicts are left, and a timer
of the event loop takes some names out of them each millisecond: no thread is needed, which would want the
interpreter for itself for much longer than a slice lasts.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterator

from r53lite.config.document import Mapping, Node, Sequence
from r53lite.zone.name_table import NameTable, release_shards
from r53lite.zone.node import Packed
from r53lite.zone.records import RecordTable

SMALL_NAMES = 2048  # so many are freed in a fraction of a millisecond
PAUSE_S = 0.001
_LIST_SLICE = 4096

_Shards = list[dict[bytes, Packed]]


class FreeingQueue:
    """Frees name tables that nobody refers to any more, in slices on an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._gone: list[_Shards] = []
        self._steps: Iterator[None] | None = None

    def __len__(self) -> int:
        """Return how many tables are not freed yet."""
        return len(self._gone) + (self._steps is not None)

    def watch(self, table: NameTable) -> None:
        """Free a table in slices once its last reference is gone. Any thread may call it."""
        if len(table) > SMALL_NAMES:
            weakref.finalize(table, self._take, table.shards).atexit = False

    def _take(self, shards: _Shards) -> None:
        """Note a table that is gone; called in the thread that dropped it."""
        self._gone.append(shards)
        try:
            self._loop.call_soon_threadsafe(self._begin)
        except RuntimeError:  # the loop is closed: no answer can be late any more
            self._gone.clear()

    def _begin(self) -> None:
        if self._steps is None:
            self._step()

    def _step(self) -> None:
        """Free one slice, and come back for the next after a pause."""
        if self._steps is None:
            if not self._gone:
                return
            self._steps = release_shards(self._gone.pop())
        if next(self._steps, self) is self:
            self._steps = None
        self._loop.call_later(PAUSE_S, self._step)


def free_in_slices(table: RecordTable) -> None:
    """Free a table that made no zone, in slices between which other threads run; to be called in a thread."""
    for _ in release_shards(table.tables):
        pass
    free_lists(table)


def free_lists(table: RecordTable) -> None:
    """Free the lists that a table kept for its builder, in slices between which other threads run."""
    for owners in (table.soa_owners, table.ns_owners, table.dname_owners, table.cname_owners):
        while owners:
            del owners[-_LIST_SLICE:]


def free_document(node: Node | None) -> None:
    """Free the lists of a document that was read entry by entry, so that other threads run in between."""
    if isinstance(node, Mapping):
        for value in node.entries.values():
            if isinstance(value, Sequence):
                while value.items:
                    value.items.pop()
