"""What may a policy look at? The health table, where the client is, and chance. Nothing else.

Chance has two forms, and policies use no other: `choose` takes one of several by weight, `arrange` takes some
of several in random order. Both are made of `draw`, so that a fixed draw fixes the answer. Because a policy
says what it chooses among, whoever compiles answers (`answering.compiled`) can overrule both and walk through
every possible choice instead of drawing one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import perm
from typing import NamedTuple, Protocol

MAX_NUMBERED = 12  # 12! is below 2^29
DEFAULT_REGION = "us-east-1"  # routing-policies.md §2.3: a client nobody knows `[INF]`


class HealthView(Protocol):
    """What policies need of the published health table (`health.table.HealthTable`)."""

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy now; an unknown one counts as healthy (§3.4 row 13 `[INF]`)."""
        ...


class ClientLocation(NamedTuple):
    """Where a client is, by the longest matching network of `locations.yaml`.

    `latency_ms` has the measured latency per region where the file gives it; the rest is estimated.
    `prefix_len` is the length of the shortest prefix around the client for which this location holds (for
    RFC 7871's scope); `source` says which rule located it (`locations.yaml:12`).
    """

    region: str | None = None
    country: str | None = None
    subdivision: str | None = None
    continent: str | None = None
    coordinates: tuple[float, float] | None = None
    latency_ms: Mapping[str, float] = {}  # never written to
    prefix_len: int = 0
    source: str = ""


class Context:
    """The facts of one query that a policy may use.

    Args:
        health: which checks are healthy.
        location: where the client is, or a function that finds out; it is called once, and only when a policy
            looks.
        draw: returns a whole number from 0 to n-1, uniform.
    """

    __slots__ = ("_location", "draw", "health")

    def __init__(
        self,
        health: HealthView,
        location: ClientLocation | Callable[[], ClientLocation],
        draw: Callable[[int], int],
    ) -> None:
        self.health = health
        self.draw = draw
        self._location = location

    @property
    def location(self) -> ClientLocation:
        """Return where the client is."""
        location = self._location
        if callable(location):
            location = self._location = location()
        return location

    def choose(self, weights: Sequence[int]) -> int:
        """Return the index of one of several, each with the probability of its share of the weights.

        Args:
            weights: whole numbers, at least one of them over 0.
        """
        number = self.draw(sum(weights))
        index = 0
        while number >= weights[index]:
            number -= weights[index]
            index += 1
        return index

    def arrange(self, count: int, wanted: int) -> Sequence[int]:
        """Return `wanted` different numbers below `count` in random order, every arrangement equally likely.

        The greatest number that can be drawn leaves the order as it is.
        """
        return arranged(count, wanted, self.draw)


def arranged(count: int, wanted: int, draw: Callable[[int], int]) -> list[int]:
    """Return `wanted` different numbers below `count` in random order (see `Context.arrange`).

    One draw numbers the arrangement, as long as there are not more of them than `draw` is even for.
    """
    numbers = list(range(count))
    if count > MAX_NUMBERED:
        for last in range(count - 1, max(count - wanted, 1) - 1, -1):
            other = draw(last + 1)
            numbers[last], numbers[other] = numbers[other], numbers[last]
        return numbers[count - wanted :]
    if wanted == 1 == count:
        return numbers
    number = draw(perm(count, wanted))
    order = []
    for size in range(count, count - wanted, -1):
        number, index = divmod(number, size)
        order.append(numbers.pop(size - 1 - index))
    return order
