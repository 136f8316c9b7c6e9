"""What did the policies do on the way to one answer?

A `Trace` is a context that decides nothing: it draws, reads health and locates as any other, and writes down
what it was asked and what it was told. That is the story of an answer, told by the policies themselves. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from r53lite.routing.cidr_index import CidrIndex, ClientPrefix
from r53lite.routing.context import NO_TARGETS, Aspect, ClientLocation, Context, HealthView, TargetView
from r53lite.routing.record_set import OutsideTarget, RecordSet, RecordSetGroup
from r53lite.routing.selection import Selection


class Asked(NamedTuple):
    """A health check was looked at."""

    check: str
    is_healthy: bool


class Chose(NamedTuple):
    """One of several was drawn by weight."""

    weights: tuple[int, ...]
    drawn: int


class Arranged(NamedTuple):
    """Some of several were drawn, in random order."""

    among: int
    order: tuple[int, ...]


class Considered(NamedTuple):
    """A set had its turn."""

    record_set: RecordSet


class PassedOver(NamedTuple):
    """A set was left out before anything was drawn: nothing below its alias is healthy."""

    record_set: RecordSet


class Resolved(NamedTuple):
    """The addresses of a name outside were looked at; None where there are none."""

    target: OutsideTarget
    rdatas: tuple[bytes, ...] | None


class Visit(NamedTuple):
    """A walk through the sets of one group: what happened meanwhile, in order, and what it came to (one
    selection, or None where nothing was healthy).
    """

    group: RecordSetGroup
    is_last_resort: bool
    events: list[Event]
    results: list[Selection | None]

    @property
    def result(self) -> Selection | None:
        """Return what the walk came to."""
        return self.results[0]


Event = Asked | Chose | Arranged | Considered | PassedOver | Resolved | Visit


class Story(NamedTuple):
    """How a name came to its selection: a walk for what is healthy and, if need be, the last resort."""

    group: RecordSetGroup
    visits: tuple[Visit, ...]
    selection: Selection


class _TracedHealth:
    """A health view that tells a trace what it is asked."""

    def __init__(self, health: HealthView, tell: Callable[[Event], None]) -> None:
        self._health = health
        self._tell = tell

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy, and tell."""
        is_healthy = self._health.is_healthy(health_check)
        self._tell(Asked(health_check, is_healthy))
        return is_healthy


class Trace(Context):
    """A context that writes down what it is asked and told. `stories` has one for each name with a policy.

    `seen` is where the client is to each policy that looked, `locations` are those of the CIDR collections
    that were looked at.
    """

    __slots__ = ("_open", "_visits", "locations", "seen", "stories")

    def __init__(
        self,
        health: HealthView,
        location: ClientLocation | Callable[[], ClientLocation],
        draw: Callable[[int], int],
        *,
        client: ClientPrefix | Callable[[], ClientPrefix] | None = None,
        targets: TargetView = NO_TARGETS,
    ) -> None:
        super().__init__(_TracedHealth(health, self._tell), location, draw, client=client, targets=targets)
        self.stories: list[Story] = []
        self.locations: list[tuple[str, ...]] = []
        self.seen: list[ClientLocation] = []
        self._visits: list[Visit] = []
        self._open: list[Visit] = []

    def look_at(self, aspect: Aspect) -> ClientLocation:
        """Return where the client is, and note it."""
        seen = super().look_at(aspect)
        self.seen.append(seen)
        return seen

    def locations_in(self, blocks: CidrIndex) -> tuple[str, ...]:
        """Return which blocks the client is in, and note them."""
        found = super().locations_in(blocks)
        self.locations.append(found)
        return found

    def rdatas_of(self, target: OutsideTarget) -> tuple[bytes, ...] | None:
        """Return the rdata of an outside name."""
        found = super().rdatas_of(target)
        self._tell(Resolved(target, found))
        return found

    def choose(self, weights: Sequence[int]) -> int:
        """Draw one of several."""
        index = super().choose(weights)
        self._tell(Chose(tuple(weights), index))
        return index

    def arrange(self, count: int, wanted: int) -> Sequence[int]:
        """Draw an order."""
        order = super().arrange(count, wanted)
        self._tell(Arranged(count, tuple(order)))
        return order

    def sample(self, count: int, wanted: int) -> Sequence[int]:
        """Draw a sample."""
        order = super().sample(count, wanted)
        self._tell(Arranged(count, tuple(order)))
        return order

    def enter(self, group: RecordSetGroup, *, is_last_resort: bool) -> None:
        """Begin the visit of a group."""
        visit = Visit(group, is_last_resort, [], [])
        if self._open:
            self._open[-1].events.append(visit)
        else:
            self._visits.append(visit)
        self._open.append(visit)

    def consider(self, record_set: RecordSet) -> None:
        """Note that a set has its turn."""
        self._tell(Considered(record_set))

    def pass_over(self, record_set: RecordSet) -> None:
        """Note that a set is left out."""
        self._tell(PassedOver(record_set))

    def leave(self, selection: object | None) -> None:
        """End the visit of a group."""
        assert selection is None or isinstance(selection, Selection)
        self._open.pop().results.append(selection)

    def settle(self, group: RecordSetGroup, selection: object) -> None:
        """End the story of a name."""
        assert isinstance(selection, Selection)
        self.stories.append(Story(group, tuple(self._visits), selection))
        self._visits = []

    def _tell(self, event: Event) -> None:
        """Write an event down; what happens outside of groups is the order of plain records."""
        if self._open:
            self._open[-1].events.append(event)


