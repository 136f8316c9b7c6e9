"""What did the policies do on the way to one answer?

A `Trace` is a context that decides nothing: it draws, reads health and locates as any other, and writes down
what it was asked and what it said. With the notes of the policies (`Context.note`) that is the story of an
answer, told by the policies themselves. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from r53lite.dns.name import format_name
from r53lite.routing.context import Aspect, ClientLocation, Context, HealthView
from r53lite.routing.record_set import RecordSet, RecordSetGroup
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


class Visit(NamedTuple):
    """A policy at work on one group: what happened meanwhile, in order, and what it selected."""

    group: RecordSetGroup
    events: list[Asked | Chose | Arranged | object]
    selected: list[Selection]

    @property
    def selection(self) -> Selection:
        """Return what the policy selected."""
        return self.selected[0]


class _TracedHealth:
    """A health view that tells a trace what it is asked."""

    def __init__(self, health: HealthView, tell: Callable[[object], None]) -> None:
        self._health = health
        self._tell = tell

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy, and tell."""
        is_healthy = self._health.is_healthy(health_check)
        self._tell(Asked(health_check, is_healthy))
        return is_healthy


class Trace(Context):
    """A context that writes down what it is asked. `visits` are those of the outermost groups, in order; a
    visit within another is one of its events.
    """

    __slots__ = ("_open", "is_located", "visits")

    def __init__(
        self,
        health: HealthView,
        location: ClientLocation | Callable[[], ClientLocation],
        draw: Callable[[int], int],
    ) -> None:
        super().__init__(_TracedHealth(health, self._tell), location, draw)
        self.visits: list[Visit] = []
        self.is_located = False
        self._open: list[Visit] = []

    def look_at(self, aspect: Aspect) -> ClientLocation:
        """Return where the client is, and note that it counted."""
        self.is_located = True
        return super().look_at(aspect)

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

    def note(self, what: object) -> None:
        """Begin or end the visit of a group, or write down what its policy says."""
        if isinstance(what, RecordSetGroup):
            visit = Visit(what, [], [])
            if self._open:
                self._open[-1].events.append(visit)
            else:
                self.visits.append(visit)
            self._open.append(visit)
        elif isinstance(what, Selection):
            self._open.pop().selected.append(what)
        else:
            self._tell(what)

    def _tell(self, event: object) -> None:
        """Write an event down; what happens outside of groups is the order of plain records."""
        if self._open:
            self._open[-1].events.append(event)


# --- what a group can come to -------------------------------------------------------------------------------


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


def target_of(record_set: RecordSet) -> RecordSetGroup | None:
    """Return the group that an alias leads to; None for any other set, and where there is none."""
    alias = getattr(record_set, "alias", None)
    target = None if alias is None else alias.target
    return target if isinstance(target, RecordSetGroup) else None


def checks_below(groups: Iterable[RecordSetGroup]) -> frozenset[str]:
    """Return the health checks that groups and all below them name."""
    return frozenset(
        record_set.health_check
        for outer in groups
        for group in groups_below(outer)
        for record_set in group.sets
        if record_set.health_check is not None
    )


def sets_on_path(group: RecordSetGroup, selection: Selection) -> list[RecordSet]:
    """Return the sets that a selection comes from: the aliases on the way, and those with the values."""
    found = list(selection.chosen)
    below: RecordSetGroup | None = group
    for step in selection.path:
        passed = None if below is None else next((one for one in below.sets if one.id == step), None)
        if passed is None:
            break
        if passed not in found:
            found.append(passed)
        below = target_of(passed) or below
    return found


def alias_to(record_set: RecordSet) -> str | None:
    """Return the name that an alias leads to, as text; None for any other set."""
    alias = getattr(record_set, "alias", None)
    return None if alias is None else format_name(alias.owner)


def is_evaluated(record_set: RecordSet, target: RecordSetGroup) -> bool | None:
    """Say whether an alias counts the health of its target; None where it leads elsewhere."""
    alias = getattr(record_set, "alias", None)
    if alias is None or (alias.target is not target and alias.owner != target.owner):
        return None
    return bool(alias.evaluate_target_health)


def short_story(trace: Trace) -> str:
    """Return what the policies selected in one line: `latency: us > weighted: blue, 40/100`."""
    return "; ".join(" > ".join(_short_visit(visit)) for visit in trace.visits)


def _short_visit(visit: Visit) -> Iterator[str]:
    """Yield a few words for a group, and for those that it took its answer from."""
    path = visit.selection.path
    draws = [event for event in visit.events if isinstance(event, Chose)]
    share = f" {draws[-1].weights[draws[-1].drawn]}/{sum(draws[-1].weights)}" if draws else ""
    inner = [event for event in visit.events if isinstance(event, Visit)]
    taken = inner[-1] if inner and path[1:] == inner[-1].selection.path else None
    ids = path[:1] if taken is not None else path
    yield f"{visit.group.policy}: {' '.join(ids) or 'nothing'}{share}"
    if taken is not None:
        yield from _short_visit(taken)
