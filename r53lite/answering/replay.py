"""Has this question been answered before, so that its bytes can be replayed?

Three tables, from the request's bytes inwards:

1. *ready*: the request behind its id, byte for byte → the reply behind its id. One look, one reply: the hot
   path. One table for each kind of client and transport, since those change the reply and are not in the
   request.
2. *entries*: the question in lower case, with the flags and EDNS facts that change the answer → the compiled
   tree (`answering.compiled`). It serves any spelling and any options; the OPT record is made per reply.
3. *shapes*, in the same table: questions that are new but whose replies differ from one given before in
   nothing but the name (`answering.shape`). They keep a flood of random names cheap.

What is not in any of them takes the clear path, and is compiled when it is seen again. Everything is dropped
when the snapshot changes; when health checks flip, the entries that looked at them are, and no others.
Pure: chance comes in through `draw`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple
from weakref import WeakSet

from r53lite.answering.compiled import (
    Compiled,
    Leaf,
    ReadyTree,
    Run,
    Tree,
    compile_answer,
    make_ready,
    pick,
)
from r53lite.answering.kept import Kept
from r53lite.control.snapshot import Snapshot
from r53lite.health.table import HealthTable
from r53lite.routing.context import ClientLocation, Context

KEPT_REQUESTS = 32_768  # a generation; with a reply of 200 octets some 15 MB
KEPT_ENTRIES = 16_384  # a generation; some 10 MB


class Place(NamedTuple):
    """Where a client is: the location as configured, shared by all clients there, and the scope around it."""

    location: ClientLocation
    prefix_len: int


class Asked(NamedTuple):
    """One question as the tables see it.

    `key` holds everything that changes the answer. `record` is the part of the answer section that a shape
    does not share. `run` is the clear path. `place` finds out where the client is; `is_placed_by_request`
    says that the request tells it (a client subnet), so that the bytes alone decide.
    """

    key: Hashable
    is_shape: bool
    record: bytes
    run: Callable[[Context], Run]
    place: Callable[[], Place]
    is_placed_by_request: bool


class Entry:
    """The trees of one question that looks at health or location; trees are found by the location's id."""

    __slots__ = ("__weakref__", "epoch", "is_located", "trees")

    def __init__(self) -> None:
        self.trees: dict[int, Tree] = {}
        self.is_located = False
        self.epoch = 0

    def forget(self) -> None:
        """Drop the trees: a health check that they looked at has flipped."""
        self.trees.clear()
        self.epoch += 1


class ReadyEntry:
    """Whole replies of one request whose answer looks at health or location."""

    __slots__ = ("_entry", "_epoch", "_opt", "_place_id", "_question", "_trees")

    def __init__(self, entry: Entry, question: bytes, opt: bytes, place_id: int | None) -> None:
        self._entry = entry
        self._epoch = entry.epoch
        self._question = question
        self._opt = opt
        self._place_id = place_id
        self._trees: dict[int, ReadyTree] = {}

    def find(self, place: Callable[[], Place]) -> ReadyTree | None:
        """Return the replies for a client, or None where they have to be compiled anew."""
        entry = self._entry
        if self._epoch != entry.epoch:
            self._trees.clear()
            self._epoch = entry.epoch
        key = 0
        if entry.is_located:
            key = id(place().location) if self._place_id is None else self._place_id
        ready = self._trees.get(key)
        if ready is None:
            tree = entry.trees.get(key)
            if tree is None:
                return None
            ready = self._trees[key] = make_ready(tree, self._question, self._opt)
        return ready


class _Uncompiled:
    """Stands for a question that only the clear path answers exactly."""


_UNCOMPILED = _Uncompiled()
Ready = ReadyTree | ReadyEntry