# --- what a group can come to -------------------------------------------------------------------------------


def target_of(record_set: RecordSet) -> RecordSetGroup | None:
    """Return the group that an alias leads to; None for any other set, and where there is none."""
    target = None if record_set.alias is None else record_set.alias.target
    return target if isinstance(target, RecordSetGroup) else None


def groups_below(group: RecordSetGroup) -> Iterator[RecordSetGroup]:
    """Yield a group and every group that its aliases lead to, each once."""
    seen: set[int] = set()
    waiting = [group]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        targets = [target_of(record_set) for record_set in one.sets]
        waiting += [target for target in reversed(targets) if target is not None]


def checks_below(groups: Iterable[RecordSetGroup]) -> frozenset[str]:
    """Return the health checks that groups and all below them name."""
    return frozenset(
        record_set.health_check
        for outer in groups
        for group in groups_below(outer)
        for record_set in group.sets
        if record_set.health_check is not None
    )


def outside_below(group: RecordSetGroup) -> frozenset[OutsideTarget]:
    """Return the outside names that aliases of a group and of all below it lead to."""
    aliases = [one.alias for each in groups_below(group) for one in each.sets if one.alias is not None]
    return frozenset(alias.target for alias in aliases if isinstance(alias.target, OutsideTarget))


def sets_on_path(group: RecordSetGroup, selection: Selection) -> list[RecordSet]:
    """Return the sets that a selection comes from: the aliases on the way, and those with the values."""
    found = list(selection.chosen)
    steps = list(selection.path)
    below: RecordSetGroup | None = group
    while below is not None:
        passed = None
        if below.policy == "simple":
            passed = below.sets[0]
        elif steps:
            step = steps.pop(0)
            passed = next((one for one in below.sets if one.id == step), None)
        if passed is None:
            break
        if passed not in found:
            found.append(passed)
        below = target_of(passed)
    return found


def short_story(story: Story) -> str:
    """Return in a few words what a policy selected: `latency us, weighted blue 40/100`."""
    words = []
    visit: Visit | None = story.visits[-1]
    while visit is not None:
        turn, draw = "", ""
        inner: Visit | None = None
        for event in visit.events:
            match event:
                case Chose(weights, drawn):
                    draw = f"{weights[drawn]}/{sum(weights)}"
                case Considered(record_set):
                    turn, inner = f"{record_set.id} {draw}", None
                    draw = ""
                case Visit():
                    inner = event  # the last of the set that had its turn last is what the answer is from
        is_taken = visit.is_last_resort and story.selection.rdatas  # else there was nothing to resort to
        kind = f"{visit.group.policy} (last resort)" if is_taken else visit.group.policy
        words.append(" ".join([kind, *turn.split()]))
        visit = inner
    return ", ".join(words if story.selection.rdatas else [*words, "nothing"])
