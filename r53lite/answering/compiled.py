"""How is a clear-path answer turned into bytes that can be replayed?

The clear path (`authoritative.respond`, then `wire.encode_sections`) is a function of the question, the
zones, the health table, the client's location and chance. `compile_answer` runs it under an `Explorer`: a
context that walks through every choice of every policy instead of drawing one. What comes out is a tree
that mirrors the choices: `Choice` where one of several was chosen by weight, `Arrangement` where records
came in random order, `Leaf` where nothing is left to chance. `pick` walks down the tree with the same
draws that the clear path would have made, so that for equal draws both give equal bytes.

Rules that always hold:
- Nothing is decided here: a tree holds only what the clear path said when it was compiled.
- A tree knows what it depends on: the health checks that were looked at, and whether the location was.
- What cannot be compiled exactly is not compiled (`None`), and the clear path answers it every time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import factorial
from operator import itemgetter
from typing import NamedTuple

from r53lite.dns.wire import Encoded
from r53lite.routing.context import ClientLocation, Context, HealthView, arranged

MAX_LEAVES = 256  # our choice: 100 weighted sets, the most of a group, and a chain of two smaller ones
MAX_TABLE = 512  # our choice: weights that add up to more are searched, a table would be large
MAX_ORDERED = 6  # 720 orders of six records are kept for all answers together; more are made one by one

Draw = Callable[[int], int]


class Leaf(NamedTuple):
    """A reply without chance: flags and counts, and the sections. `is_scoped` says that location counted."""

    head: bytes
    body: bytes
    is_scoped: bool


class Arrangement(NamedTuple):
    """A reply whose records come in random order: `wanted` of the blocks, between what stands still."""

    head: bytes
    before: bytes
    blocks: tuple[bytes, ...]
    wanted: int
    behind: bytes
    is_scoped: bool


class Choice(NamedTuple):
    """One of several branches: a draw below `total` falls below one of the ascending `bounds`."""

    total: int
    bounds: tuple[int, ...]
    branches: tuple[Tree, ...]


class ReadyArrangement(NamedTuple):
    """An `Arrangement` for one question: all that stands before and behind the records is joined already.

    `orders` are the arrangements by number, where they are few; else there are none, and each is made anew.
    """

    before: bytes
    blocks: tuple[bytes, ...]
    wanted: int
    behind: bytes
    orders: tuple[Callable[[tuple[bytes, ...]], tuple[bytes, ...]], ...]


class ReadyTable(NamedTuple):
    """A `Choice` for one question: what each number below `total` draws."""

    total: int
    replies: tuple[ReadyTree, ...]


class ReadyChoice(NamedTuple):
    """A `Choice` for one question whose `total` is too large for a table."""

    total: int
    bounds: tuple[int, ...]
    branches: tuple[ReadyTree, ...]


Tree = Leaf | Arrangement | Choice
"""What a question is answered, whoever asks it in whatever spelling; question and OPT record are added."""

ReadyTree = bytes | ReadyTable | ReadyArrangement | ReadyChoice
"""What one request, byte for byte, is answered: replies without their id."""


Opts = tuple[bytes, bytes]
"""The OPT records of one request's replies: for those that hold for every client, and for those that look at
the location. They differ in the scope of a client subnet alone (RFC 7871 §7.2.1)."""


class Compiled(NamedTuple):
    """A tree, and what it depends on. An answer that looked at the location holds for that location alone."""

    tree: Tree
    checks: frozenset[str]
    is_located: bool


class Run(NamedTuple):
    """What the clear path said: the sections, and whether the client's location counted for them."""

    encoded: Encoded
    is_scoped: bool


# --- exploring ----------------------------------------------------------------------------------------------


class _ForkError(Exception):
    """A choice that the script does not settle; carries its weights. Never leaves this module."""

    def __init__(self, weights: Sequence[int]) -> None:
        super().__init__()
        self.weights = tuple(weights)


