"""What is kept of a question whose answer looks at health, at the client, or at chance?

An `Entry` has a tree for each class of clients who are alike in what the answer has looked at. Trees grow as
they are used: a query explores the branch that it has drawn, so that the first answer after a health check
has flipped costs little more than the clear path, however many branches there are. The rest is explored
little by little (`replay.EXPLORED_AHEAD`), and a tree that is grown up is replayed for whole requests
(`ReadyEntry`).

What an answer depends on is known as far as its tree is explored, and that is enough: whoever draws an
explored branch would look at the same things again. When a new branch looks at something else of the client,
the other trees of the entry are told apart by too little, and go.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from r53lite.answering.place import Place
from r53lite.answering.trees import (
    INEXACT,
    Choice,
    Inexact,
    Looked,
    Opts,
    ReadyTree,
    Tree,
    longest_bytes,
    make_ready,
    pick_ready,
)

MAX_LEAVES = 256  # our choice: 100 weighted sets, the most of a group, and a chain of two smaller ones
MAX_LOCATIONS = 4096  # our choice: trees of one question, some 1 MB; a database has 10^5 places

Script = tuple[int, ...]
"""The index of each choice on the way to a branch."""


class Branch:
    """A place in a tree that may be unexplored."""

    __slots__ = ("at", "choice", "script")

    def __init__(self, choice: Choice, at: int, script: Script) -> None:
        self.choice = choice
        self.at = at
        self.script = script


class GrowingTree:
    """A tree as far as it is explored; it may be all `INEXACT`, until a health check that it looked at flips.

    One that would have more than `MAX_LEAVES` becomes so too: to explore a branch for each query that draws
    it costs more than the clear path.
    """

    __slots__ = ("_is_exact", "_leaves", "_unexplored", "root")

    def __init__(self, root: Tree | Inexact) -> None:
        self.root = root
        self._leaves = 0
        self._is_exact = True
        self._unexplored: list[Branch] = []
        self._count(root, ())

    def whole(self) -> Tree | None:
        """Return the tree if it is grown up and exact."""
        root = self.root
        is_whole = self._is_exact and self.next_unexplored() is None
        return root if is_whole and not isinstance(root, Inexact) else None

    def next_unexplored(self) -> Branch | None:
        """Return a branch to explore ahead, or None."""
        unexplored = self._unexplored
        while unexplored and unexplored[-1].choice.branches[unexplored[-1].at] is not None:
            unexplored.pop()
        return unexplored[-1] if unexplored else None

    def add(self, branch: Branch, node: Tree | Inexact) -> None:
        """Put what was found at a branch in its place."""
        if self._leaves >= MAX_LEAVES:
            self.root = INEXACT
            self._is_exact = False
            self._unexplored.clear()
            return
        branch.choice.branches[branch.at] = node
        self._count(node, branch.script)

    def _count(self, node: Tree | Inexact, script: Script) -> None:
        if isinstance(node, Choice):
            branches = [Branch(node, at, (*script, index)) for at, index in enumerate(node.indexes)]
            self._unexplored += reversed(branches)
            return
        self._leaves += 1
        if isinstance(node, Inexact):
            self._is_exact = False


class Entry:
    """The trees of one question; there is one for each key of what is `looked` at (`Place.key`). `checks` are
    the health checks and outside names that any of them looked at.
    """

    __slots__ = ("__weakref__", "checks", "epoch", "looked", "trees")

    def __init__(self) -> None:
        self.trees: dict[Hashable, GrowingTree] = {}
        self.looked: Looked = ()
        self.checks: set[Hashable] = set()
        self.epoch = 0

    def tree(self, place: Callable[[], Place]) -> GrowingTree | None:
        """Return the tree for a client, or None."""
        return self.trees.get(self._key(place))

    def put(self, place: Callable[[], Place], grown: GrowingTree, looked: Looked) -> None:
        """Keep the tree of a client, in which something was looked at.

        Once a tree has looked at more of the client, the keys of all have that many parts.
        """
        if not set(looked) <= set(self.looked):
            self.looked = tuple(dict.fromkeys((*self.looked, *looked)))
            self._drop_trees()
        elif len(self.trees) >= MAX_LOCATIONS:
            self.trees.clear()  # what whole requests are answered is as true as before
        self.trees[self._key(place)] = grown

    def forget(self) -> None:
        """Drop the trees: a health check that they looked at has flipped."""
        self.checks.clear()
        self._drop_trees()

    def _drop_trees(self) -> None:
        self.trees.clear()
        self.epoch += 1

    def _key(self, place: Callable[[], Place]) -> Hashable:
        return place().key(self.looked) if self.looked else ()


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

    def reply(
        self,
        place: Callable[[str], Place],
        client: Callable[[int], str],
        index: int,
        draw: Callable[[int], int],
    ) -> bytes | None:
        """Return a reply without its id, or None where it has to be compiled anew.

        Args:
            place: returns where a client's address is.
            client: returns the address that a request of the batch came from; asked where it counts.
            index: which of the batch this request is.
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
            key = (place(client(index)) if self._place is None else self._place).key(entry.looked)
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
        grown = self._entry.trees.get(key)
        tree = None if grown is None else grown.whole()
        if tree is None or len(self._question) + longest_bytes(tree, self._opts) > self._limit_bytes:
            return None
        ready = self._trees[key] = make_ready(tree, self._question, self._opts, is_expanded=True)
        return ready
