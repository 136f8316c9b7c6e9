"""How is a clear-path answer turned into bytes that can be replayed?

The clear path (`authoritative.respond`, then `wire.encode_sections`) is a function of the question, the
zones, the health table, the client's location and chance. `explore` runs it under an `Explorer`: a context
that follows a script of choices instead of drawing, and stops at the first choice beyond it. What comes out
is one node of a tree that mirrors the choices (`answering.trees`).

Rules that always hold:
- Nothing is decided here: a tree holds only what the clear path said when it was explored.
- A node knows what it depends on: the health checks and outside names that were looked at, and what of the
  client was: aspects of its location, CIDR collections.
- What cannot be replayed exactly is `INEXACT`, and the clear path answers it every time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import NamedTuple

from r53lite.answering.trees import INEXACT, Arrangement, Choice, Draw, Inexact, Leaf, Looked, Tree
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


class Explored(NamedTuple):
    """A node of a tree, and what it depends on.

    `checks` are health checks and outside names. An answer that looked at something of the client holds for
    all clients of whom the same is true.
    """

    node: Tree | Inexact
    checks: frozenset[Hashable]
    looked: Looked


class _ForkError(Exception):
    """A choice that the script does not settle; carries its weights. Never leaves this module."""

    def __init__(self, weights: Sequence[int]) -> None:
        super().__init__()
        self.weights = tuple(weights)


class InexactError(Exception):
    """This answer cannot be replayed exactly; `explore` then returns `INEXACT`."""


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

    __slots__ = ("arrangement", "facts", "looked", "rotation", "script")

    def __init__(self, facts: Facts, script: Sequence[int], rotation: int = 0) -> None:
        super().__init__(facts.health, facts.location, _no_draw, client=facts.client, targets=facts.targets)
        self.facts = facts
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
        if count == 1:
            return (0,)
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


class Scripted(Context):
    """A context that draws like any other, but for the first choices: those are made already.

    Args:
        facts: what the query is answered from.
        draw: a whole number from 0 to n-1, uniform.
        script: the index of each choice that is made.
    """

    __slots__ = ("_script",)

    def __init__(self, facts: Facts, draw: Draw, script: Sequence[int]) -> None:
        super().__init__(facts.health, facts.location, draw, client=facts.client, targets=facts.targets)
        self._script = list(reversed(script))

    def choose(self, weights: Sequence[int]) -> int:
        """Take the choice that was made already, or draw."""
        return self._script.pop() if self._script else super().choose(weights)


def explore(run: Callable[[Context], Encoded], facts: Facts, script: Sequence[int]) -> Explored:
    """Run the clear path to the end of a script of choices.

    Args:
        run: the clear path for one question, which gives the sections; it may look at nothing that changes
            but its context.
        facts: what the query is answered from.
        script: the index of each choice on the way, as runs with shorter scripts have found them.
    """
    recording = _Recording(facts)
    explorer = Explorer(facts._replace(health=recording, targets=recording), script)
    node: Tree | Inexact
    try:
        node = _node(run, explorer, script)
    except _ForkError as fork:
        node = Choice(fork.weights)
    except InexactError:
        node = INEXACT
    return Explored(node, frozenset(recording.checks), tuple(explorer.looked))


def _node(run: Callable[[Context], Encoded], explorer: Explorer, script: Sequence[int]) -> Leaf | Arrangement:
    """Run the clear path to its end.

    Raises:
        InexactError: the records do not stand for themselves: equal values that appear once, another size or
            TTL that changes what fits.
    """
    first = run(explorer)
    count, wanted = explorer.arrangement or (0, 0)
    looked = tuple(explorer.looked)
    head, body, marks, _ = first
    if wanted == count and not marks:
        return Leaf(head, body, looked)
    if len(marks) != wanted + 1:
        raise InexactError
    before, behind = body[: marks[0]], body[marks[-1] :]
    blocks = _blocks(first)
    for rotation in range(wanted, count, wanted):  # more runs show the records that the first left out
        encoded = run(Explorer(explorer.facts, script, rotation))
        is_alike = encoded.head == head and encoded.marks[:1] == marks[:1]
        if not is_alike or encoded.body[encoded.marks[-1] :] != behind or len(encoded.marks) != wanted + 1:
            raise InexactError
        blocks += _blocks(encoded)
    if len({len(block) for block in blocks}) > 1 and wanted < count:
        raise InexactError  # what stands behind the records would move
    return Arrangement(head, before, tuple(blocks[:count]), wanted, behind, looked)


def _blocks(encoded: Encoded) -> list[bytes]:
    """Return the records between the marks."""
    marks = encoded.marks
    return [encoded.body[start:end] for start, end in pairwise(marks)]
