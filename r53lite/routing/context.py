"""What may a policy look at? The health table, where the client is, and chance. Nothing else.

Chance has three forms, and policies use no other: `choose` takes one of several by weight, `arrange` takes
some of several in random order, and so does `sample`, where more than the records and their order comes of
it. All are made of `draw`, so that a fixed draw fixes the answer. Because a policy says what it chooses
among, whoever compiles answers (`answering.compiled`) can overrule `choose` and `arrange` and walk through
every possible choice instead of drawing one; an answer with a `sample` is made anew each time.

`enter`, `consider`, `pass_over`, `leave` and `settle` are told how policies proceed. Nothing happens there
but for those who explain answers (`routing.tracing`) or tell their odds (`routing.odds`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from math import perm
from typing import NamedTuple, Protocol, TypeVar

from r53lite.routing.cidr_index import CidrIndex, ClientPrefix
from r53lite.routing.record_set import OutsideTarget, RecordSet, RecordSetGroup

T = TypeVar("T")

MAX_NUMBERED = 12  # 12! is below 2^29
DEFAULT_REGION = "us-east-1"  # routing-policies.md §2.3: a client nobody knows `[INF]`
ESTIMATED = "estimated from distance"


class HealthView(Protocol):
    """What policies need of the published health table (`health.table.HealthTable`)."""

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy now; an unknown one counts as healthy (§3.4 row 13 `[INF]`)."""
        ...


class ClientLocation(NamedTuple):
    """Where a client is: a network of `locations.yaml`, a record of a MaxMind database, or nobody knows.

    `latency_ms` has the latency per region as far as a table or our own probes know it; the rest is
    estimated. `source` says which rule located the client (`locations.yaml:12`), `latency_sources` where
    each latency comes from.

    The prefix lengths are for RFC 7871's scope: each is the length of the shortest prefix around the client
    in which every client has the same of what a policy looks at. `prefix_len` is that of everything,
    `area_prefix_len` of country, subdivision and continent (geolocation), `position_prefix_len` of region,
    coordinates and latencies, and of being in China (latency, geoproximity). `sights` say how a client subnet
    looks to one policy, and how far around it that is so; None where the client looks the same to all.
    """

    region: str | None = None
    country: str | None = None
    subdivision: str | None = None
    continent: str | None = None
    coordinates: tuple[float, float] | None = None
    latency_ms: Mapping[str, float] = {}  # never written to
    prefix_len: int = 0
    source: str = ""
    area_prefix_len: int = 0
    position_prefix_len: int = 0
    latency_sources: Mapping[str, str] = {}  # never written to
    sights: Sights | None = None

    def latency_source(self, region: str) -> str:
        """Say where the latency to a region comes from."""
        if region not in self.latency_ms:
            return ESTIMATED
        return self.latency_sources.get(region, self.source)


UNKNOWN = ClientLocation(source=f"default: {DEFAULT_REGION}")
"""A client nobody knows: policies that need a place take `DEFAULT_REGION` `[INF]`, it has no country."""


class Sight(NamedTuple):
    """How a client looks to a policy: where it is, and the length of the shortest prefix around it in which
    everybody is alike in that.
    """

    location: ClientLocation
    scope_prefix_len: int


class Sights(Protocol):
    """How a client subnet looks to policies (`routing.neighborhood.Subnet`)."""

    def sight(self, aspect: Aspect) -> Sight:
        """Return how it looks to one."""
        ...

    def seen(self, aspect: Aspect) -> ClientLocation:
        """Return where it is to one: less to find out."""
        ...


class Aspect:
    """What of a client's location is looked at: `EVERYTHING`, `AREA` or `POSITION`, each with its own scope
    (see `ClientLocation`); or what one group makes of one of these, its view (`within`).

    No `Enum`: its members hash in Python, and compiled answers are found by what they looked at.

    Args:
        index: which of the three it is, in this order.
        class_of: what a group makes of it: equal for clients who get the same; None without a group.
    """

    __slots__ = ("class_of", "index")

    def __init__(self, index: int, class_of: Callable[[ClientLocation], Hashable] | None = None) -> None:
        self.index = index
        self.class_of = class_of

    def within(self, class_of: Callable[[ClientLocation], Hashable]) -> Aspect:
        """Return the view of a group that looks at no more than this."""
        return Aspect(self.index, class_of)

    def sight(self, location: ClientLocation) -> Sight:
        """Return what of a client's location is seen, and its scope."""
        if location.sights is not None:
            return location.sights.sight(self)
        scopes = location.prefix_len, location.area_prefix_len, location.position_prefix_len
        return Sight(location, scopes[self.index])

    def seen(self, location: ClientLocation) -> ClientLocation:
        """Return what of a client's location is seen."""
        return location if location.sights is None else location.sights.seen(self)


