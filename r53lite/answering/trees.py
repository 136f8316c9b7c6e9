"""What does a compiled answer look like, and how is one reply picked from it?

A tree mirrors the choices that the clear path made: `Choice` where one of several was chosen by weight,
`Arrangement` where records came in random order, `Leaf` where nothing is left to chance. It is walked down
with the same draws that the clear path would have made, so that for equal draws both give equal bytes. A tree
grows as it is used (`answering.entries`): a branch that nobody has explored yet is None, and `INEXACT` is one
that only the clear path answers exactly.

`make_ready` adds question and OPT record of one request to every reply of a tree that is grown up, and
`pick_ready` walks down those. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from r53lite.answering.orders import Orders, orders_of
from r53lite.routing.cidr_index import CidrIndex
from r53lite.routing.context import Aspect, arranged

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


class Choice:
    """One of several branches: a draw below `total` falls below one of the ascending `bounds`.

    Args:
        weights: what the branches are chosen by; those of weight 0 cannot be and are left out. `indexes` are
            the places of the others among all.
    """

    __slots__ = ("bounds", "branches", "indexes", "total")

    def __init__(self, weights: Sequence[int]) -> None:
        self.indexes = tuple(index for index, weight in enumerate(weights) if weight)
        self.bounds = tuple(accumulate(weights[index] for index in self.indexes))
        self.total = self.bounds[-1]
        self.branches: list[Tree | Inexact | None] = [None] * len(self.indexes)


class Inexact:
    """Stands for a branch that only the clear path answers exactly."""


INEXACT = Inexact()


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


def arrange(node: Leaf | Arrangement, draw: Draw) -> Leaf:
    """Put the records of a reply in order, with the draws that the clear path would make."""
    if isinstance(node, Leaf):
        return node
    order = arranged(len(node.blocks), node.wanted, draw)
    records = b"".join([node.blocks[index] for index in order])
    return Leaf(node.head, node.before + records + node.behind, node.looked)


def branches_of(choice: Choice) -> list[Tree]:
    """Return the branches of a choice that is grown up and exact."""
    branches = [
        branch for branch in choice.branches if branch is not None and not isinstance(branch, Inexact)
    ]
    assert len(branches) == len(choice.branches)
    return branches


def longest_bytes(tree: Tree, opts: Opts) -> int:
    """Return the length of the longest reply of a tree, its id and question not counted.

    Args:
        tree: grown up and exact.
        opts: the OPT records of the replies.
    """
    if isinstance(tree, Choice):
        return max([longest_bytes(branch, opts) for branch in branches_of(tree)])
    opt_bytes = len(opts.of(tree.looked))
    if isinstance(tree, Leaf):
        return len(tree.head) + len(tree.body) + opt_bytes
    records = sum(sorted(map(len, tree.blocks), reverse=True)[: tree.wanted])
    return len(tree.head) + len(tree.before) + records + len(tree.behind) + opt_bytes


def pick_ready(tree: ReadyTree, draw: Draw) -> bytes:
    """Walk down a tree of whole replies; return the reply without its id."""
    while tree.__class__ is not bytes:
        if tree.__class__ is ReadyTable:
            total, replies = tree
            tree = replies[draw(total)]
        elif tree.__class__ is ReadyArrangement:
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
        tree: what the question is answered; grown up and exact.
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
    branches = tuple(
        make_ready(branch, question, opts, is_expanded=is_expanded) for branch in branches_of(tree)
    )
    if tree.total > MAX_TABLE:
        return ReadyChoice(tree.total, tree.bounds, branches)
    numbers = range(tree.total)
    return ReadyTable(tree.total, tuple(branches[bisect_right(tree.bounds, number)] for number in numbers))
