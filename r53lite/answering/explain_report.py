"""Why does a client get its answer? Step by step, told by what happened when it was made.

The clear path runs once under a `routing.tracing.Trace`, and its story is put in words: view → zone → match →
location → for each policy its candidates, the health it looked at, what was drawn, where an alias leads →
answer. Nothing is worked out a second time: which sets count, in which order and with which weights, is what
the policy said while it chose.

What comes out is the shape that `r53lite explain --json` and `GET /r53lite/v1/explain` share. Pure: chance
and time come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from r53lite.answering.asking import Ask, locate
from r53lite.answering.authoritative import Options, Result, respond
from r53lite.answering.odds_report import Shape, location_shape, zone_of
from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes
from r53lite.dns.name import format_name
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import format_rcode, format_rrtype
from r53lite.health.table import HealthTable
from r53lite.routing.context import ClientLocation
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.routing.selection import Candidates
from r53lite.routing.tracing import Arranged, Asked, Chose, Trace, Visit, alias_to, is_evaluated
from r53lite.zone.lookup import deepest_visible, lookup
from r53lite.zone.model import Zone
from r53lite.zone.outcome import Answer, Cname, Dname, NoData, NxDomain, Outcome, Referral


def report_explanation(
    snapshot: Snapshot, ask: Ask, health: HealthTable, draw: Callable[[int], int], now: float | None
) -> Shape:
    """Return the story of one answer.

    Args:
        snapshot: the zones and locations.
        ask: the question and the client.
        health: the health state, what is stated in the question included.
        draw: a whole number from 0 to n-1, uniform: another draw may give another answer.
        now: monotonic seconds, for the age of a status; None where no server has looked.

    Raises:
        NotOurNameError: no zone holds the name.
    """
    zone = zone_of(snapshot, ask.qname)
    location = locate(ask, snapshot)
    trace = Trace(health, location, draw)
    result = respond(snapshot.catalog, zone, ask.qname, ask.qtype, trace, Options(is_minimal=True))
    teller = _Teller(snapshot, ask, health, now)
    steps = list(teller.tell(trace, location, result))
    return {
        "question": {"name": format_name(ask.qname), "type": format_rrtype(ask.qtype)},
        "client": str(ask.client),
        "location": location_shape(location),
        "steps": steps,
        "answer": _answer_shape(result),
    }


def _answer_shape(result: Result) -> Shape:
    response = result.response
    last = response.answer[-1] if response.answer else None
    shape: Shape = {
        "rcode": format_rcode(response.rcode),
        "ttl": None if last is None else last.ttl,
        "values": [] if last is None else [format_rdata(last.rrtype, rdata) for rdata in last.rdatas],
        "scope_prefix_len": response.scope_prefix_len,
    }
    if result.leaving is not None:
        shape["leaving"] = format_name(result.leaving)
    if result.referral is not None:
        shape["referral"] = format_name(result.referral.ns.owner)
    return shape


class _Teller:
    """Puts one trace in words."""

    def __init__(self, snapshot: Snapshot, ask: Ask, health: HealthTable, now: float | None) -> None:
        self._snapshot = snapshot
        self._ask = ask
        self._health = health
        self._now = now

    def tell(self, trace: Trace, location: ClientLocation, result: Result) -> Iterator[Shape]:
        """Yield the steps."""
        yield _step("view", "one view: every client sees the same zones", view="default")
        visits = iter(trace.visits)
        is_located = False
        for name in _names_on_way(self._ask, result):
            zone = self._zone_of(name)
            if zone is None:
                break
            yield self._tell_zone(zone, name)
            outcome = lookup(zone, name, self._ask.qtype)
            yield _tell_match(zone, name, self._ask.qtype, outcome)
            if isinstance(outcome, Answer | Cname) and isinstance(outcome.data, RecordSetGroup):
                if not is_located:
                    yield self._tell_location(location, is_used=trace.is_located)
                    is_located = True
                visit = next(visits, None)
                if visit is not None:
                    yield from self._tell_visit(visit)
        if not is_located:
            yield self._tell_location(location, is_used=trace.is_located)
        yield _tell_answer(result)

    def _zone_of(self, name: bytes) -> Zone | None:
        """Return the zone that `authoritative.respond` looks a name up in."""
        catalog = self._snapshot.catalog
        zone = catalog.find(name)
        if zone is not None and self._ask.qtype == rrtypes.DS and name == zone.origin:
            return catalog.find_parent_side(name) or zone
        return zone

    def _tell_zone(self, zone: Zone, name: bytes) -> Shape:
        origin = format_name(zone.origin)
        text = f"zone {origin}, serial {zone.serial}, is the longest that holds {format_name(name)}"
        return _step("zone", text, zone=origin, serial=zone.serial, files=list(zone.files))

    def _tell_location(self, location: ClientLocation, *, is_used: bool) -> Shape:
        shape = location_shape(location)
        places = [
            str(shape[key]) for key in ("region", "subdivision", "country", "continent") if key in shape
        ]
        use = "counts for the answer" if is_used else "plays no part in the answer"
        text = f"{self._ask.client} is in {', '.join(places)} by {location.source}, and this {use}"
        return _step("location", text, is_used=is_used, prefix_len=location.prefix_len, **shape)

    # --- policies ---------------------------------------------------------------------------------------

    def _tell_visit(self, visit: Visit) -> Iterator[Shape]:
        """Yield what a policy did with one group."""
        yield self._tell_policy(visit)
        told: set[str] = set()
        order: list[RecordSet] = list(visit.group.sets)
        for event in visit.events:
            if isinstance(event, Candidates):
                order = list(event.order())
            elif isinstance(event, Asked) and event.check not in told:
                told.add(event.check)
                yield self._tell_health(visit.group, event)
            elif isinstance(event, Chose):
                yield _tell_choice(visit, event, order)
            elif isinstance(event, Arranged):
                yield _tell_arrangement(event)
            elif isinstance(event, Visit):
                yield _tell_alias(visit.group, event.group)
                yield from self._tell_visit(event)
                yield _tell_way_back(event)
        if not any(isinstance(event, Chose | Arranged) for event in visit.events):
            yield _tell_no_chance(visit)

    def _tell_policy(self, visit: Visit) -> Shape:
        group = visit.group
        said = next((event for event in visit.events if isinstance(event, Candidates)), None)
        sets = [*said.order()] if said is not None else []
        sets += [record_set for record_set in group.sets if record_set not in sets]
        candidates = [self._candidate_shape(record_set, group, said) for record_set in sets]
        where = f"{group.file}:{group.line}" if group.line else group.file
        listed = "; ".join(str(candidate["text"]) for candidate in candidates)
        text = f"policy {group.policy} ({where}) chooses among {_count(len(group.sets), 'set')}: {listed}"
        return _step("policy", text, policy=group.policy, place=where, candidates=candidates)

    def _candidate_shape(
        self, record_set: RecordSet, group: RecordSetGroup, said: Candidates | None
    ) -> Shape:
        """Return one candidate: its values, the fact its policy goes by, and its health."""
        shape: Shape = {"id": record_set.id}
        target = alias_to(record_set)
        if target is None:
            shape["values"] = [format_rdata(group.rrtype, rdata) for rdata in record_set.rdatas]
        else:
            shape["alias"] = target
        words = [record_set.id]
        if said is not None:
            shape["fact"] = said.fact(record_set)
            words.append(f"({shape['fact']})")
        check = record_set.health_check
        if check is not None:
            shape["health_check"] = check
            shape.update(self._status_shape(check))
            words.append("healthy" if shape["healthy"] else "unhealthy")
        else:
            shape["healthy"] = True
            words.append("without a check")
        shape["text"] = " ".join(words)
        return shape

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
        shape = self._status_shape(event.check)
        users = [record_set.id for record_set in group.sets if record_set.health_check == event.check]
        verdict = "healthy" if event.is_healthy else "unhealthy"
        age = f", for {shape['age_s']:.0f} s" if "age_s" in shape else ""
        text = f"health check {event.check} of {', '.join(users)} is {verdict}{age}: {shape['reason']}"
        return _step("health", text, health_check=event.check, sets=users, **shape)


# --- single steps -------------------------------------------------------------------------------------------


def _step(kind: str, text: str, **facts: object) -> Shape:
    return {"step": kind, "text": text, **facts}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _names_on_way(ask: Ask, result: Result) -> Iterator[bytes]:
    """Yield the question's name, and those that CNAMEs lead to."""
    yield ask.qname
    for rrset in result.response.answer:
        if rrset.rrtype == rrtypes.CNAME and ask.qtype not in (rrtypes.CNAME, rrtypes.ANY):
            yield rrset.rdatas[0]


