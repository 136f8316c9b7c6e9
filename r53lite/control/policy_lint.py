"""What in sound policies is probably not what their owner meant?

Each finding is a warning of `r53lite check`; the groups are served all the same. What a group answers is
asked of its policy (`routing.odds`): nothing of a policy is worked out a second time. A group is looked at
as a few clients (`lint_clients`) and in a few health states: all healthy, one check down, all down, and for
each set the state that favors it most. That a set can never answer is said only where one that cannot fail
always comes before it, or where every state was looked at; where positions count there are too many. Pure.

Source: docs/route53/routing-policies.md §2; the advice on TTLs is AWS's.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cached_property
from itertools import combinations

from r53lite.control.lint_clients import POSITIONAL, Client, Clients, LintClients, at_home, recombined
from r53lite.control.lint_targets import AssumedTargets, TargetsLost
from r53lite.dns.name import format_name
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rrtypes import format_rrtype
from r53lite.errors import Fault
from r53lite.health.model import HealthCheck
from r53lite.routing.facts import ordered_sets
from r53lite.routing.locations import Locations
from r53lite.routing.odds import Outcome, Situation, TooManyOutcomesError, group_outcomes
from r53lite.routing.record_set import DEFAULT, OutsideTarget, RecordSet, RecordSetGroup
from r53lite.routing.selection import Selection
from r53lite.routing.tracing import checks_below, groups_below, outside_below, sets_on_path
from r53lite.zone.model import Zone
from r53lite.zone.node import PolicyNode

MAX_TTL_S = 60  # what AWS advises for records with health checks
MAX_EXAMPLES = 3
MIN_PERCENT = Fraction(1, 100)  # less is a fraction
MAX_STATES = 4096  # our choice, of health and clients
MAX_WORK = 100_000  # our choice, outcomes times groups below: some seconds for the worst groups

Place = tuple[str, int]
"""A file and a line."""


class _TooMuchError(Exception):
    """A group has more outcomes than anybody wants to wait for. Never leaves this module."""


class _Health:
    """A health state: all checks are healthy but some."""

    def __init__(self, down: Iterable[Hashable] = ()) -> None:
        self.down = frozenset(down)

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy."""
        return health_check not in self.down


def lint_policies(
    zones: Iterable[Zone],
    health_checks: Mapping[str, HealthCheck],
    locations: Locations,
    places: Mapping[str, Place],
    targets: AssumedTargets,
) -> list[Fault]:
    """Look at all groups and health checks.

    Args:
        zones: sound zones.
        health_checks: all there are.
        locations: where clients are.
        places: where each health check is defined.
        targets: what the names outside have that aliases lead to.

    Returns:
        Warnings, each at the file and line of its group, set or check.
    """
    groups = [group for zone in zones for group in groups_of(zone)]
    clients = LintClients(locations)
    found = [fault for group in groups for fault in _Linter(group, health_checks, clients, targets).look()]
    used = checks_below(groups)
    for check in health_checks:
        if check not in used:
            file, line = places.get(check, ("", 0))
            found.append(Fault(file, line, f"health check {check!r} is used by no record", is_error=False))
    return found


def groups_of(zone: Zone) -> Iterator[RecordSetGroup]:
    """Yield the groups of a zone."""
    for owner in zone.names:
        packed = zone.names.get(owner)
        if isinstance(packed, PolicyNode):
            yield from (data for data in packed.data.values() if isinstance(data, RecordSetGroup))


