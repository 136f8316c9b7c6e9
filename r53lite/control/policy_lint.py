"""What in sound policies is probably not what their owner meant?

Each finding is a warning of `r53lite check`; the groups are served all the same. A group is tried as a few
clients (`lint_clients`) and in a few health states (`lint_trial`): for sets that never answer
(`lint_idle_sets`), and for the failure of each single check (`lint_survival`). Pure.

Source: docs/route53/routing-policies.md §2; the advice on TTLs is AWS's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from r53lite.control.lint_clients import LintClients
from r53lite.control.lint_idle_sets import IdleSets
from r53lite.control.lint_survival import MAX_EXAMPLES, Survival, survival_of
from r53lite.control.lint_targets import AssumedTargets
from r53lite.control.lint_trial import StatedHealth, Trial
from r53lite.dns.name import format_name
from r53lite.dns.rrtypes import format_rrtype
from r53lite.errors import Fault
from r53lite.health.model import HealthCheck
from r53lite.routing.facts import ordered_sets
from r53lite.routing.locations import Locations
from r53lite.routing.record_set import DEFAULT, OutsideTarget, RecordSet, RecordSetGroup
from r53lite.routing.tracing import checks_below
from r53lite.zone.model import Zone
from r53lite.zone.node import PolicyNode

MAX_TTL_S = 60  # what AWS advises for records with health checks

Place = tuple[str, int]
"""A file and a line."""


class PolicyFindings(NamedTuple):
    """Warnings, each at the file and line of its group, set or check; and which groups survive a failure, of
    those that have health checks.
    """

    faults: list[Fault]
    survivals: list[Survival]


def lint_policies(
    zones: Iterable[Zone],
    health_checks: Mapping[str, HealthCheck],
    locations: Locations,
    places: Mapping[str, Place],
    targets: AssumedTargets,
) -> PolicyFindings:
    """Look at all groups and health checks.

    Args:
        zones: sound zones.
        health_checks: all there are.
        locations: where clients are.
        places: where each health check is defined.
        targets: what the names outside have that aliases lead to.
    """
    groups = [group for zone in zones for group in groups_of(zone)]
    clients = LintClients(locations)
    found: list[Fault] = []
    survivals = []
    for group in groups:
        trial = Trial(group, health_checks, clients, targets)
        linter = _Linter(trial, clients)
        found += linter.look()
        if trial.checks:
            survivals.append(survival_of(trial))
            found += linter.judge(survivals[-1])
    used = checks_below(groups)
    for check in health_checks:
        if check not in used:
            file, line = places.get(check, ("", 0))
            found.append(Fault(file, line, f"health check {check!r} is used by no record", is_error=False))
    return PolicyFindings(found, survivals)


def groups_of(zone: Zone) -> Iterator[RecordSetGroup]:
    """Yield the groups of a zone."""
    for owner in zone.names:
        packed = zone.names.get(owner)
        if isinstance(packed, PolicyNode):
            yield from (data for data in packed.data.values() if isinstance(data, RecordSetGroup))


class _Linter:
    """Looks at one group."""

    def __init__(self, trial: Trial, clients: LintClients) -> None:
        self._trial = trial
        self._group = trial.group
        self._clients = clients
        self._name = f"{format_name(self._group.owner)} {format_rrtype(self._group.rrtype)}"

    def look(self) -> Iterator[Fault]:
        """Yield the findings but for survival."""
        yield from self._look_for_nobody()
        yield from self._look_at_weights()
        yield from self._look_at_ttl()
        yield from self._look_for_unmapped()
        for record_set, reason in IdleSets(self._trial).find():
            yield self._warn(f"set {record_set.id!r} can never answer: {reason}", record_set)

    def judge(self, survival: Survival) -> Iterator[Fault]:
        """Yield the warning where a group does not survive, or where nobody knows."""
        if survival.survives is None:
            yield self._warn("has too many outcomes to tell whether it survives any one failure")
        elif not survival.survives:
            reason = f"does not survive the failure of health check {survival.check!r}: it then answers"
            who = f" to {survival.client}" if survival.client else ""
            yield self._warn(f"{reason} {survival.answer}{who}")

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
            for client in self._clients.visitors(group.blocks)
            if not ordered_sets(group, StatedHealth(), client.location, client.prefix)
        ]
        shown = ", ".join(lost[:MAX_EXAMPLES])
        such = f"clients such as {shown} get" if lost else "a client that no set is for gets"
        yield self._warn(f"has no default set: {such} no answer (routing-policies.md §{_section(group)})")

    def _look_for_unmapped(self) -> Iterator[Fault]:
        """Look for aliases to names outside that the settings have no entry for."""
        for record_set in self._group.sets:
            target = None if record_set.alias is None else record_set.alias.target
            if isinstance(target, OutsideTarget) and self._trial.targets.get(target) is None:
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
            all_sets = "all sets come evenly" if len(group.sets) > 1 else "its only set always comes"
            yield self._warn(f"has weights of 0 alone: that switches nothing off, {all_sets}")
            return
        if any(record_set.weight for record_set in self._trial.certain):
            return  # then it never comes, which is told for itself
        for record_set in self._trial.certain:
            if not record_set.weight:
                reason = f"set {record_set.id!r} has weight 0 and no health check"
                others = any(one is not record_set and not one.weight for one in group.sets)
                what = "with others of weight 0 it takes" if others else "it takes"
                more = f"{what} all traffic once every weighted set is down"
                yield self._warn(f"{reason}: {more}", record_set)

    def _look_at_ttl(self) -> Iterator[Fault]:
        """Look for answers that outlive a failover by far."""
        for record_set in self._group.sets:
            is_checked = record_set.health_check is not None and record_set.alias is None
            if is_checked and record_set.ttl > MAX_TTL_S:
                reason = f"has TTL {record_set.ttl} and health checks: for so many seconds resolvers keep"
                advice = f"a target that is down; AWS advises {MAX_TTL_S} at most"
                yield self._warn(f"{reason} {advice}", record_set)
                return


# --- what a set is for --------------------------------------------------------------------------------------


def _section(group: RecordSetGroup) -> str:
    return "2.4" if group.policy == "geolocation" else "2.6"


def _is_default(record_set: RecordSet) -> bool:
    """Say whether a set is for all clients that no other is for."""
    if record_set.location is not None:
        return record_set.location.country == DEFAULT
    return record_set.cidr is not None and record_set.cidr.location == DEFAULT
