"""Which differences between r53lite and its peers are allowed, and why?

Two kinds. `OPTIONAL` holds where the RFCs leave a choice: a rule says which atoms of a difference it explains.
`PEERS_DIFFER` holds where NSD and Knot do not agree with each other: r53lite must then equal one of them in
everything, and the rule names what the other one does. A difference that no rule explains fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.differential.compare import Atom
from tests.differential.facts import Facts, ancestors, chain_names, last_name
from tests.differential.model import TYPES, Question
from tests.differential.wire import AA, TC, Answer, Rr

_NAME_AT = {TYPES["NS"]: 0, TYPES["MX"]: 2, TYPES["SRV"]: 6}
_ADDRESSES = (TYPES["A"], TYPES["AAAA"])
_SECTIONS = ("answer", "authority", "additional")
_RR_OCTETS = 12  # a compressed owner, type, class, TTL and length
_OPT_OCTETS = 11


class Case(NamedTuple):
    """One question, our answer and one peer's."""

    facts: Facts
    question: Question
    qname: bytes
    peer: str
    ours: Answer
    theirs: Answer


class Rule(NamedTuple):
    """An allowed difference: its name, its reason, and which atoms of a difference it explains."""

    name: str
    reason: str
    explain: Callable[[Case, frozenset[Atom]], frozenset[Atom]]


def _apex_ns(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain our apex NS set beside a positive answer."""
    if not case.ours.answer or not case.ours.flags & AA:
        return frozenset()
    origin = case.facts.zone_of(last_name(case.qname, case.ours))
    parent = case.facts.zone_of(origin[1 + origin[0] :]) if origin and origin[0] else None
    return frozenset(
        atom
        for atom in atoms
        if atom.field == "authority"
        and atom.is_extra
        and atom.rr is not None
        and atom.rr.rrtype == TYPES["NS"]
        and atom.rr.owner in (origin, parent if case.question.qtype == TYPES["DS"] else origin)
    )


def _additional(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain addresses of hosts that our answer names, and those of the peer that would not have fitted."""
    named = _targets(case.ours)
    limit = 65535 if case.question.is_tcp else min(case.question.payload or 512, 1232)
    found = set()
    for atom in atoms:
        if atom.field != "additional" or atom.rr is None or atom.rr.rrtype not in _ADDRESSES:
            continue
        is_full = case.ours.size + _RR_OCTETS + len(atom.rr.rdata) > limit
        if (atom.is_extra and atom.rr.owner in named) or (not atom.is_extra and is_full):
            found.add(atom)
    return frozenset(found)


def _any(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain another choice of the one RRset, as long as both are one RRset of one owner."""
    if case.question.qtype != TYPES["ANY"]:
        return frozenset()
    sets = [_rrsets(atom.rr for atom in atoms if atom.rr and atom.is_extra is extra) for extra in (True, False)]
    owners = {owner for owner, _ in sets[0] | sets[1]}
    if len(sets[0]) != 1 or len(sets[1]) != 1 or len(owners) != 1:
        return frozenset()
    return frozenset(atom for atom in atoms if atom.field == "answer")


def _truncated(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain whatever stands in sections when both sides say that the answer is cut."""
    if not (case.ours.flags & TC and case.theirs.flags & TC):
        return frozenset()
    return frozenset(atom for atom in atoms if atom.field in _SECTIONS)


def _nsd_one_tree(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """NSD keeps the names of all zones in one tree."""
    names = {case.qname} | chain_names(case.ours) | chain_names(case.theirs)
    if case.peer != "NSD":
        return frozenset()
    lonely = any(case.facts.exists_only_elsewhere(above) for name in names for above in ancestors(name))
    return atoms if lonely else frozenset()


def _knot_stays_in_zone(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Knot follows a chain only within the zone it began in."""
    if case.peer == "Knot" and case.facts.crosses_zones(case.qname, case.ours):
        return atoms
    return frozenset()


def _knot_repeats(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Knot goes round a loop more than once and repeats its records."""
    if case.peer != "Knot":
        return frozenset()
    return frozenset(
        atom
        for atom in atoms
        if atom.field == "answer" and not atom.is_extra and atom.rr in case.ours.answer
    )


OPTIONAL = (
    Rule(
        "apex NS",
        "the zone's NS set beside a positive answer is optional (RFC 1034 §4.3.2, §6.2.1 show both)",
        _apex_ns,
    ),
    Rule(
        "additional addresses",
        "addresses of hosts an answer names are added 'if useful' (RFC 1034 §3.7, §4.3.2 step 6) and if they fit",
        _additional,
    ),
    Rule("one of ANY", "RFC 8482 §4.1: one RRset of the responder's choice", _any),
    Rule("cut answers", "RFC 2181 §9: what stands in an answer with TC is not to be used", _truncated),
)
PEERS_DIFFER = (
    Rule(
        "NSD: one tree",
        "NSD takes a name for existing that only another of its zones has (RFC 1034 §4.3.2: one zone is searched)",
        _nsd_one_tree,
    ),
    Rule(
        "Knot: stays in the zone",
        "Knot ends a chain where it leaves the first zone; RFC 1034 §4.3.2 step 3a goes back to step 1",
        _knot_stays_in_zone,
    ),
    Rule("Knot: repeats a loop", "Knot adds the records of a loop twice; RFC 2181 §5 knows no duplicates", _knot_repeats),
)


def _targets(answer: Answer) -> set[bytes]:
    return {
        rr.rdata[_NAME_AT[rr.rrtype] :]
        for section in (answer.answer, answer.authority)
        for rr in section
        if rr.rrtype in _NAME_AT
    }


def _rrsets(rrs: object) -> set[tuple[bytes, int]]:
    return {(rr.owner, rr.rrtype) for rr in rrs if isinstance(rr, Rr)}  # type: ignore[attr-defined]