class _Linter:
    """Looks at one group."""

    def __init__(
        self,
        group: RecordSetGroup,
        health_checks: Mapping[str, HealthCheck],
        clients: LintClients,
        targets: AssumedTargets,
    ) -> None:
        self._group = group
        self._targets = targets
        self._lint_clients = clients
        known = {check: health_checks.get(check) for check in checks_below([group])}
        fixed = {check: one for check, one in known.items() if one is not None and one.disabled}
        self._checks = sorted(known.keys() - fixed.keys())  # those whose status can change
        self._always_down = {check for check, one in fixed.items() if one.inverted}
        self._failing = {*self._checks, *self._always_down}
        self._certain = [one for one in group.sets if not self._can_fail(one)]
        outside = {one for one in outside_below(group) if targets.can_fail(one)}
        self._fallible: list[Hashable] = [*self._checks, *sorted(outside)]
        self._cost = sum(1 for _ in groups_below(group))
        self._work = 0
        self._name = f"{format_name(group.owner)} {format_rrtype(group.rrtype)}"

    def look(self) -> Iterator[Fault]:
        """Yield the findings."""
        yield from self._look_for_nobody()
        yield from self._look_at_weights()
        yield from self._look_at_ttl()
        yield from self._look_for_unmapped()
        try:
            yield from self._look_at_idle_sets()
            yield from self._look_at_survival()
        except TooManyOutcomesError as error:
            yield self._warn(f"has {error}, and is not looked at further")
        except _TooMuchError:
            yield self._warn("has too many outcomes to be looked at further")

    def _warn(self, reason: str, record_set: RecordSet | None = None) -> Fault:
        line = self._group.line if record_set is None else record_set.line or self._group.line
        return Fault(self._group.file, line, f"{self._name} {reason}", is_error=False)

    # --- clients that get nothing ---------------------------------------------------------------------------

    def _look_for_nobody(self) -> Iterator[Fault]:
        """Look for clients for whom a geolocation or CIDR group has no set."""
        group = self._group
        if group.policy not in ("geolocation", "cidr") or any(map(_is_default, group.sets)):
            return
        lost = [
            client.text
            for client in self._lint_clients.visitors(group.blocks)
            if not ordered_sets(group, _Health(), client.location, client.prefix)
        ]
        shown = ", ".join(lost[:MAX_EXAMPLES])
        such = f"clients such as {shown} get" if lost else "a client that no set is for gets"
        yield self._warn(f"has no default set: {such} no answer (routing-policies.md §{_section(group)})")

    def _look_for_unmapped(self) -> Iterator[Fault]:
        """Look for aliases to names outside that the settings have no entry for."""
        for record_set in self._group.sets:
            target = None if record_set.alias is None else record_set.alias.target
            if isinstance(target, OutsideTarget) and self._targets.get(target) is None:
                what = f"leads to {format_name(target.owner)}, outside the zone"
                reason = f"{what}: no entry of 'targets' in r53lite.yaml is for it, so the alias is unusable"
                name = f"set {record_set.id!r}" if record_set.id else "the alias"
                yield self._warn(f"{name} {reason}", record_set)

    # --- weights and TTLs -----------------------------------------------------------------------------------

    def _look_at_weights(self) -> Iterator[Fault]:
        """Look for weights of 0 that do not do what they seem to."""
        group = self._group
        if group.policy != "weighted" or all(record_set.weight for record_set in group.sets):
            return
        if not any(record_set.weight for record_set in group.sets):
            if len(group.sets) > 1:
                yield self._warn("has weights of 0 alone: that switches nothing off, all sets come evenly")
            return
        if any(record_set.weight for record_set in self._certain):
            return  # then it never comes, which is told for itself
        for record_set in self._certain:
            if not record_set.weight:
                reason = f"set {record_set.id!r} has weight 0 and no health check"
                others = any(one is not record_set and not one.weight for one in group.sets)
                what = "with others of weight 0 it takes" if others else "it takes"
                more = f"{what} all traffic once every weighted set is down"
                yield self._warn(f"{reason}: {more}", record_set)

    def _can_fail(self, record_set: RecordSet) -> bool:
        """Say whether a set can be unhealthy: by its check, or by those of its alias's target."""
        if record_set.health_check in self._failing:
            return True
        return record_set.alias is not None and record_set.alias.evaluate_target_health

    def _look_at_ttl(self) -> Iterator[Fault]:
        """Look for answers that outlive a failover by far."""
        for record_set in self._group.sets:
            is_checked = record_set.health_check is not None and record_set.alias is None
            if is_checked and record_set.ttl > MAX_TTL_S:
                reason = f"has TTL {record_set.ttl} and health checks: for so many seconds resolvers keep"
                advice = f"a target that is down; AWS advises {MAX_TTL_S} at most"
                yield self._warn(f"{reason} {advice}", record_set)
                return

    # --- by odds --------------------------------------------------------------------------------------------

    def _outcomes(self, client: Client, down: Collection[Hashable]) -> list[Outcome[Selection]]:
        health = _Health({*down, *self._always_down})
        targets = TargetsLost(self._targets, down) if down else self._targets
        found = group_outcomes(self._group, Situation(health, client.location, client.prefix, targets))
        self._work += len(found) * self._cost
        if self._work > MAX_WORK:
            raise _TooMuchError
        return found

    def _look_at_idle_sets(self) -> Iterator[Fault]:
        """Look for sets that no client gets in any health state."""
        group = self._group
        if group.policy in ("simple", "multivalue") or len(group.sets) == 1:
            return
        waiting = {one.id: one for one in group.sets if not self._is_beaten(one)}
        beaten = [one.id for one in group.sets if one.id not in waiting]
        try:
            self._strike_often(waiting)
            self._strike_thoroughly(waiting)
        except _TooMuchError:
            waiting.clear()
        for record_set in group.sets:
            if record_set.alias is not None and record_set.alias.target is None:
                continue  # it leads nowhere, which is told elsewhere
            if record_set.id in beaten or record_set.id in waiting:
                reason = f"set {record_set.id!r} can never answer: {self._why(record_set)}"
                yield self._warn(reason, record_set)

    def _strike_often(self, waiting: dict[str, RecordSet]) -> None:
        """Strike off the sets that answer in one of the states in which most do."""
        clients = self._clients.found
        for client in clients:
            for down in ((), self._fallible):
                self._strike(waiting, client, down)
        for client in clients if waiting else ():
            for one in self._fallible:
                self._strike(waiting, client, (one,))
        for record_set in list(waiting.values()):
            only = self._group._replace(sets=(record_set,))
            mine = {*checks_below([only]), *outside_below(only)}
            for client in [*clients, *at_home(record_set)]:
                self._strike(waiting, client, set(self._fallible) - mine)

    def _strike_thoroughly(self, waiting: dict[str, RecordSet]) -> None:
        """Strike off the sets that answer anybody in any state; all, where there are too many states."""
        known = [*self._clients.found, *(one for each in waiting.values() for one in at_home(each))]
        clients = recombined(known) if waiting else []
        is_whole = self._clients.is_whole and len(clients) << len(self._fallible) <= MAX_STATES
        if not is_whole or any(one.policy in POSITIONAL for one in groups_below(self._group)):
            waiting.clear()
            return
        for size in range(len(self._fallible) + 1):
            for down in combinations(self._fallible, size):
                for client in clients:
                    self._strike(waiting, client, down)

    def _strike(self, waiting: dict[str, RecordSet], client: Client, down: Collection[Hashable]) -> None:
        """Strike off the sets that answer a client in one health state."""
        if not waiting:
            return
        for outcome in self._outcomes(client, down):
            if outcome.value.path:
                waiting.pop(outcome.value.path[0], None)

    def _is_beaten(self, record_set: RecordSet) -> bool:
        """Say whether a set that cannot fail always comes before another."""
        certain = [one for one in self._certain if one is not record_set]
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
        if record_set.health_check in self._always_down:
            return f"its health check {record_set.health_check!r} is disabled and inverted, so always down"
        target = None if record_set.alias is None else record_set.alias.target
        if isinstance(target, OutsideTarget) and not self._targets.get(target):
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
            ordered_sets(self._group, _Health(), client.location, client.prefix)
            for client in self._clients.found
        )
        return all(not sets or sets[0] is not record_set for sets in ordered)

    def _look_at_survival(self) -> Iterator[Fault]:
        """Look for a single check whose failure leaves its target in an answer, or nothing to answer."""
        self._work = 0
        clients = [(client, _nothing(self._outcomes(client, ()))) for client in self._clients.found]
        for check in self._checks:
            for client, before in clients:
                example = self._dead_answer(client, check, before)
                if example is not None:
                    who = f" to {client.text}" if client.text else ""
                    reason = f"does not survive the failure of health check {check!r}: it then answers"
                    yield self._warn(f"{reason} {example}{who}")
                    return

    def _dead_answer(self, client: Client, check: str, before: Fraction) -> str | None:
        """Return the answer that holds the target of a check that is down, with its probability; or how often
        there is nothing to answer, where that is more often than `before`.
        """
        total, shown = Fraction(), ""
        outcomes = self._outcomes(client, (check,))
        for outcome in outcomes:
            on_path = sets_on_path(self._group, outcome.value)
            dead = next((one for one in on_path if one.health_check == check), None)
            if dead is not None:
                total += outcome.probability
                values = dead.rdatas or outcome.value.rdatas
                shown = shown or ", ".join(format_rdata(self._group.rrtype, rdata) for rdata in values)
        if not total:
            total = _nothing(outcomes)
            if total <= before:
                return None
        share = f"{float(total):.0%}" if total >= MIN_PERCENT else str(total)
        return f"{shown or 'nothing'} (in {share} of answers)"

    @cached_property
    def _clients(self) -> Clients:
        """Return the clients to look at the group as."""
        return self._lint_clients.of(self._group)


# --- what a set is for --------------------------------------------------------------------------------------


def _nothing(outcomes: Iterable[Outcome[Selection]]) -> Fraction:
    """Return how likely there is nothing to answer."""
    return sum((one.probability for one in outcomes if not one.value.rdatas), Fraction())


def _is_at_least_as_near(one: RecordSet, other: RecordSet) -> bool:
    """Say whether a geoproximity set is as near to every client as another, and comes before it."""
    if one.at is None or other.at is None:
        return False
    mine, its = one.at, other.at
    is_same_place = (mine.region, mine.coordinates) == (its.region, its.coordinates)
    return is_same_place and mine.bias >= its.bias and one.id < other.id


def _section(group: RecordSetGroup) -> str:
    return "2.4" if group.policy == "geolocation" else "2.6"


def _is_default(record_set: RecordSet) -> bool:
    """Say whether a set is for all clients that no other is for."""
    if record_set.location is not None:
        return record_set.location.country == DEFAULT
    return record_set.cidr is not None and record_set.cidr.location == DEFAULT
