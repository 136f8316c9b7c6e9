"""Where does a group lead, through its aliases, for this client now?

`Walk.select` is the one algorithm behind all policies (alias-trees.md §3.3). A policy puts the sets of a
group in order, lazily; the first that is healthy answers. An alias that evaluates its target's health is
backed out of where nothing below it is healthy; one that does not is never left. Where a whole group is
unhealthy, the last resort takes this level as healthy and descends by policy, level by level from the root.

Where chance decides, whatever the client counts for in any of the branches counts for the answer, drawn or
not (`Walk._glance`): whoever shares an answer within its scope has the same chances (RFC 7871 §7.2.1). That
is so within one tree; of CNAMEs that chance chooses among, the one that was drawn is followed alone.

What a walk has found out about a group (nothing is healthy below it; nothing is to be had below it) it does
not find out twice: groups that share targets would otherwise be walked through exponentially often.

Source: docs/route53/alias-trees.md §3.1 to §3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from r53lite.routing import multivalue, weighted
from r53lite.routing.context import EVERYTHING, Context
from r53lite.routing.record_set import AliasTarget, OutsideTarget, RecordSet, RecordSetGroup
from r53lite.routing.selection import NOTHING, UNUSABLE, Selection, healthy_sets, select_one

MAX_DEPTH = 32  # our choice `[INF]`: so many aliases in a row; longer chains are refused when they are loaded
MAX_GLANCED = 16  # our choice: groups of which each costs up to 0.1 ms for a client seen for the first time
OUTSIDE_TTL = 60  # alias-trees.md §3.1: what Route 53 gives load balancers

Order = Callable[[RecordSetGroup, Sequence[RecordSet], Context], Iterable[RecordSet]]
"""Which of the given sets of a group comes first, second, …; sets that are not for the client do not come."""


class Walk:
    """One walk through a tree, for one query.

    Args:
        order: asks a group's policy for the order of sets.
        context: health, location and chance of this query.
    """

    def __init__(self, order: Order, context: Context) -> None:
        self._order = order
        self._context = context
        self._unhealthy: set[int] = set()
        self._hopeful_groups: set[int] = set()
        self._empty: dict[int, Selection] = {}
        self._has_data_below: dict[int, bool | None] = {}
        self._glanced: set[int] = set()

    def select(self, group: RecordSetGroup) -> Selection:
        """Return what a group answers: of what is healthy, else the last resort."""
        found = self._find(group)
        return self._last_resort(group) if found is None else found

    def _find(self, group: RecordSetGroup) -> Selection | None:
        """Return what a group answers of what is healthy; None where nothing is."""
        self._context.enter(group, is_last_resort=False)
        found = self._find_healthy(group)
        self._context.leave(found)
        return found

    def _find_healthy(self, group: RecordSetGroup) -> Selection | None:
        """Go through the sets of a group for `_find`.

        Source: alias-trees.md §3.3, the loop.
        """
        if id(group) in self._unhealthy:
            return None
        sets = healthy_sets(group, self._context)
        if group.policy == "multivalue":
            return multivalue.sample(sets, self._context) if sets else None
        for turn in _turns(group, sets):
            if group.policy == "weighted":
                turn = self._hopeful(turn)
                self._glance_at(turn)
            for record_set in self._order(group, turn, self._context):
                selection = self._try(record_set)
                if selection is not None:
                    return selection
        self._unhealthy.add(id(group))
        return None

    def _hopeful(self, sets: Sequence[RecordSet]) -> Sequence[RecordSet]:
        """Leave out aliases below which nothing is healthy, before chance decides.

        To draw such a set, to back out of it and to draw again gives the others the same shares. But every
        order of drawing is a branch of its own to those who walk through all choices, and six sets have 720.
        """
        hopeless = [one for one in sets if one.alias is not None and self._is_hopeless(one.alias)]
        for record_set in hopeless:
            self._context.pass_over(record_set)
        return [one for one in sets if one not in hopeless] if hopeless else sets

    def _is_hopeless(self, alias: AliasTarget) -> bool:
        """Say whether an alias would be backed out of for sure, whatever chance decides below it."""
        if not alias.evaluate_target_health:
            return False
        if isinstance(alias.target, RecordSetGroup):
            return self._is_unhealthy(alias.target)
        return alias.target is None or not self._context.rdatas_of(alias.target)

    def _is_unhealthy(self, group: RecordSetGroup) -> bool:
        """Say whether `_find` has nothing for a group, without drawing."""
        if id(group) in self._unhealthy:
            return True
        if id(group) in self._hopeful_groups:
            return False
        sets = self._order_of(group, healthy_sets(group, self._context))
        is_unhealthy = all(one.alias is not None and self._is_hopeless(one.alias) for one in sets)
        (self._unhealthy if is_unhealthy else self._hopeful_groups).add(id(group))
        return is_unhealthy

    def _try(self, record_set: RecordSet) -> Selection | None:
        """Return what a set answers that is healthy of its own; None backs out of it."""
        self._context.consider(record_set)
        alias = record_set.alias
        if alias is None:
            return select_one(record_set)
        found: Selection | None
        if isinstance(alias.target, RecordSetGroup):
            found = self._reach(alias.target, is_last_resort=not alias.evaluate_target_health)
        else:
            found = self._outside(alias.target)
            if alias.evaluate_target_health and not found.rdatas:
                return None
        if found is None:
            return None
        return found._replace(is_healthy=found.is_usable).below(record_set)

    def _reach(self, group: RecordSetGroup, *, is_last_resort: bool) -> Selection | None:
        """Return what a group answers that an alias leads to; None, where nothing in it is healthy and a last
        resort is not asked for, backs out of it.
        """

        def reach(context: Context) -> Selection | None:
            walk = self if context is self._context else Walk(self._order, context)
            return walk.select(group) if is_last_resort else walk._find(group)

        return self._context.below(group, is_last_resort, reach)

    def _last_resort(self, group: RecordSetGroup) -> Selection:
        """Return what a group answers where nothing in it is healthy: all count as healthy at this level."""
        self._context.enter(group, is_last_resort=True)
        found = self._take_any(group)
        self._context.leave(found)
        return found

    def _take_any(self, group: RecordSetGroup) -> Selection:
        """Go through the sets of a group for `_last_resort`.

        A set that yields no data loses to a sibling that has some.

        Source: alias-trees.md §3.3, behind the loop `[INF]`.
        """
        if group.policy == "multivalue":
            return multivalue.sample(group.sets, self._context)._replace(is_healthy=False)
        known = self._empty.get(id(group))
        if known is not None:
            return known
        first = NOTHING
        for turn in _turns(group, group.sets):
            is_barren = False
            if group.policy == "weighted":
                self._glance_at(turn)
                turn, is_barren = self._fruitful(turn)
                if is_barren and first is not NOTHING:
                    continue
            for record_set in self._order(group, turn, self._context):
                selection = self._descend(record_set)._replace(is_healthy=False)
                if selection.rdatas:
                    return selection
                if first is NOTHING:
                    first = selection
                if is_barren:
                    break  # nor have the others any data
        self._empty[id(group)] = first
        return first

    def _fruitful(self, sets: Sequence[RecordSet]) -> tuple[Sequence[RecordSet], bool]:
        """Return which sets of a last resort chance decides among, and whether none of them has data.

        Where one has data for sure, those that have none are left out: see `_hopeful`.
        """
        has_data = [self._has_data(one) for one in sets]
        if any(has_data):
            return [one for one, has in zip(sets, has_data, strict=True) if has is not False], False
        return sets, None not in has_data

    def _has_data(self, record_set: RecordSet) -> bool | None:
        """Say whether a set of a last resort yields data, whatever chance decides below it; None where chance
        decides that.
        """
        alias = record_set.alias
        if alias is None:
            return bool(record_set.rdatas)
        if not isinstance(alias.target, RecordSetGroup):
            return alias.target is not None and bool(self._context.rdatas_of(alias.target))
        group = alias.target
        if id(group) not in self._has_data_below:
            self._has_data_below[id(group)] = self._has_group_data(group)
        return self._has_data_below[id(group)]

    def _has_group_data(self, group: RecordSetGroup) -> bool | None:
        """Say the same of what `select` comes to in a group: of one that is unhealthy, any set will do."""
        if group.policy == "multivalue":
            return True
        is_last_resort = self._is_unhealthy(group)
        if is_last_resort:
            sets = self._order_of(group, group.sets)
        elif group.policy == "weighted":
            sets = self._first_turn(healthy_sets(group, self._context), is_last_resort=False)
        else:
            sets = self._first_hopeful(group, healthy_sets(group, self._context))
        found: set[bool | None] = set()
        for record_set in sets:
            found.add(self._has_data(record_set))
            if is_last_resort and True in found:
                return True
        return None if None in found or len(found) > 1 else True in found

    def _descend(self, record_set: RecordSet) -> Selection:
        """Return what a set answers, healthy or not; below an alias healthy sets are preferred again."""
        self._context.consider(record_set)
        alias = record_set.alias
        if alias is None:
            return select_one(record_set)
        if isinstance(alias.target, RecordSetGroup):
            found = self._reach(alias.target, is_last_resort=True)
            return NOTHING if found is None else found.below(record_set)
        return self._outside(alias.target).below(record_set)

    def _outside(self, target: OutsideTarget | None) -> Selection:
        """Return the addresses of an outside name; none of this type is NODATA. A name that is not known, or
        no name at all, is unusable.
        """
        rdatas = None if target is None else self._context.rdatas_of(target)
        if rdatas is None:
            return UNUSABLE
        return Selection(OUTSIDE_TTL, rdatas, ()) if rdatas else NOTHING

    # --- branches that chance may not take ------------------------------------------------------------------

    def _glance_at(self, sets: Iterable[RecordSet]) -> None:
        """Look at what counts of the client below sets of which chance takes one."""
        for record_set in sets:
            target = None if record_set.alias is None else record_set.alias.target
            if isinstance(target, RecordSetGroup) and target.is_located:
                self._glance(target)

    def _glance(self, group: RecordSetGroup) -> None:
        """Look at what counts of the client for what `select` would do with a group, without drawing.

        Of a last resort all sets count that are for the client, and of a tree so wide that looking at each
        group would take long, everything that is known of the client.
        """
        if id(group) in self._glanced:
            return
        self._glanced.add(id(group))
        if len(self._glanced) > MAX_GLANCED:
            self._glance_at_all(group)
            return
        is_last_resort = self._is_unhealthy(group)
        sets = list(group.sets) if is_last_resort else healthy_sets(group, self._context)
        if group.policy == "weighted":
            self._glance_at(self._first_turn(sets, is_last_resort=is_last_resort))
        elif group.policy != "multivalue":
            if is_last_resort:
                self._glance_at(self._order(group, sets, self._context))
            else:
                self._glance_at(self._first_hopeful(group, sets))

    def _first_turn(self, sets: list[RecordSet], *, is_last_resort: bool) -> Sequence[RecordSet]:
        """Return of which sets of a weighted group chance takes one; of more where a last resort may lead on,
        because what it takes first may have no data.
        """
        for turn in weighted.turns(sets):
            if is_last_resort:
                return sets if any(one.alias is not None for one in turn) else turn
            hopeful = [one for one in turn if one.alias is None or not self._is_hopeless(one.alias)]
            if hopeful:
                return hopeful
        return ()

    def _first_hopeful(self, group: RecordSetGroup, sets: list[RecordSet]) -> Sequence[RecordSet]:
        """Return the set that answers of a group whose policy leaves nothing to chance; none may."""
        for record_set in self._order(group, sets, self._context):
            if record_set.alias is None or not self._is_hopeless(record_set.alias):
                return (record_set,)
        return ()

    def _order_of(self, group: RecordSetGroup, sets: Sequence[RecordSet]) -> Iterable[RecordSet]:
        """Return the sets that are for the client, without drawing: in order, as far as there is one."""
        if group.policy in ("weighted", "multivalue"):
            return sets
        return self._order(group, sets, self._context)

    def _glance_at_all(self, group: RecordSetGroup) -> None:
        """Look at all that may count of the client in a group and below it: a longer scope, found sooner."""
        self._context.look_at(EVERYTHING)
        if group.blocks is not None:
            self._context.locations_in(group.blocks)
        self._glance_at(group.sets)


def _turns(group: RecordSetGroup, sets: Sequence[RecordSet]) -> Iterable[Sequence[RecordSet]]:
    """Return the sets that are looked at together: chance decides only among these."""
    return weighted.turns(sets) if group.policy == "weighted" else (sets,)
