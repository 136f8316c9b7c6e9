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
when the snapshot changes; when health checks flip or outside names move, the entries that looked at them are,
and no others. Compiling a policy takes a run of the clear path for each branch, so that a flip on which a
thousand names depend is not made good at once: a batch has `EXTRA_RUNS`, then the clear path answers.
Pure: chance comes in through `draw`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple
from weakref import WeakSet

from r53lite.answering.compiled import Compiled, Facts, compile_answer
from r53lite.answering.kept import Kept
from r53lite.answering.place import Place
from r53lite.answering.trees import (
    Leaf,
    Looked,
    Opts,
    ReadyTree,
    Tree,
    longest_bytes,
    make_ready,
    pick_ready,
)
from r53lite.control.snapshot import Snapshot
from r53lite.dns.wire import Encoded
from r53lite.health.table import HealthTable
from r53lite.routing.context import NO_TARGETS, Context
from r53lite.routing.record_set import OutsideTarget

KEPT_REQUESTS = 32_768  # a generation; with a reply of 200 octets some 15 MB
KEPT_ENTRIES = 16_384  # a generation; some 10 MB
EXTRA_RUNS = 16  # our choice: a batch has up to 64 queries, so that compiling costs it a quarter at most
MAX_LOCATIONS = 4096  # our choice: trees of one question, some 1 MB; a database has 10^5 places


class Asked(NamedTuple):
    """One question to be compiled.

    `key` holds everything that changes the answer. `record` is the part of the answer section that a shape
    does not share. `run` is the clear path. `place` finds out where the client is.
    """

    key: Hashable
    record: bytes
    run: Callable[[Context], Encoded]
    place: Callable[[], Place]


