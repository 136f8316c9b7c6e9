"""Has this question been answered before, so that its bytes can be replayed?

Three tables, from the request's bytes inwards:

1. *ready*: the request behind its id, byte for byte → the reply behind its id. One look, one reply: the hot
   path. One table for each kind of client and transport, since those change the reply and are not in the
   request; and the same again for requests that end in a cookie, which are kept up to it.
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
    Opts,
    ReadyTree,
    Run,
    Tree,
    compile_answer,
    make_ready,
    pick,
    pick_ready,
)
from r53lite.answering.kept import Kept
from r53lite.control.snapshot import Snapshot
from r53lite.health.table import HealthTable
from r53lite.routing.context import ClientLocation, Context

KEPT_REQUESTS = 32_768  # a generation; with a reply of 200 octets some 15 MB
KEPT_ENTRIES = 16_384  # a generation; some 10 MB
MAX_LOCATIONS = 1024  # our choice: trees of one question; a lab has a few dozen places


class Place(NamedTuple):
    """Where a client is: the location as configured, shared by all clients there, and the scope around it."""

    location: ClientLocation
    prefix_len: int


class Asked(NamedTuple):
    """One question to be compiled.

    `key` holds everything that changes the answer. `record` is the part of the answer section that a shape
    does not share. `run` is the clear path. `place` finds out where the client is.
    """

    key: Hashable
    record: bytes
    run: Callable[[Context], Run]
    place: Callable[[], Place]


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
    """Whole replies of one request whose answer looks at health or location.

    Args:
        entry: the compiled answer.
        question: the question section as it came.
        opts: the OPT records of its replies.
        place_id: which location counts, if the request tells it; None where that depends on who sends it.
    """

    __slots__ = ("_entry", "_epoch", "_opts", "_place_id", "_question", "_trees")

    def __init__(self, entry: Entry, question: bytes, opts: Opts, place_id: int | None) -> None:
        self._entry = entry
        self._epoch = entry.epoch
        self._question = question
        self._opts = opts
        self._place_id = place_id
        self._trees: dict[int, ReadyTree] = {}

    def reply(self, place_id: Callable[[str], int], address: str, draw: Callable[[int], int]) -> bytes | None:
        """Return a reply without its id, or None where it has to be compiled anew.

        Args:
            place_id: returns the id of the location of a client's address.
            address: the client's.
            draw: a whole number from 0 to n-1, uniform.
        """
        entry = self._entry
        if self._epoch != entry.epoch:
            self._trees.clear()
            self._epoch = entry.epoch
        if not entry.is_located:
            key = 0
        else:
            key = place_id(address) if self._place_id is None else self._place_id
        ready = self._trees.get(key)
        if ready is None:
            tree = entry.trees.get(key)
            if tree is None:
                return None
            ready = self._trees[key] = make_ready(tree, self._question, self._opts)
        return pick_ready(ready, draw)


class Uncompiled:
    """Stands for a question that only the clear path answers exactly."""


UNCOMPILED = Uncompiled()
Ready = ReadyTree | ReadyEntry


class Replay:
    """The compiled answers of one server."""

    def __init__(self, snapshot: Snapshot, health: HealthTable, draw: Callable[[int], int]) -> None:
        self._draw = draw
        self._snapshot = snapshot
        self._health = health
        self._ready = tuple(Kept[bytes, Ready](KEPT_REQUESTS) for _ in range(8))
        self._entries = Kept[Hashable, Tree | Entry | Uncompiled](KEPT_ENTRIES)
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

    def cookied(self, *, is_stream: bool, may_recurse: bool) -> Kept[bytes, Ready]:
        """Return the table of requests that end in a cookie; both are kept without it."""
        return self._ready[4 + 2 * is_stream + may_recurse]

    def get(self, key: Hashable) -> Tree | Entry | Uncompiled | None:
        """Return what is known of a question; a `Leaf` is its answer."""
        return self._entries.get(key)

    def is_second_sight(self, key: Hashable) -> bool:
        """Say whether a question was seen before and so is worth compiling, and remember it."""
        return self._entries.is_second_sight(key)

    def draw_from(self, known: Tree | Entry, place: Callable[[], Place]) -> Leaf | None:
        """Return one draw of a known answer; None where it has to be compiled anew for this place."""
        if not isinstance(known, Entry):
            return pick(known, self._draw)
        tree = known.trees.get(id(place().location) if known.is_located else 0)
        return None if tree is None else pick(tree, self._draw)

    def compile(self, asked: Asked, known: Entry | None) -> tuple[Tree | Entry, Leaf] | None:
        """Compile an answer and keep it.

        Args:
            asked: the question.
            known: what is kept of it for other places, or was before a health check flipped.

        Returns:
            What is kept, and one draw of it; None where only the clear path is exact.
        """
        place = asked.place

        def locate() -> ClientLocation:
            # The first client's scope may be 0 (a subnet of no bits), which would look as if location played
            # no part. Any other number will do: each reply gets the scope of its own client.
            return place().location._replace(prefix_len=1)

        compiled = compile_answer(asked.run, self._health, locate)
        tree = None if compiled is None else _without_record(compiled.tree, asked.record)
        if compiled is None or tree is None:
            self._entries.put(asked.key, UNCOMPILED)
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

    def make_ready(
        self,
        found: Tree | Entry,
        record: bytes,
        question: bytes,
        opts: Opts,
        place: Callable[[], Place] | None,
    ) -> Ready:
        """Return the whole replies of one request.

        Args:
            found: what `get` or `find` returned for its question.
            record: see `Asked`.
            question: the question section as it came.
            opts: the OPT records of the replies; they must not depend on anything but the request.
            place: where the client is, if the request tells it; None where that depends on who sends it.
        """
        if isinstance(found, Entry):
            return ReadyEntry(found, question, opts, None if place is None else id(place().location))
        return make_ready(_with_record(found, record), question, opts)


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
