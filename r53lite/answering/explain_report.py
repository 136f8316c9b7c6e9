"""Why does a client get its answer? Step by step, told by what happened when it was made.

The clear path runs once under a `routing.tracing.Trace`, and its story is put in words: view → zone → match →
location → for each policy its candidates, the health it looked at, what was drawn, where an alias leads →
answer. Nothing is worked out a second time: which sets count and which are drawn is what the policies did;
the order of the candidates is asked of them.

What comes out is the shape that `r53lite explain --json` and `GET /r53lite/v1/explain` share. Pure: chance
and time come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from r53lite.answering.asking import Ask, client_of, locate
from r53lite.answering.authoritative import Options, Result, respond
from r53lite.answering.odds_report import Shape, location_shape, zone_of
from r53lite.answering.policy_story import PolicyTeller, count, make_step
from r53lite.answering.summary import summary_of
from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes
from r53lite.dns.name import format_name
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import format_rcode, format_rrtype
from r53lite.health.table import HealthTable
from r53lite.routing.context import NO_TARGETS, UNKNOWN, ClientLocation, TargetView
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.tracing import Trace
from r53lite.zone.lookup import deepest_visible, lookup
from r53lite.zone.model import Zone
from r53lite.zone.outcome import Answer, Cname, Dname, NoData, NxDomain, Outcome, Referral


def report_explanation(
    snapshot: Snapshot,
    ask: Ask,
    health: HealthTable,
    draw: Callable[[int], int],
    now: float | None,
    targets: TargetView = NO_TARGETS,
) -> Shape:
    """Return the story of one answer.

    Args:
        snapshot: the zones and locations.
        ask: the question and the client.
        health: the health state, what is stated in the question included.
        draw: a whole number from 0 to n-1, uniform: another draw may give another answer.
        now: monotonic seconds, for the age of a status; None where no server has looked.
        targets: the addresses of outside names.

    Raises:
        NotOurNameError: no zone holds the name.
    """
    zone = zone_of(snapshot, ask.qname)
    location = locate(ask, snapshot)
    client = client_of(ask)
    trace = Trace(health, location, draw, client=client, targets=targets)
    result = respond(snapshot.catalog, zone, ask.qname, ask.qtype, trace, Options(is_minimal=True))
    teller = _Teller(snapshot, ask, PolicyTeller(health, location, client, now))
    steps = list(teller.tell(trace, location, result))
    return {
        "question": {"name": format_name(ask.qname), "type": format_rrtype(ask.qtype)},
        "client": str(ask.client),
        "location": location_shape(location),
        "steps": steps,
        "answer": _answer_shape(result, ask.qtype),
    }


def _answer_shape(result: Result, qtype: int) -> Shape:
    ttl, rrtype, values = summary_of(result, qtype)
    shape: Shape = {
        "rcode": format_rcode(result.response.rcode),
        "ttl": ttl,
        "values": [format_rdata(rrtype, rdata) for rdata in values],
        "scope_prefix_len": result.response.scope_prefix_len,
    }
    if result.leaving is not None:
        shape["leaving"] = format_name(result.leaving)
    if result.referral is not None:
        shape["referral"] = format_name(result.referral.ns.owner)
    return shape


class _Teller:
    """Puts one trace in words."""

    def __init__(self, snapshot: Snapshot, ask: Ask, policies: PolicyTeller) -> None:
        self._snapshot = snapshot
        self._ask = ask
        self._policies = policies

    def tell(self, trace: Trace, location: ClientLocation, result: Result) -> Iterator[Shape]:
        """Yield the steps."""
        yield make_step("view", "one view: every client sees the same zones", view="default")
        stories = iter(trace.stories)
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
                    yield self._tell_location(location, trace)
                    is_located = True
                story = next(stories, None)
                if story is not None:
                    yield from self._policies.tell(story)
        if not is_located:
            yield self._tell_location(location, trace)
        yield _tell_answer(result, self._ask)

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
        return make_step("zone", text, zone=origin, serial=zone.serial, files=list(zone.files))

    def _tell_location(self, location: ClientLocation, trace: Trace) -> Shape:
        shape = location_shape(location)
        region = str(shape["region"])
        if location.region is None:
            region = f"{'nearest to' if location.coordinates else 'by default in'} {region}"
        area = "-".join(str(shape[key]) for key in ("country", "subdivision") if key in shape)
        places = [word for word in (region, area, str(shape.get("continent", ""))) if word]
        use = "counts for the answer" if trace.seen else "plays no part in the answer"
        if trace.seen and all(seen.source != location.source for seen in trace.seen):
            use = "would count, but to the policy its parts are alike"
        known = "is" if location.region is None else "is in"
        text = f"{self._ask.client} {known} {', '.join(places)} by {location.source}, and this {use}"
        if location.source == UNKNOWN.source:
            text = f"nobody knows where {self._ask.client} is, {region}, and this {use}"
        blocks = [list(found) for found in trace.locations]
        if blocks:
            text += f"; of the CIDR collection it is in {', then '.join(blocks[0])}"
            shape["cidr"] = blocks
        return make_step("location", text, is_used=bool(trace.seen), prefix_len=location.prefix_len, **shape)


# --- single steps -------------------------------------------------------------------------------------------


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
            return make_step("match", text, match=kind, name=at, type=what)
        case Dname(rrset):
            owner = format_name(rrset.owner)
            return make_step("match", f"{shown} lies below the DNAME at {owner}", match="dname", name=owner)
        case Referral(ns):
            cut = format_name(ns.owner)
            return make_step("match", f"{shown} is delegated at {cut}", match="referral", name=cut)
        case NoData():
            text = f"{shown} exists, but has nothing of type {asked}"
            return make_step("match", text, match="nodata", name=shown)
        case NxDomain():
            return make_step("match", f"{shown} does not exist, nor a wildcard", match="nxdomain", name=shown)
    return make_step("match", f"{shown} is outside of the zone", match="outside", name=shown)


def _what_it_is(data: object) -> str:
    if isinstance(data, RecordSetGroup):
        return f"a {data.policy} group of {count(len(data.sets), 'set')}"
    assert isinstance(data, RRset)
    return count(len(data.rdatas), "record")


def _tell_answer(result: Result, ask: Ask) -> Shape:
    shape = _answer_shape(result, ask.qtype)
    values = shape["values"]
    assert isinstance(values, list)
    text = str(shape["rcode"])
    if values:
        text += f", TTL {shape['ttl']} s: {', '.join(values)}"
    elif "referral" in shape:
        text += f", a referral to the servers of {shape['referral']}"
    elif "leaving" in shape:
        text += f", TTL {shape['ttl']} s: the chain goes on at {shape['leaving']}, outside of our zones"
    else:
        text += ", no records"
    scope = result.response.scope_prefix_len
    if scope > ask.client.prefixlen:
        subnet = f"the subnet /{ask.client.prefixlen} was too short to tell for whom"
        text += f"; {subnet}: answers may differ within it, from one /{scope} to the next"
    else:
        text += f"; holds for every client of the same /{scope}" if scope else "; holds for every client"
    return make_step("answer", text, **shape)