class InexactError(Exception):
    """This answer cannot be compiled exactly; `compile_answer` then returns None."""


class _RecordingHealth:
    """A health view that notes which checks are looked at."""

    def __init__(self, health: HealthView) -> None:
        self._health = health
        self.checks: set[str] = set()

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy, and note it."""
        self.checks.add(health_check)
        return self._health.is_healthy(health_check)


class Explorer(Context):
    """A context that follows a script of choices and stops at the first one beyond it.

    Records keep their order; `arrangement` is the (count, wanted) of the one arrangement that was asked for.
    """

    __slots__ = ("arrangement", "is_located", "rotation", "script")

    def __init__(
        self,
        health: HealthView,
        location: ClientLocation | Callable[[], ClientLocation],
        script: Sequence[int],
        rotation: int = 0,
    ) -> None:
        super().__init__(health, location, _no_draw)
        self.script = list(reversed(script))
        self.rotation = rotation
        self.arrangement: tuple[int, int] | None = None
        self.is_located = False

    @property
    def location(self) -> ClientLocation:
        """Return where the client is, and note that it was looked at."""
        self.is_located = True
        return super().location

    def choose(self, weights: Sequence[int]) -> int:
        """Follow the script, or stop.

        Raises:
            _ForkError: the script ends here.
        """
        if not self.script:
            raise _ForkError(weights)
        return self.script.pop()

    def arrange(self, count: int, wanted: int) -> Sequence[int]:
        """Leave the order as it is, turned by `rotation`.

        Raises:
            InexactError: a second arrangement; one tree holds one.
        """
        if self.arrangement is not None:
            raise InexactError
        self.arrangement = (count, wanted)
        return [(self.rotation + index) % count for index in range(wanted)]


def _no_draw(_limit: int) -> int:
    """Refuse to draw: policies choose and arrange, and both are overruled.

    Raises:
        InexactError: always.
    """
    raise InexactError


def compile_answer(
    run: Callable[[Context], Run],
    health: HealthView,
    location: ClientLocation | Callable[[], ClientLocation],
) -> Compiled | None:
    """Run the clear path through all its choices.

    Args:
        run: the clear path for one question; it may look at nothing that changes but its context.
        health: the published health table.
        location: where the client is, or a function that finds out.

    Returns:
        The tree with its dependencies, or None where no tree is exact or it would be over `MAX_LEAVES`.
    """
    return _Exploration(run, health, location).compile()


class _Exploration:
    """One compilation: the runs made so far and what they looked at."""

    def __init__(
        self,
        run: Callable[[Context], Run],
        health: HealthView,
        location: ClientLocation | Callable[[], ClientLocation],
    ) -> None:
        self._run = run
        self._health = _RecordingHealth(health)
        self._location = location
        self._is_located = False
        self._leaves = 0

    def compile(self) -> Compiled | None:
        """Explore everything."""
        try:
            tree = self._explore([])
        except InexactError:
            return None
        return Compiled(tree, frozenset(self._health.checks), self._is_located)

    def _explore(self, script: list[int]) -> Tree:
        """Return the tree below a script of choices."""
        explorer = Explorer(self._health, self._location, script)
        try:
            run = self._run(explorer)
        except _ForkError as fork:
            self._is_located |= explorer.is_located
            taken = [index for index, weight in enumerate(fork.weights) if weight]
            branches = tuple(self._explore([*script, index]) for index in taken)
            bounds = tuple(accumulate(fork.weights[index] for index in taken))
            return Choice(bounds[-1], bounds, branches)
        self._is_located |= explorer.is_located
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            raise InexactError
        count, wanted = explorer.arrangement or (0, 0)
        if wanted == count and not run.encoded.marks:
            return Leaf(run.encoded.head, run.encoded.body, run.is_scoped)
        return self._arrangement(script, run, count, wanted)

    def _arrangement(self, script: list[int], first: Run, count: int, wanted: int) -> Arrangement:
        """Return the leaf of records in random order; more runs show those that the first left out.

        Raises:
            InexactError: the records do not stand for themselves: equal values that appear once, another
                size or TTL that changes what fits.
        """
        head, body, marks, _ = first.encoded
        if len(marks) != wanted + 1:
            raise InexactError
        before, behind = body[: marks[0]], body[marks[-1] :]
        blocks = _blocks(first.encoded)
        for rotation in range(wanted, count, wanted):
            explorer = Explorer(self._health, self._location, script, rotation)
            encoded = self._run(explorer).encoded
            is_alike = encoded.head == head and encoded.marks[:1] == marks[:1]
            if (
                not is_alike
                or encoded.body[encoded.marks[-1] :] != behind
                or len(encoded.marks) != wanted + 1
            ):
                raise InexactError
            blocks += _blocks(encoded)
        if len({len(block) for block in blocks}) > 1 and wanted < count:
            raise InexactError  # what stands behind the records would move
        return Arrangement(head, before, tuple(blocks[:count]), wanted, behind, first.is_scoped)


def _blocks(encoded: Encoded) -> list[bytes]:
    """Return the records between the marks."""
    marks = encoded.marks
    return [encoded.body[start:end] for start, end in pairwise(marks)]


# --- replaying ----------------------------------------------------------------------------------------------


def pick(tree: Tree, draw: Draw) -> Leaf:
    """Walk down a tree with the draws that the clear path would make."""
    while tree.__class__ is Choice:
        tree = tree.branches[bisect_right(tree.bounds, draw(tree.total))]
    if tree.__class__ is Arrangement:
        order = arranged(len(tree.blocks), tree.wanted, draw)
        records = b"".join([tree.blocks[index] for index in order])
        return Leaf(tree.head, tree.before + records + tree.behind, tree.is_scoped)
    assert isinstance(tree, Leaf)
    return tree


def pick_ready(tree: ReadyTree, draw: Draw) -> bytes:
    """Walk down a tree of whole replies; return the reply without its id."""
    while tree.__class__ is not bytes:
        if isinstance(tree, ReadyTable):
            total, replies = tree
            tree = replies[draw(total)]
        elif isinstance(tree, ReadyArrangement):
            before, blocks, wanted, behind, orders = tree
            if orders:
                return before + b"".join(orders[draw(len(orders))](blocks)) + behind
            order = arranged(len(blocks), wanted, draw)
            return before + b"".join([blocks[index] for index in order]) + behind
        elif isinstance(tree, ReadyChoice):
            tree = tree.branches[bisect_right(tree.bounds, draw(tree.total))]
    return tree


def make_ready(tree: Tree, question: bytes, opts: Opts) -> ReadyTree:
    """Add question and OPT record of one request to every reply of a tree."""
    if isinstance(tree, Leaf):
        return tree.head + question + tree.body + opts[tree.is_scoped]
    if isinstance(tree, Arrangement):
        count, wanted = len(tree.blocks), tree.wanted
        orders = _orders(count) if wanted == count <= MAX_ORDERED else ()
        behind = tree.behind + opts[tree.is_scoped]
        return ReadyArrangement(tree.head + question + tree.before, tree.blocks, wanted, behind, orders)
    branches = tuple(make_ready(branch, question, opts) for branch in tree.branches)
    if tree.total > MAX_TABLE:
        return ReadyChoice(tree.total, tree.bounds, branches)
    numbers = range(tree.total)
    return ReadyTable(tree.total, tuple(branches[bisect_right(tree.bounds, number)] for number in numbers))


@lru_cache(maxsize=MAX_ORDERED)
def _orders(count: int) -> tuple[Callable[[tuple[bytes, ...]], tuple[bytes, ...]], ...]:
    """Return what puts that many records in order, for each number that `arranged` can draw."""

    def order_at(number: int) -> Callable[[tuple[bytes, ...]], tuple[bytes, ...]]:
        return itemgetter(*arranged(count, count, lambda _limit: number))

    return tuple(order_at(number) for number in range(factorial(count)))