class Entry:
    """The trees of one question that looks at health or at the client; there is one for each key of what is
    `looked` at (`Place.key`).
    """

    __slots__ = ("__weakref__", "epoch", "looked", "trees")

    def __init__(self) -> None:
        self.trees: dict[Hashable, Tree] = {}
        self.looked: Looked = ()
        self.epoch = 0

    def tree(self, place: Callable[[], Place]) -> Tree | None:
        """Return the tree for a client, or None."""
        return self.trees.get(place().key(self.looked) if self.looked else ())

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
        limit_bytes: no reply may be longer, its id not counted.
        place: where the client is, if the request tells it; None where that depends on who sends it.
    """

    __slots__ = ("_entry", "_epoch", "_limit_bytes", "_only", "_opts", "_place", "_question", "_trees")

    def __init__(
        self, entry: Entry, question: bytes, opts: Opts, limit_bytes: int, place: Place | None
    ) -> None:
        self._entry = entry
        self._epoch = entry.epoch
        self._question = question
        self._opts = opts
        self._limit_bytes = limit_bytes
        self._place = place
        self._trees: dict[Hashable, ReadyTree] = {}
        self._only: ReadyTree | None = None  # what all clients get, or the one place that the request tells
        if place is not None:  # at once: the entry may have dropped the tree when the request comes again
            self._only = self._find(place.key(entry.looked) if entry.looked else ())

    def reply(self, place: Callable[[str], Place], address: str, draw: Callable[[int], int]) -> bytes | None:
        """Return a reply without its id, or None where it has to be compiled anew.

        Args:
            place: returns where a client's address is.
            address: the client's.
            draw: a whole number from 0 to n-1, uniform.
        """
        entry = self._entry
        if self._epoch != entry.epoch:
            self._trees.clear()
            self._only = None
            self._epoch = entry.epoch
        if self._only is not None:
            return pick_ready(self._only, draw)
        key: Hashable = ()
        if entry.looked:
            key = (place(address) if self._place is None else self._place).key(entry.looked)
        ready = self._trees.get(key)
        if ready is None:
            ready = self._find(key)
            if ready is None:
                return None
        if self._place is not None or not entry.looked:
            self._only = ready
        return pick_ready(ready, draw)

    def _find(self, key: Hashable) -> ReadyTree | None:
        """Return the replies for a kind of client, by what the entry holds, and keep them."""
        tree = self._entry.trees.get(key)
        if tree is None or len(self._question) + longest_bytes(tree, self._opts) > self._limit_bytes:
            return None
        ready = self._trees[key] = make_ready(tree, self._question, self._opts, is_expanded=True)
        return ready


class Uncompiled:
    """Stands for a question that only the clear path answers exactly."""


UNCOMPILED = Uncompiled()
Ready = ReadyTree | ReadyEntry
Targets = Mapping[OutsideTarget, tuple[bytes, ...]]
"""The addresses of outside names that are known now; another object whenever one has changed."""


class Replay:
    """The compiled answers of one server."""

    def __init__(self, snapshot: Snapshot, health: HealthTable) -> None:
        self._snapshot = snapshot
        self._health = health
        self._ready = tuple(Kept[bytes, Ready](KEPT_REQUESTS) for _ in range(8))
        self._entries = Kept[Hashable, Tree | Entry | Uncompiled](KEPT_ENTRIES)
        self._dependents: dict[Hashable, WeakSet[Entry]] = {}
        self._targets: Targets = NO_TARGETS
        self._extra_runs = EXTRA_RUNS

    def refresh(self, snapshot: Snapshot, health: HealthTable, targets: Targets) -> None:
        """Drop what a new snapshot, health table or table of outside names has made untrue; to be called
        before anything is found, once for a batch of queries.
        """
        self._extra_runs = EXTRA_RUNS
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
                self._forget(check)
        if targets is not self._targets:
            names = self._targets.keys() | targets.keys()
            moved = [name for name in names if self._targets.get(name) != targets.get(name)]
            self._targets = targets
            for name in moved:
                self._forget(name)

    def _forget(self, check: Hashable) -> None:
        """Drop the trees that looked at a health check or an outside name."""
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

    def compile(self, asked: Asked, known: Entry | None) -> tuple[Tree | Entry, Tree] | None:
        """Compile an answer and keep it.

        Args:
            asked: the question.
            known: what is kept of it for other places, or was before a health check flipped.

        Returns:
            What is kept, and its tree for this place; None where only the clear path is exact, or where this
            batch of queries has had its share of compiling.
        """
        if self._extra_runs <= 0:
            return None
        place = asked.place
        facts = Facts(self._health, lambda: place().location, lambda: place().client, self._targets)
        compiled = compile_answer(asked.run, facts)
        tree = None if compiled is None else _without_record(compiled.tree, asked.record)
        if compiled is None or tree is None:
            self._entries.put(asked.key, UNCOMPILED)
            return None
        self._extra_runs -= compiled.runs - 1
        if known is None and not compiled.checks and not compiled.looked:
            self._entries.put(asked.key, tree)
            return tree, tree
        entry = known or Entry()
        self._enter(entry, compiled, tree, place)
        if known is None:
            self._entries.put(asked.key, entry)
        return entry, tree

    def _enter(self, entry: Entry, compiled: Compiled, tree: Tree, place: Callable[[], Place]) -> None:
        """Note a tree of an entry, and the health checks it depends on.

        Once a tree has looked at more of the client, the keys of all have that many parts: what was kept with
        fewer is found no more and compiled anew.
        """
        entry.looked = tuple(dict.fromkeys((*entry.looked, *compiled.looked)))
        if len(entry.trees) >= MAX_LOCATIONS:
            entry.trees.clear()  # no `forget`: what whole requests are answered is as true as before
        entry.trees[place().key(entry.looked) if entry.looked else ()] = tree
        for check in compiled.checks:
            self._dependents.setdefault(check, WeakSet()).add(entry)

    def make_ready(
        self,
        found: Tree | Entry,
        record: bytes,
        question: bytes,
        opts: Opts,
        limit_bytes: int,
        place: Callable[[], Place] | None,
    ) -> Ready | None:
        """Return the whole replies of one request; None where not all of them fit.

        Args:
            found: what `get` or `find` returned for its question.
            record: see `Asked`.
            question: the question section as it came.
            opts: the OPT records of the replies; they must not depend on anything but the request.
            limit_bytes: no reply may be longer, its id not counted.
            place: where the client is, if the request tells it; None where that depends on who sends it.
        """
        if isinstance(found, Entry):
            return ReadyEntry(found, question, opts, limit_bytes, None if place is None else place())
        tree = _with_record(found, record)
        if len(question) + longest_bytes(tree, opts) > limit_bytes:
            return None
        return make_ready(tree, question, opts)


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
