"""Which sets of a group can no client ever get, and why?

A group is looked at as a few clients and in a few health states: all healthy, one check down, all down, and
for each set the state that favors it most. That a set can never answer is said only where one that cannot
fail always comes before it, or where every state was looked at; where positions count there are too many.
Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from itertools import combinations

from r53lite.control.lint_clients import POSITIONAL, Client, at_home, recombined
from r53lite.control.lint_trial import StatedHealth, Trial
from r53lite.dns.name import format_name
from r53lite.routing.facts import ordered_sets
from r53lite.routing.odds import TooManyOutcomesError
from r53lite.routing.record_set import OutsideTarget, RecordSet
from r53lite.routing.tracing import checks_below, groups_below, outside_below

MAX_STATES = 4096  # our choice, of health and clients


class IdleSets:
    """Looks for the idle sets of one group."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._group = trial.group

    def find(self) -> Iterator[tuple[RecordSet, str]]:
        """Yield the sets that no client gets in any health state, each with the reason."""
        group = self._group
        if group.policy in ("simple", "multivalue") or len(group.sets) == 1:
            return
        waiting = {one.id: one for one in group.sets if not self._is_beaten(one)}
        beaten = [one.id for one in group.sets if one.id not in waiting]
        try:
            self._strike_often(waiting)
            self._strike_thoroughly(waiting)
        except TooManyOutcomesError:
            waiting.clear()
        for record_set in group.sets:
            if record_set.alias is not None and record_set.alias.target is None:
                continue  # it leads nowhere, which is told elsewhere
            if record_set.id in beaten or record_set.id in waiting:
                yield record_set, self._why(record_set)

    def _strike_often(self, waiting: dict[str, RecordSet]) -> None:
        """Strike off the sets that answer in one of the states in which most do."""
        clients = self._trial.clients.found
        for client in clients:
            for down in ((), self._trial.fallible):
                self._strike(waiting, client, down)
        for client in clients if waiting else ():
            for one in self._trial.fallible:
                self._strike(waiting, client, (one,))
        for record_set in list(waiting.values()):
            only = self._group._replace(sets=(record_set,))
            mine = {*checks_below([only]), *outside_below(only)}
            for client in [*clients, *at_home(record_set)]:
                self._strike(waiting, client, set(self._trial.fallible) - mine)

    def _strike_thoroughly(self, waiting: dict[str, RecordSet]) -> None:
        """Strike off the sets that answer anybody in any state; all, where there are too many states."""
        if not waiting:
            return
        known = [*self._trial.clients.found, *(one for each in waiting.values() for one in at_home(each))]
        clients = recombined(known)
        is_whole = self._trial.clients.is_whole and len(clients) << len(self._trial.fallible) <= MAX_STATES
        if not is_whole or any(one.policy in POSITIONAL for one in groups_below(self._group)):
            waiting.clear()
            return
        for size in range(len(self._trial.fallible) + 1):
            for down in combinations(self._trial.fallible, size):
                for client in clients:
                    self._strike(waiting, client, down)

    def _strike(self, waiting: dict[str, RecordSet], client: Client, down: Collection[Hashable]) -> None:
        """Strike off the sets that answer a client in one health state."""
        if not waiting:
            return
        for outcome in self._trial.outcomes(client, down):
            if outcome.value.path:
                waiting.pop(outcome.value.path[0], None)

    def _is_beaten(self, record_set: RecordSet) -> bool:
        """Say whether a set that cannot fail always comes before another."""
        certain = [one for one in self._trial.certain if one is not record_set]
        match self._group.policy:
            case "weighted":
                return not record_set.weight and any(one.weight for one in certain)
            case "failover":
                return record_set.failover == "secondary" and bool(certain)
            case "geoproximity":
                return any(_is_at_least_as_near(one, record_set) for one in certain)
        return False

    def _why(self, record_set: RecordSet) -> str:
        """Say why a set never answers, as far as its policy makes that plain."""
        policy = self._group.policy
        if record_set.health_check in self._trial.always_down:
            return f"its health check {record_set.health_check!r} is disabled and inverted, so always down"
        target = None if record_set.alias is None else record_set.alias.target
        if isinstance(target, OutsideTarget) and not self._trial.targets.get(target):
            return f"{format_name(target.owner)} has no address of this type"
        if policy == "weighted":
            return "its weight is 0, and a set with a weight is healthy whenever it is"
        if policy == "failover":
            return "the primary is healthy whenever it is"
        if policy == "cidr" and record_set.cidr is not None and self._is_for_nobody(record_set):
            return f"no client is in location {record_set.cidr.location!r} alone"
        return "others come before it, or nothing below it is for its clients"

    def _is_for_nobody(self, record_set: RecordSet) -> bool:
        """Say whether no client has a CIDR set as its first."""
        ordered = (
            ordered_sets(self._group, StatedHealth(), client.location, client.prefix)
            for client in self._trial.clients.found
        )
        return all(not sets or sets[0] is not record_set for sets in ordered)


def _is_at_least_as_near(one: RecordSet, other: RecordSet) -> bool:
    """Say whether a geoproximity set is as near to every client as another, and comes before it."""
    if one.at is None or other.at is None:
        return False
    mine, its = one.at, other.at
    is_same_place = (mine.region, mine.coordinates) == (its.region, its.coordinates)
    return is_same_place and mine.bias >= its.bias and one.id < other.id