def _tell_match(zone: Zone, name: bytes, qtype: int, outcome: Outcome) -> Shape:
    """Say what the zone has at a name."""
    shown, asked = format_name(name), format_rrtype(qtype)
    match outcome:
        case Answer(_, data, is_wildcard) | Cname(_, data, is_wildcard):
            kind = "wildcard" if is_wildcard else "name"
            at = shown
            if is_wildcard:
                place = deepest_visible(zone, name)
                assert place is not None
                at = f"*.{format_name(place[0]).removeprefix('.')}"
                shown = f"{shown} does not exist; {at}"
            what = format_rrtype(data.rrtype)
            text = f"{shown} has {_what_it_is(data)} of type {what}"
            if data.rrtype != qtype:
                text += f", which stands for {asked}"
            return _step("match", text, match=kind, name=at, type=what)
        case Dname(rrset):
            owner = format_name(rrset.owner)
            return _step("match", f"{shown} lies below the DNAME at {owner}", match="dname", name=owner)
        case Referral(ns):
            cut = format_name(ns.owner)
            return _step("match", f"{shown} is delegated at {cut}", match="referral", name=cut)
        case NoData():
            text = f"{shown} exists, but has nothing of type {asked}"
            return _step("match", text, match="nodata", name=shown)
        case NxDomain():
            return _step("match", f"{shown} does not exist, and no wildcard", match="nxdomain", name=shown)
    return _step("match", f"{shown} is outside of the zone", match="outside", name=shown)


