"""Has this question been answered before, so that its bytes can be replayed?

Three tables, from the request's bytes inwards:

1. *ready*: the request behind its id, byte for byte → the reply behind its id. One look, one reply: the hot
   path. One table for each kind of client and transport, since those change the reply and are not in the
   request; and the same again for requests that end in a cookie, which are kept up to it.
2. *entries*: the question in lower case, with the flags and EDNS facts that change the answer → the compiled
   answer (`answering.compiled`). It serves any spelling and any options; the OPT record is made per reply.
3. *shapes*, in the same table: questions that are new but whose replies differ from one given before in
   nothing but the name (`answering.shape`). They keep a flood of random names cheap.

What is not in any of them takes the clear path, and is compiled when it is seen again. Everything is dropped
when the snapshot changes; when health checks flip or outside names move, the entries that looked at them are,
and no others. Where there is a choice, only what is drawn is explored at once (`answering.entries`); a batch
of queries explores `EXPLORED_AHEAD` more branches, so that trees grow up soon and no query waits for it.
Pure: chance comes in through `draw`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple
from weakref import WeakSet

from r53lite.answering.compiled import Explored, Facts, explore
from r53lite.answering.entries import Branch, Entry, GrowingTree, ReadyEntry, Script
from r53lite.answering.kept import Kept
from r53lite.answering.place import Place
from r53lite.answering.trees import (
    Arrangement,
    Choice,
    Inexact,
    Leaf,
    Opts,
    ReadyTree,
    Tree,
    longest_bytes,
    make_ready,
)
from r53lite.control.snapshot import Snapshot
from r53lite.dns.wire import Encoded
from r53lite.health.table import HealthTable
from r53lite.routing.context import NO_TARGETS, Context
from r53lite.routing.record_set import OutsideTarget

KEPT_REQUESTS = 32_768  # a generation; with a reply of 200 octets some 15 MB
KEPT_ENTRIES = 16_384  # a generation; some 10 MB
EXPLORED_AHEAD = 16  # our choice: a batch has up to 64 queries, so that this costs it a quarter at most


class Asked(NamedTuple):
    """One question to be compiled.

    `key` holds everything that changes the answer. `record` is the part of the answer section that a shape
    does not share. `run` is the clear path. `place` finds out where the client is.
    """

    key: Hashable
    record: bytes
    run: Callable[[Context], Encoded]
    place: Callable[[], Place]


class Uncompiled:
    """Stands for a question that only the clear path answers exactly."""


UNCOMPILED = Uncompiled()
Found = Leaf | Arrangement | Entry
"""What is kept of a question: its reply, or an entry where that depends on anything or is one of several."""
Ready = ReadyTree | ReadyEntry
Targets = Mapping[OutsideTarget, tuple[bytes, ...]]
"""The addresses of outside names that are known now; another object whenever one has changed."""


class Replay:
    """The compiled answers of one server."""

    def __init__(self, snapshot: Snapshot, health: HealthTable) -> None:
        self._snapshot = snapshot
        self._health = health
        self._ready = tuple(Kept[bytes, Ready](KEPT_REQUESTS) for _ in range(8))
        self._entries = Kept[Hashable, Found | Uncompiled](KEPT_ENTRIES)
        self._dependents: dict[Hashable, WeakSet[Entry]] = {}
        self._targets: Targets = NO_TARGETS
        self._ahead = EXPLORED_AHEAD

    def refresh(self, snapshot: Snapshot, health: HealthTable, targets: Targets) -> None:
        """Drop what a new snapshot, health table or table of outside names has made untrue; to be called
        before anything is found, once for a batch of queries.
        """
        self._ahead = EXPLORED_AHEAD
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

    def let_go(self) -> bool:
        """Free some of what was dropped; say whether there is more."""
        is_more = self._entries.let_go()
        for ready in self._ready:
            is_more |= ready.let_go()
        return is_more

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

    def get(self, key: Hashable) -> Found | Uncompiled | None:
        """Return what is known of a question; a `Leaf` is its answer."""
        return self._entries.get(key)

    def is_second_sight(self, key: Hashable) -> bool:
        """Say whether a question was seen before and so is worth compiling, and remember it."""
        return self._entries.is_second_sight(key)

    def compile(self, asked: Asked) -> Found | None:
        """Compile an answer that is not known and keep it.

        Returns:
            What is kept; None where only the clear path is exact.
        """
        explored = self._explore(asked, ())
        node = explored.node
        found: Found | Uncompiled
        is_fixed = not isinstance(node, Choice) and not explored.checks and not explored.looked
        if is_fixed and isinstance(node, Leaf | Arrangement):
            found = _without_record(node, asked.record)
        elif is_fixed or asked.record:
            found = UNCOMPILED
        else:
            found = Entry()
            self._plant(found, asked, explored)
        self._entries.put(asked.key, found)
        return None if isinstance(found, Uncompiled) else found

    def grow(self, entry: Entry, asked: Asked) -> GrowingTree:
        """Begin another tree of an entry: for another place, or after a health check has flipped."""
        return self._plant(entry, asked, self._explore(asked, ()))

    def _plant(self, entry: Entry, asked: Asked, explored: Explored) -> GrowingTree:
        """Keep the root of a tree."""
        grown = GrowingTree(explored.node)
        entry.put(asked.place, grown, explored.looked)
        self._depend(entry, explored)
        return grown

    def pick(
        self, entry: Entry, grown: GrowingTree, asked: Callable[[], Asked], draw: Callable[[int], int]
    ) -> tuple[Leaf | Arrangement | Inexact, Script]:
        """Walk down a tree with the draws that the clear path would make, and explore what is not there yet.

        Args:
            entry: what the tree is of.
            grown: the tree for this query's client.
            asked: returns the question.
            draw: a whole number from 0 to n-1, uniform.

        Returns:
            The reply, and the choices that were made.
        """
        script: Script = ()
        node: Tree | Inexact = grown.root
        while isinstance(node, Choice):
            at = bisect_right(node.bounds, draw(node.total))
            script = (*script, node.indexes[at])
            branch = node.branches[at]
            if branch is None:
                branch = self._explore_branch(entry, grown, asked(), Branch(node, at, script))
            node = branch
        return node, script

    def explore_ahead(self, entry: Entry, grown: GrowingTree, asked: Callable[[], Asked]) -> None:
        """Explore one more branch of a tree, as long as this batch of queries has not had its share."""
        branch = grown.next_unexplored() if self._ahead > 0 else None
        if branch is not None:
            self._ahead -= 1
            self._explore_branch(entry, grown, asked(), branch)

    def _explore_branch(
        self, entry: Entry, grown: GrowingTree, asked: Asked, branch: Branch
    ) -> Tree | Inexact:
        explored = self._explore(asked, branch.script)
        grown.add(branch, explored.node)
        if not set(explored.looked) <= set(entry.looked):
            entry.put(asked.place, grown, explored.looked)
        self._depend(entry, explored)
        return explored.node

    def _explore(self, asked: Asked, script: Script) -> Explored:
        place = asked.place
        facts = Facts(self._health, lambda: place().location, lambda: place().client, self._targets)
        return explore(asked.run, facts, script)

    def _depend(self, entry: Entry, explored: Explored) -> None:
        """Note what an entry depends on."""
        for check in explored.checks - entry.checks:
            entry.checks.add(check)
            self._dependents.setdefault(check, WeakSet()).add(entry)

    def make_ready(
        self,
        found: Found,
        record: bytes,
        question: bytes,
        opts: Opts,
        limit_bytes: int,
        place: Callable[[], Place] | None,
    ) -> Ready | None:
        """Return the whole replies of one request; None where not all of them fit.

        Args:
            found: what `get` or `compile` returned for its question.
            record: see `Asked`.
            question: the question section as it came.
            opts: the OPT records of the replies; they must not depend on anything but the request.
            limit_bytes: no reply may be longer, its id not counted.
            place: where the client is, if the request tells it; None where that depends on who sends it.
        """
        if isinstance(found, Entry):
            return ReadyEntry(found, question, opts, limit_bytes, None if place is None else place())
        node = _with_record(found, record)
        if len(question) + longest_bytes(node, opts) > limit_bytes:
            return None
        return make_ready(node, question, opts)


def _without_record(node: Leaf | Arrangement, record: bytes) -> Leaf | Arrangement | Uncompiled:
    """Cut the record that a shape does not share off the front; it may not stand there."""
    if not record:
        return node
    if isinstance(node, Leaf) and node.body.startswith(record):
        return node._replace(body=node.body[len(record) :])
    return UNCOMPILED


def _with_record(node: Leaf | Arrangement, record: bytes) -> Leaf | Arrangement:
    """Put the record of one name back in front."""
    if not record:
        return node
    assert isinstance(node, Leaf)  # `compile` lets no other pass
    return node._replace(body=record + node.body)
