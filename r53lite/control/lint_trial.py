"""What does a group answer in the health states that `policy_lint` tries, and how much of that is too much?

What a group answers is asked of its policy (`routing.odds`): nothing of a policy is worked out a second time.
Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from functools import cached_property

from r53lite.control.lint_clients import Client, Clients, LintClients
from r53lite.control.lint_targets import AssumedTargets, TargetsLost
from r53lite.health.model import HealthCheck
from r53lite.routing.odds import Outcome, Situation, group_outcomes
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.routing.selection import Selection
from r53lite.routing.tracing import checks_below, groups_below, outside_below

MAX_WORK = 200_000  # our choice, outcomes times groups below: some seconds for the worst groups
MAX_OUTCOMES = 5_000  # our choice: a second for one client in one state


class StatedHealth:
    """A health state: all checks are healthy but some. `looked_at` has the checks that were asked for."""

    def __init__(self, down: Iterable[Hashable] = ()) -> None:
        self.down = frozenset(down)
        self.looked_at: set[str] = set()

    def is_healthy(self, health_check: str) -> bool:
        """Say whether a check is healthy."""
        self.looked_at.add(health_check)
        return health_check not in self.down


class Trial:
    """One group on trial.

    Args:
        group: the group.
        health_checks: all there are.
        clients: of all groups.
        targets: what the names outside have that aliases lead to.
    """

    def __init__(
        self,
        group: RecordSetGroup,
        health_checks: Mapping[str, HealthCheck],
        clients: LintClients,
        targets: AssumedTargets,
    ) -> None:
        self.group = group
        self.targets = targets
        self._lint_clients = clients
        known = {check: health_checks.get(check) for check in checks_below([group])}
        fixed = {check: one for check, one in known.items() if one is not None and one.disabled}
        self.checks = sorted(known.keys() - fixed.keys())  # those whose status can change
        self.always_down = {check for check, one in fixed.items() if one.inverted}
        outside = {one for one in outside_below(group) if targets.can_fail(one)}
        self.fallible: list[Hashable] = [*self.checks, *sorted(outside)]
        self._failing = {*self.checks, *self.always_down}
        self._cost = sum(1 for _ in groups_below(group))
        self._work = 0

    @cached_property
    def clients(self) -> Clients:
        """Return the clients to look at the group as."""
        return self._lint_clients.of(self.group)

    @cached_property
    def certain(self) -> list[RecordSet]:
        """Return the sets that cannot be unhealthy, be it by their checks or by those of alias targets."""
        return [
            one
            for one in self.group.sets
            if one.health_check not in self._failing
            and not (one.alias is not None and one.alias.evaluate_target_health)
        ]

    def begin(self) -> None:
        """Begin to count the work anew."""
        self._work = 0

    def outcomes(self, client: Client, down: Collection[Hashable]) -> list[Outcome[Selection]]:
        """Return what a client may be answered in one health state.

        Args:
            client: who asks.
            down: checks and outside names that fail; others do not.

        Raises:
            TooManyOutcomesError: nobody would wait for all that was asked so far, or for this.
        """
        return self.outcomes_and_checks(client, down)[0]

    def outcomes_and_checks(
        self, client: Client, down: Collection[Hashable]
    ) -> tuple[list[Outcome[Selection]], set[str]]:
        """Return what `outcomes` does, and the checks that were looked at: no other makes a difference."""
        health = StatedHealth({*down, *self.always_down})
        targets = TargetsLost(self.targets, down) if down else self.targets
        situation = Situation(health, client.location, client.prefix, targets)
        limit = min((MAX_WORK - self._work) // self._cost, MAX_OUTCOMES)
        found = group_outcomes(self.group, situation, limit)
        self._work += len(found) * self._cost
        return found, health.looked_at