class Replay:
    """The compiled answers of one server."""

    def __init__(self, snapshot: Snapshot, health: HealthTable, draw: Callable[[int], int]) -> None:
        self._draw = draw
        self._snapshot = snapshot
        self._health = health
        self._ready = tuple(Kept[bytes, Ready](KEPT_REQUESTS) for _ in range(4))
        self._entries = Kept[Hashable, Tree | Entry | _Uncompiled](KEPT_ENTRIES)
        self._dependents: dict[str, WeakSet[Entry]] = {}

    def refresh(self, snapshot: Snapshot, health: HealthTable) -> None:
        """Drop what a new snapshot or health table has made untrue; to be called before anything is found."""
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            for ready in self._ready:
                ready.clear()
            self._entries.clear()
            self._dependents.clear()
        if health is not self._health:
            flipped = health.unhealthy ^ self._health.unhealthy
            self._health = health
            for check in flipped:
                for entry in self._dependents.pop(check, ()):
                    entry.forget()

    def ready(self, *, is_stream: bool, may_recurse: bool) -> Kept[bytes, Ready]:
        """Return the table of whole requests for one transport and kind of client."""
        return self._ready[2 * is_stream + may_recurse]

    def find(self, asked: Asked) -> tuple[Tree | Entry, Leaf] | None:
        """Return the compiled answer and one draw of it; None where the clear path has to answer.

        A shape is compiled at first sight, any other question when it is seen again.
        """
        entries = self._entries
        known = entries.get(asked.key)
        if known is _UNCOMPILED:
            return None
        if known is None and not asked.is_shape and not entries.is_second_sight(asked.key):
            return None
        if isinstance(known, Entry):
            tree = known.trees.get(id(asked.place().location) if known.is_located else 0)
            if tree is not None:
                return known, pick(tree, self._draw)
        elif known is not None:
            assert not isinstance(known, _Uncompiled)
            return known, pick(known, self._draw)
        return self._compile(asked, known)

    def _compile(self, asked: Asked, known: Entry | None) -> tuple[Tree | Entry, Leaf] | None:
        """Compile an answer and keep it."""
        place = asked.place

        def locate() -> ClientLocation:
            location, prefix_len = place()
            return location._replace(prefix_len=prefix_len)

        compiled = compile_answer(asked.run, self._health, locate)
        tree = None if compiled is None else _without_record(compiled.tree, asked.record)
        if compiled is None or tree is None:
            self._entries.put(asked.key, _UNCOMPILED)
            return None
        if known is None and not compiled.checks and not compiled.is_located:
            self._entries.put(asked.key, tree)
            return tree, pick(tree, self._draw)
        entry = known or Entry()
        self._enter(entry, compiled, tree, place)
        if known is None:
            self._entries.put(asked.key, entry)
        return entry, pick(tree, self._draw)

    def _enter(self, entry: Entry, compiled: Compiled, tree: Tree, place: Callable[[], Place]) -> None:
        """Note a tree of an entry, and the health checks it depends on."""
        entry.is_located |= compiled.is_located
        if len(entry.trees) >= MAX_LOCATIONS:
            entry.forget()
        entry.trees[id(place().location) if entry.is_located else 0] = tree
        for check in compiled.checks:
            self._dependents.setdefault(check, WeakSet()).add(entry)

    def keep_ready(
        self,
        table: Kept[bytes, Ready],
        request: bytes,
        asked: Asked,
        found: Tree | Entry,
        question: bytes,
        opt: bytes,
    ) -> None:
        """Keep the whole reply of a request that was seen before.

        Args:
            table: of the transport and kind of client.
            request: the request behind its id.
            asked: its question.
            found: what `find` returned for it.
            question: the question section as it came.
            opt: the reply's OPT record; it must not depend on anything but the request.
        """
        if not table.is_second_sight(request):
            return
        if isinstance(found, Entry):
            place_id = id(asked.place().location) if asked.is_placed_by_request else None
            table.put(request, ReadyEntry(found, question, opt, place_id))
        else:
            table.put(request, make_ready(_with_record(found, asked.record), question, opt))


MAX_LOCATIONS = 1024  # our choice: trees of one question; a lab has a few dozen places


def _without_record(tree: Tree, record: bytes) -> Tree | None:
    """Cut the record that a shape does not share off the front; None where it does not stand there."""
    if not record:
        return tree
    if not isinstance(tree, Leaf) or not tree.body.startswith(record):
        return None
    return tree._replace(body=tree.body[len(record) :])


def _with_record(tree: Tree, record: bytes) -> Tree:
    """Put the record of one name back in front."""
    if not record:
        return tree
    assert isinstance(tree, Leaf)  # `_without_record` lets no other pass
    return tree._replace(body=record + tree.body)
