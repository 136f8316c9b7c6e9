"""What did the policies of one name do, in words?

Each `routing.tracing.Visit` is told in the order in which things happened: the group with its candidates, the
health that was looked at, what was drawn or came first, where an alias leads and whether it was backed out
of. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from r53lite.answering.odds_report import Shape, location_shape
from r53lite.dns.name import format_name
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rrtypes import format_rrtype
from r53lite.health.table import HealthTable
from r53lite.routing.cidr_index import ClientPrefix
from r53lite.routing.context import ClientLocation
from r53lite.routing.facts import fact_of, ordered_sets
from r53lite.routing.record_set import AliasTarget, RecordSet, RecordSetGroup
from r53lite.routing.tracing import Arranged, Asked, Chose, Considered, PassedOver, Resolved, Story, Visit


def make_step(kind: str, text: str, **facts: object) -> Shape:
    """Return one step: its kind, its words, and the same as facts for machines."""
    return {"step": kind, "text": text, **facts}


def count(number: int, what: str) -> str:
    """Return a number of things: `1 set`, `3 sets`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


class PolicyTeller:
    """Puts the stories of one answer in words.

    Args:
        health: the table that the policies looked at, for causes and ages.
        location: where the client is.
        client: its prefix.
        now: monotonic seconds; None where no server has looked.
    """

    def __init__(
        self, health: HealthTable, location: ClientLocation, client: ClientPrefix, now: float | None
    ) -> None:
        self._health = health
        self._location = location
        self._client = client
        self._now = now
        self._told: set[int] = set()

    def tell(self, story: Story) -> Iterator[Shape]:
        """Yield the steps of one name."""
        for visit in story.visits:
            yield from self._tell_visit(visit)

    def _tell_visit(self, visit: Visit) -> Iterator[Shape]:
        """Yield what happened while a group was looked through."""
        yield self._tell_policy(visit)
        told: set[str] = set()
        weights: Chose | None = None
        alias: RecordSet | None = None
        for event in visit.events:
            match event:
                case Asked(check):
                    if check not in told:
                        told.add(check)
                        yield self._tell_health(visit.group, event)
                case Chose():
                    weights = event
                case Arranged():
                    yield _tell_arrangement(event)
                case Considered(record_set):
                    yield _tell_turn(visit.group, record_set, weights)
                    weights, alias = None, record_set
                    if record_set.alias is not None:
                        yield _tell_alias(record_set, record_set.alias)
                case PassedOver(record_set):
                    yield _tell_hopeless(record_set)
                case Resolved():
                    yield _tell_outside(event)
                case Visit():
                    yield from self._tell_visit(event)
                    if alias is not None and not event.is_last_resort:
                        yield _tell_way_back(alias, event, is_leaving=not visit.is_last_resort)
        if visit.is_last_resort and not any(
            isinstance(event, Considered | Arranged) for event in visit.events
        ):
            yield make_step("draw", "no set is for this client", drawn=None)

    # --- a group and its candidates -------------------------------------------------------------------------

    def _tell_policy(self, visit: Visit) -> Shape:
        """Say which policy chooses among what; of a group that was told of before, why it comes again."""
        group = visit.group
        name = f"{format_name(group.owner)} {format_rrtype(group.rrtype)}"
        where = f"{group.file}:{group.line}" if group.line else group.file
        facts: Shape = {"policy": group.policy, "name": name, "place": where}
        if visit.is_last_resort:
            text = f"no healthy set of the {group.policy} group {name} answers; as a last resort all count"
            if not ordered_sets(group, self._health, self._location, self._client):
                text = f"no set of the {group.policy} group {name} is for this client, and it has no default"
            return make_step("policy", text, is_last_resort=True, **facts)
        if id(group) in self._told:
            return make_step("policy", f"the {group.policy} group {name} again", **facts)
        self._told.add(id(group))
        mine = ordered_sets(group, self._health, self._location, self._client)
        others = [one for one in group.sets if one not in mine]
        candidates = [self._candidate_shape(one, group, is_mine=True) for one in mine]
        candidates += [self._candidate_shape(one, group, is_mine=False) for one in others]
        listed = "; ".join(str(candidate["text"]) for candidate in candidates)
        text = f"policy {group.policy} of {name} ({where}), {count(len(group.sets), 'set')}: {listed}"
        seen = self._seen(group)
        if seen.source != self._location.source:
            text += f"; all of the client subnet is to this policy like its first address, by {seen.source}"
            facts["seen"] = location_shape(seen)
        return make_step("policy", text, candidates=candidates, **facts)

    def _seen(self, group: RecordSetGroup) -> ClientLocation:
        """Return where the client is to a policy."""
        return self._location if group.view is None else group.view.seen(self._location)

    def _candidate_shape(self, record_set: RecordSet, group: RecordSetGroup, *, is_mine: bool) -> Shape:
        """Return one candidate: its values or target, the fact its policy goes by, and its health."""
        shape: Shape = {"id": record_set.id}
        words = [record_set.id or "its only set"]
        fact = fact_of(group, record_set, self._seen(group))
        if fact:
            shape["fact"] = fact
            words.append(f"({fact})")
        if record_set.alias is None:
            shape["values"] = [format_rdata(group.rrtype, rdata) for rdata in record_set.rdatas]
        else:
            shape["alias"] = format_name(record_set.alias.owner)
            words.append(f"→ {shape['alias']}")
        if record_set.health_check is None:
            words.append("without a check")
        else:
            shape["health_check"] = record_set.health_check
            shape.update(self._status_shape(record_set.health_check))
            words.append("healthy" if shape["healthy"] else "unhealthy")
        if not is_mine:
            shape["is_for_client"] = False
            words.append("but not for this client")
        return {**shape, "text": " ".join(words)}

    def _status_shape(self, check: str) -> Shape:
        """Return what is known of a check."""
        status = self._health.statuses.get(check)
        if status is None:
            return {"healthy": self._health.is_healthy(check), "reason": "nothing is known of the check"}
        shape: Shape = {"healthy": status.is_healthy, "reason": status.last_reason}
        if self._now is not None and status.checked_at is not None:
            shape["age_s"] = round(self._now - status.changed_at, 1)
            shape["checked_s_ago"] = round(self._now - status.checked_at, 1)
        return shape

    def _tell_health(self, group: RecordSetGroup, event: Asked) -> Shape:
        """Say how a check is that was looked at, since when and why."""
        shape = self._status_shape(event.check)
        users = [one.id for one in group.sets if one.health_check == event.check]
        verdict = "healthy" if event.is_healthy else "unhealthy"
        age = f" for {shape['age_s']:.0f} s" if "age_s" in shape else ""
        of = f" of {', '.join(users)}" if any(users) else ""
        text = f"health check {event.check}{of} is {verdict}{age}: {shape['reason']}"
        return make_step("health", text, health_check=event.check, sets=users, **shape)