def _what_it_is(data: object) -> str:
    if isinstance(data, RecordSetGroup):
        return f"a {data.policy} group of {_count(len(data.sets), 'set')}"
    assert isinstance(data, RRset)
    return _count(len(data.rdatas), "record")


def _tell_choice(visit: Visit, event: Chose, order: list[RecordSet]) -> Shape:
    """Say what was drawn by weight; the candidates that the policy told of are those that were drawn from."""
    total = sum(event.weights)
    share = f"{event.weights[event.drawn]} of {total}"
    drawn = order[event.drawn].id if len(order) == len(event.weights) else f"number {event.drawn + 1}"
    is_sure = event.weights[event.drawn] == total
    text = f"only {drawn} is left" if is_sure else f"chance drew {drawn}, which has {share}"
    probability = str(Fraction(event.weights[event.drawn], total))
    return _step("draw", text, drawn=drawn, weights=list(event.weights), probability=probability)


def _tell_arrangement(event: Arranged) -> Shape:
    wanted = len(event.order)
    if wanted == event.among:
        return _step("draw", f"all {wanted} come, in random order", wanted=wanted, of=event.among)
    return _step("draw", f"chance drew {wanted} of {event.among}", wanted=wanted, of=event.among)


def _tell_no_chance(visit: Visit) -> Shape:
    """Say what a policy took without a draw."""
    taken = visit.selection.path[:1]
    if not taken and not visit.selection.rdatas:
        return _step("draw", "no set is for this client", drawn=None)
    return _step("draw", f"nothing is left to chance: {''.join(taken) or 'all values'}", drawn=list(taken))


def _tell_alias(group: RecordSetGroup, target: RecordSetGroup) -> Shape:
    """Say which set of a group leads to another group."""
    sources = [record_set for record_set in group.sets if alias_to(record_set) is not None]
    source = next((one for one in sources if is_evaluated(one, target) is not None), None)
    name = f"{format_name(target.owner)} {format_rrtype(target.rrtype)}"
    set_id = "" if source is None else source.id
    is_counting = source is not None and bool(is_evaluated(source, target))
    counts = "whose health counts" if is_counting else "whose health does not count"
    text = f"{set_id or 'a set'} is an alias of {name}, {counts}"
    return _step("alias", text, set=set_id, target=name, evaluate_target_health=is_counting)


def _tell_way_back(visit: Visit) -> Shape:
    selection = visit.selection
    name = format_name(visit.group.owner)
    if not selection.is_usable:
        return _step("alias", f"{name} is unusable", target=name, healthy=False)
    if not selection.is_healthy:
        return _step("alias", f"{name} has no healthy answer", target=name, healthy=False)
    path = " > ".join(selection.path)
    return _step(
        "alias", f"{name} has a healthy answer{f': {path}' if path else ''}", target=name, healthy=True
    )


def _tell_answer(result: Result) -> Shape:
    shape = _answer_shape(result)
    values = shape["values"]
    assert isinstance(values, list)
    text = str(shape["rcode"])
    if values:
        text += f", TTL {shape['ttl']} s: {', '.join(values)}"
    elif "referral" in shape:
        text += f", a referral to the servers of {shape['referral']}"
    else:
        text += ", no records"
    if "leaving" in shape:
        text += f"; the chain goes on at {shape['leaving']}, outside of our zones"
    text += f"; holds for every client of the same /{shape['scope_prefix_len']}"
    return _step("answer", text, **shape)
