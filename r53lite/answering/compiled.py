"""How is a clear-path answer turned into bytes that can be replayed?

The clear path (`authoritative.respond`, then `wire.encode_sections`) is a function of the question, the
zones, the health table, the client's location and chance. `compile_answer` runs it under an `Explorer`: a
context that walks through every choice of every policy instead of drawing one. What comes out is a tree
that mirrors the choices (`answering.trees`).

Rules that always hold:
- Nothing is decided here: a tree holds only what the clear path said when it was compiled.
- A tree knows what it depends on: the health checks and outside names that were looked at, whether the
  location was, and which CIDR collections were.
- What cannot be compiled exactly is not compiled (`None`), and the clear path answers it every time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from r53lite.answering.trees import Arrangement, Choice, Leaf, Looked, Tree
from r53lite.dns.wire import Encoded
from r53lite.routing.cidr_index import CidrIndex, ClientPrefix
from r53lite.routing.context import (
    NO_TARGETS,
    Aspect,
    ClientLocation,
    Context,
    HealthView,
    TargetView,
)
from r53lite.routing.record_set import OutsideTarget

MAX_LEAVES = 256  # our choice: 100 weighted sets, the most of a group, and a chain of two smaller ones


class Compiled(NamedTuple):
    """A tree, and what it depends on.

    `checks` are health checks and outside names. An answer that looked at something of the client holds for
    all clients of whom the same is true. `runs` is how often the clear path was run.
    """

    tree: Tree
    checks: frozenset[Hashable]
    looked: Looked
    runs: int


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
        self._runs = 0

    def compile(self) -> Compiled | None:
        """Explore everything."""
        try:
            tree = self._explore([])
        except InexactError:
            return None
        return Compiled(tree, frozenset(self._recording.checks), tuple(self._looked), self._runs)

    def _explore(self, script: list[int]) -> Tree:
        """Return the tree below a script of choices."""
        explorer = Explorer(self._facts, script)
        try:
            encoded = self._run_once(explorer)
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

    def _run_once(self, explorer: Explorer) -> Encoded:
        self._runs += 1
        return self._run(explorer)

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
            encoded = self._run_once(Explorer(self._facts, script, rotation))
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