# --- chance and aliases -------------------------------------------------------------------------------------


def _tell_turn(group: RecordSetGroup, record_set: RecordSet, chose: Chose | None) -> Shape:
    """Say how a set came to have its turn: it was drawn, or its policy put it there."""
    name = record_set.id or "its only set"
    if chose is None:
        whys = {"weighted": "is all that is left", "simple": "is all there is"}
        why = whys.get(group.policy, "comes next in the order")
        return make_step("draw", f"{name} {why}; nothing is drawn", drawn=record_set.id)
    weight, total = chose.weights[chose.drawn], sum(chose.weights)
    text = f"chance drew {name}, which has {weight} of {total}"
    probability = str(Fraction(weight, total))
    return make_step("draw", text, drawn=record_set.id, weights=list(chose.weights), probability=probability)


def _tell_arrangement(event: Arranged) -> Shape:
    """Say that records come in random order, or are a sample."""
    wanted = len(event.order)
    text = f"chance drew {wanted} of {event.among} sets"
    if wanted == event.among:
        text = f"{'its only set comes' if wanted == 1 else f'all {wanted} sets come, in random order'}"
    return make_step("draw", text, wanted=wanted, of=event.among)


def _tell_alias(record_set: RecordSet, alias: AliasTarget) -> Shape:
    """Say where an alias leads."""
    target = f"{format_name(alias.owner)} {format_rrtype(alias.rrtype)}"
    facts = {"set": record_set.id, "target": target, "evaluate_target_health": alias.evaluate_target_health}
    name = record_set.id or "the record"
    if alias.target is None:
        return make_step("alias", f"{name} is an alias of {target}, which does not exist", **facts)
    counts = "whose health counts" if alias.evaluate_target_health else "whose health does not count"
    return make_step("alias", f"{name} is an alias of {target}, {counts}", **facts)


def _tell_hopeless(record_set: RecordSet) -> Shape:
    """Say that an alias is left out of the draw."""
    assert record_set.alias is not None  # only an alias is passed over
    target = format_name(record_set.alias.owner)
    why = f"nothing healthy below {target} is for this client"
    if record_set.alias.target is None:
        why = f"{target} does not exist"
    text = f"{why}: {record_set.id} is left out of the draw"
    return make_step("alias", text, set=record_set.id, target=target, is_left=True)


def _tell_outside(event: Resolved) -> Shape:
    """Say what is known of an outside name."""
    target = format_name(event.target.owner)
    values = [format_rdata(event.target.rrtype, rdata) for rdata in event.rdatas or ()]
    known = f"has {', '.join(values)}" if values else "has no address that is known now"
    return make_step("alias", f"the outside name {target} {known}", target=target, values=values)


def _tell_way_back(record_set: RecordSet, visit: Visit, *, is_leaving: bool) -> Shape:
    """Say what became of an alias: it answers, is backed out of, or is not left (as in a last resort)."""
    alias = record_set.alias
    assert alias is not None  # only an alias leads to a visit
    name, target = record_set.id or "the record", format_name(visit.group.owner)
    found = visit.result
    if found is not None:
        return make_step("alias", f"{name} answers from {target}", target=target, is_left=False)
    if alias.evaluate_target_health and is_leaving:
        text = f"nothing healthy below {target} is for this client: {name} is backed out of"
        return make_step("alias", text, target=target, is_left=True)
    why = "does not look at that" if is_leaving else "is the last resort"
    text = f"nothing healthy below {target} is for this client, but {name} {why}"
    return make_step("alias", text, target=target, is_left=False)
