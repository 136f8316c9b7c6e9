"""How is a clear-path answer turned into bytes that can be replayed?

The clear path (`authoritative.respond`, then `wire.encode_sections`) is a function of the question, the
zones, the health table, the client's location and chance. `compile_answer` runs it under an `Explorer`: a
context that walks through every choice of every policy instead of drawing one. What comes out is a tree
that mirrors the choices: `Choice` where one of several was chosen by weight, `Arrangement` where records
came in random order, `Leaf` where nothing is left to chance. `pick` walks down the tree with the same
draws that the clear path would have made, so that for equal draws both give equal bytes.

Rules that always hold:
- Nothing is decided here: a tree holds only what the clear path said when it was compiled.
- A tree knows what it depends on: the health checks and outside names that were looked at, whether the
  location was, and which CIDR collections were.
- What cannot be compiled exactly is not compiled (`None`), and the clear path answers it every time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from r53lite.answering.orders import Orders, orders_of
from r53lite.dns.wire import Encoded
from r53lite.routing.cidr_index import CidrIndex, ClientPrefix
from r53lite.routing.context import (
    NO_TARGETS,
    Aspect,
    ClientLocation,
    Context,
    HealthView,
    TargetView,
    arranged,
)
from r53lite.routing.record_set import OutsideTarget

MAX_LEAVES = 256  # our choice: 100 weighted sets, the most of a group, and a chain of two smaller ones
MAX_TABLE = 512  # our choice: weights that add up to more are searched, a table would be large
MAX_EXPANDED = 24  # the orders of four records: some 5 kB of whole replies

Draw = Callable[[int], int]


Looked = tuple[CidrIndex | Aspect, ...]
"""What of the client an answer has looked at, each once: aspects of its location, and blocks of CIDR
collections. The scope of the reply follows from it (RFC 7871 §7.2.1)."""


class Leaf(NamedTuple):
    """A reply without chance: flags and counts, and the sections; and what of the client counted for it."""

    head: bytes
    body: bytes
    looked: Looked


class Arrangement(NamedTuple):
    """A reply whose records come in random order: `wanted` of the blocks, between what stands still."""

    head: bytes
    before: bytes
    blocks: tuple[bytes, ...]
    wanted: int
    behind: bytes
    looked: Looked


class Choice(NamedTuple):
    """One of several branches: a draw below `total` falls below one of the ascending `bounds`."""

    total: int
    bounds: tuple[int, ...]
    branches: tuple[Tree, ...]


class ReadyArrangement(NamedTuple):
    """An `Arrangement` for one question: all that stands before and behind the records is joined already.

    `orders` puts the records in order by one number; where there are too many, each order is made anew.
    """

    before: bytes
    blocks: tuple[bytes, ...]
    wanted: int
    behind: bytes
    orders: Orders | None


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


class Opts(NamedTuple):
    """The OPT records of one request's replies. They differ in the scope of a client subnet alone (RFC 7871
    §7.2.1): `scoped` makes the record for what a reply looked at; None where `plain` is for all replies.
    """

    plain: bytes
    scoped: Callable[[Looked], bytes] | None = None

    def of(self, looked: Looked) -> bytes:
        """Return the OPT record of a reply."""
        return self.scoped(looked) if looked and self.scoped is not None else self.plain


class Compiled(NamedTuple):
    """A tree, and what it depends on.

    `checks` are health checks and outside names. An answer that looked at something of the client holds for
    all clients of whom the same is true.
    """

    tree: Tree
    checks: frozenset[Hashable]
    looked: Looked


# --- exploring ----------------------------------------------------------------------------------------------


class _ForkError(Exception):
    """A choice that the script does not settle; carries its weights. Never leaves this module."""

    def __init__(self, weights: Sequence[int]) -> None:
        super().__init__()
        self.weights = tuple(weights)


class InexactError(Exception):
    """This answer cannot be compiled exactly; `compile_answer` then returns None."""


class Facts(NamedTuple):
    """What a query is answered from besides the zones: see `Context`."""

    health: HealthView
    location: ClientLocation | Callable[[], ClientLocation]
    client: ClientPrefix | Callable[[], ClientPrefix] | None = None
    targets: TargetView = NO_TARGETS


class _Recording:
    """A health view, and a view of outside names, that notes what is looked at."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.checks: set[Hashable] = set()

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy, and note it."""
        self.checks.add(health_check)
        return self._facts.health.is_healthy(health_check)

    def get(self, target: OutsideTarget) -> tuple[bytes, ...] | None:
        """Return the rdata of an outside name, and note it."""
        self.checks.add(target)
        return self._facts.targets.get(target)


class Explorer(Context):
    """A context that follows a script of choices and stops at the first one beyond it.

    Records keep their order; `arrangement` is the (count, wanted) of the one arrangement that was asked for.
    `looked` has what of the client was looked at.
    """

    __slots__ = ("arrangement", "looked", "rotation", "script")

    def __init__(self, facts: Facts, script: Sequence[int], rotation: int = 0) -> None:
        super().__init__(facts.health, facts.location, _no_draw, client=facts.client, targets=facts.targets)
        self.script = list(reversed(script))
        self.rotation = rotation
        self.arrangement: tuple[int, int] | None = None
        self.looked: dict[CidrIndex | Aspect, None] = {}

    def look_at(self, aspect: Aspect) -> ClientLocation:
        """Return where the client is, and note what was looked at."""
        self.looked[aspect] = None
        return super().look_at(aspect)

    def locations_in(self, blocks: CidrIndex) -> tuple[str, ...]:
        """Return which blocks the client is in, and note that they were looked at."""
        self.looked[blocks] = None
        return super().locations_in(blocks)

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

    def sample(self, count: int, wanted: int) -> Sequence[int]:
        """Stop: records do not stand for themselves.

        Raises:
            InexactError: always.
        """
        raise InexactError


def _no_draw(_limit: int) -> int:
    """Refuse to draw: policies choose and arrange, and both are overruled.

    Raises:
        InexactError: always.
    """
    raise InexactError


def compile_answer(run: Callable[[Context], Encoded], facts: Facts) -> Compiled | None:
    """Run the clear path through all its choices.

    Args:
        run: the clear path for one question, which gives the sections; it may look at nothing that changes
            but its context.
        facts: what the query is answered from.

    Returns:
        The tree with its dependencies, or None where no tree is exact or it would be over `MAX_LEAVES`.
    """
    return _Exploration(run, facts).compile()


class _Exploration:
    """One compilation: the runs made so far and what they looked at."""

    def __init__(self, run: Callable[[Context], Encoded], facts: Facts) -> None:
        self._run = run
        self._recording = _Recording(facts)
        self._facts = facts._replace(health=self._recording, targets=self._recording)
        self._looked: dict[CidrIndex | Aspect, None] = {}
        self._leaves = 0

    def compile(self) -> Compiled | None:
        """Explore everything."""
        try:
            tree = self._explore([])
        except InexactError:
            return None
        return Compiled(tree, frozenset(self._recording.checks), tuple(self._looked))

    def _explore(self, script: list[int]) -> Tree:
        """Return the tree below a script of choices."""
        explorer = Explorer(self._facts, script)
        try:
            encoded = self._run(explorer)
        except _ForkError as fork:
            self._looked |= explorer.looked
            taken = [index for index, weight in enumerate(fork.weights) if weight]
            branches = tuple(self._explore([*script, index]) for index in taken)
            bounds = tuple(accumulate(fork.weights[index] for index in taken))
            return Choice(bounds[-1], bounds, branches)
        self._looked |= explorer.looked
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            raise InexactError
        count, wanted = explorer.arrangement or (0, 0)
        looked = tuple(explorer.looked)
        if wanted == count and not encoded.marks:
            return Leaf(encoded.head, encoded.body, looked)
        return self._arrangement(script, encoded, count, wanted, looked)

    def _arrangement(
        self, script: list[int], first: Encoded, count: int, wanted: int, looked: Looked
    ) -> Arrangement:
        """Return the leaf of records in random order; more runs show those that the first left out.

        Raises:
            InexactError: the records do not stand for themselves: equal values that appear once, another
                size or TTL that changes what fits.
        """
        head, body, marks, _ = first
        if len(marks) != wanted + 1:
            raise InexactError
        before, behind = body[: marks[0]], body[marks[-1] :]
        blocks = _blocks(first)
        for rotation in range(wanted, count, wanted):
            encoded = self._run(Explorer(self._facts, script, rotation))
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
        return Arrangement(head, before, tuple(blocks[:count]), wanted, behind, looked)


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
        return Leaf(tree.head, tree.before + records + tree.behind, tree.looked)
    assert isinstance(tree, Leaf)
    return tree


def longest_bytes(tree: Tree, opts: Opts) -> int:
    """Return the length of the longest reply of a tree, its id and question not counted."""
    if isinstance(tree, Choice):
        return max([longest_bytes(branch, opts) for branch in tree.branches])
    opt_bytes = len(opts.of(tree.looked))
    if isinstance(tree, Leaf):
        return len(tree.head) + len(tree.body) + opt_bytes
    records = sum(sorted(map(len, tree.blocks), reverse=True)[: tree.wanted])
    return len(tree.head) + len(tree.before) + records + len(tree.behind) + opt_bytes


def pick_ready(tree: ReadyTree, draw: Draw) -> bytes:
    """Walk down a tree of whole replies; return the reply without its id."""
    while tree.__class__ is not bytes:
        if isinstance(tree, ReadyTable):
            total, replies = tree
            tree = replies[draw(total)]
        elif isinstance(tree, ReadyArrangement):
            before, blocks, wanted, behind, orders = tree
            if orders is not None:
                return before + b"".join(orders.pick(draw(orders.total), blocks)) + behind
            order = arranged(len(blocks), wanted, draw)
            return before + b"".join([blocks[index] for index in order]) + behind
        elif isinstance(tree, ReadyChoice):
            tree = tree.branches[bisect_right(tree.bounds, draw(tree.total))]
    return tree


def make_ready(tree: Tree, question: bytes, opts: Opts, *, is_expanded: bool = False) -> ReadyTree:
    """Add question and OPT record of one request to every reply of a tree.

    Args:
        tree: what the question is answered.
        question: the question section as it came.
        opts: the OPT records of the replies.
        is_expanded: keep every order of a few records as a whole reply; for the few questions with a policy.
    """
    if isinstance(tree, Leaf):
        return tree.head + question + tree.body + opts.of(tree.looked)
    if isinstance(tree, Arrangement):
        head, before, blocks, wanted, behind, looked = tree
        before, behind = head + question + before, behind + opts.of(looked)
        orders = orders_of(len(blocks), wanted)
        if is_expanded and orders is not None and orders.total <= MAX_EXPANDED:
            numbers = range(orders.total)
            replies = (before + b"".join(orders.pick(number, blocks)) + behind for number in numbers)
            return ReadyTable(orders.total, tuple(replies))
        return ReadyArrangement(before, blocks, wanted, behind, orders)
    branches = tuple(make_ready(branch, question, opts, is_expanded=is_expanded) for branch in tree.branches)
    if tree.total > MAX_TABLE:
        return ReadyChoice(tree.total, tree.bounds, branches)
    numbers = range(tree.total)
    return ReadyTable(tree.total, tuple(branches[bisect_right(tree.bounds, number)] for number in numbers))
