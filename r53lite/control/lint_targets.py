"""What do the names outside a zone have that aliases lead to, as far as files tell `policy_lint`?

A settings file gives them addresses, or names that a running server resolves. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable

from r53lite.config.target_settings import TargetRule, rule_for
from r53lite.dns.rrtypes import ADDRESS_OCTETS
from r53lite.routing.record_set import OutsideTarget


class AssumedTargets:
    """What outside names have as far as the settings tell: their addresses, and one where they are to be
    resolved, because that is a matter of the running server.

    Args:
        rules: the settings' `targets`; None where they are not known, and every name has an address.
    """

    def __init__(self, rules: tuple[TargetRule, ...] | None = None) -> None:
        self._rules = rules

    def get(self, target: OutsideTarget, /) -> tuple[bytes, ...] | None:
        """Return the rdata of an outside name, or some; None for one that no entry is for."""
        some = (bytes(ADDRESS_OCTETS[target.rrtype]),)
        if self._rules is None:
            return some
        rule = rule_for(self._rules, target.owner)
        if rule is None:
            return None
        return rule.addresses_of(target.rrtype) or (some if rule.names else ())

    def can_fail(self, target: OutsideTarget) -> bool:
        """Say whether a name may have an address now and none then."""
        rule = None if self._rules is None else rule_for(self._rules, target.owner)
        return self._rules is None or (rule is not None and bool(rule.names))


class TargetsLost:
    """Outside names of which some have no address at the moment."""

    def __init__(self, targets: AssumedTargets, lost: Collection[Hashable]) -> None:
        self._targets = targets
        self._lost = lost

    def get(self, target: OutsideTarget, /) -> tuple[bytes, ...] | None:
        """Return the rdata of an outside name."""
        return () if target in self._lost else self._targets.get(target)