EVERYTHING = Aspect(0)
AREA = Aspect(1)
POSITION = Aspect(2)


class TargetView(Protocol):
    """What policies need of the published addresses of outside names; a dict is one."""

    def get(self, target: OutsideTarget, /) -> tuple[bytes, ...] | None:
        """Return the rdata of a target, or None where none is known now."""
        ...


NO_TARGETS: Mapping[OutsideTarget, tuple[bytes, ...]] = {}


class Context:
    """The facts of one query that a policy may use.

    `scope_prefix_len` is the length of the shortest prefix around the client for which everything holds that
    was looked at so far (RFC 7871 §7.2.1): 0 until location plays a part. It counts what was rejected too
    (docs/route53/records-and-changes.md §1.10).

    Args:
        health: which checks are healthy.
        location: where the client is, or a function that finds out; it is called once, and only when a policy
            looks.
        draw: returns a whole number from 0 to n-1, uniform.
        client: the client's prefix, for the blocks of CIDR collections, or a function that finds out; None
            for a client nobody knows.
        targets: the addresses of outside names.
    """

    __slots__ = ("_client", "_location", "_targets", "draw", "health", "scope_prefix_len")

    def __init__(
        self,
        health: HealthView,
        location: ClientLocation | Callable[[], ClientLocation],
        draw: Callable[[int], int],
        *,
        client: ClientPrefix | Callable[[], ClientPrefix] | None = None,
        targets: TargetView = NO_TARGETS,
    ) -> None:
        self.health = health
        self.draw = draw
        self.scope_prefix_len = 0
        self._location = location
        self._client = client
        self._targets = targets

    @property
    def location(self) -> ClientLocation:
        """Return where the client is, for who may look at everything."""
        return self.look_at(EVERYTHING)

    def look_at(self, aspect: Aspect) -> ClientLocation:
        """Return where the client is, and count the scope of what is looked at."""
        location = self._location
        if callable(location):
            location = self._location = location()
        seen, scope_prefix_len = aspect.sight(location)
        self.scope_prefix_len = max(self.scope_prefix_len, scope_prefix_len)
        return seen

    def locations_in(self, blocks: CidrIndex) -> tuple[str, ...]:
        """Return the locations of a CIDR collection that the client is in, the longest block's first."""
        client = self._client
        if callable(client):
            client = self._client = client()
        match = blocks.match(client)
        self.scope_prefix_len = max(self.scope_prefix_len, match.prefix_len)
        return match.locations

    def rdatas_of(self, target: OutsideTarget) -> tuple[bytes, ...] | None:
        """Return the rdata of an outside name: empty where it has none of the type, None where nobody knows
        what it has.
        """
        return self._targets.get(target)

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

    def sample(self, count: int, wanted: int) -> Sequence[int]:
        """Do as `arrange` does, where the sample settles more than which records come and in which order.

        Who compiles answers overrules `arrange` and takes records for the whole difference; this it cannot.
        """
        return arranged(count, wanted, self.draw)

    def below(self, group: RecordSetGroup, kind: Hashable, reach: Callable[[Context], T]) -> T:
        """Return what the group that an alias leads to comes to.

        Who tells odds overrules this: what many aliases lead to is gone through once.

        Args:
            group: the group.
            kind: what it is reached for; of equal group and kind, what it comes to is up to chance alone.
            reach: lets the policies of the group and of those below choose, in this context or another.
        """
        return reach(self)

    def enter(self, group: RecordSetGroup, *, is_last_resort: bool) -> None:
        """Be told that a group is looked through: for what is healthy, or as a last resort."""

    def consider(self, record_set: RecordSet) -> None:
        """Be told that a set of the group entered last has its turn."""

    def pass_over(self, record_set: RecordSet) -> None:
        """Be told that a set of the group entered last is left out: nothing below its alias is healthy."""

    def leave(self, selection: object | None) -> None:
        """Be told what the group entered last came to: a `Selection`, or None where nothing is healthy."""

    def settle(self, group: RecordSetGroup, selection: object) -> None:
        """Be told what the policy of a name has selected in the end, a `Selection`."""


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
