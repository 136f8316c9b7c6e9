"""Which differences between r53lite and its peers are allowed, and why?

Two kinds. `OPTIONAL` holds where the RFCs leave a choice: a rule says which atoms of a difference it
explains. `PEERS_DIFFER` holds where NSD and Knot do not agree with each other: r53lite must then equal one of
them in everything, and the rule names what the other one does. Where NSD took a name of another zone for one
of this (`ONE_TREE`, read from the zones themselves), Knot alone has answered the question, and its rules
count. A difference that no rule explains fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from tests.differential.compare import Atom, rcode_text
from tests.differential.facts import Facts, ancestors, chain_names, grows, last_name, parent_of
from tests.differential.model import TYPES, Question, udp_limit
from tests.differential.wire import AA, TC, Answer

_NAME_AT = {TYPES["NS"]: 0, TYPES["MX"]: 2, TYPES["SRV"]: 6}
_ADDRESSES = (TYPES["A"], TYPES["AAAA"])
_SECTIONS = ("answer", "authority", "additional")
_RR_OCTETS = 13  # type, class, TTL, length, and what a label and a pointer take beside the label's letters
KNOT_LINKS = 5
EDE = 15


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
    """Explain our apex NS set beside a positive answer that does not hold it already."""
    if not case.ours.answer or not case.ours.flags & AA:
        return frozenset()
    there = {rr.owner for rr in case.ours.answer if rr.rrtype == TYPES["NS"]}
    asked = {rr.owner for rr in case.ours.answer} | {last_name(case.qname, case.ours)}
    if case.question.qtype == TYPES["DS"]:  # the parent side's
        asked |= {parent_of(name) for name in asked}
    origins = {case.facts.zone_of(name) for name in asked} - there
    return frozenset(
        atom
        for atom in atoms
        if atom.field == "authority"
        and atom.is_extra
        and atom.rr is not None
        and atom.rr.rrtype == TYPES["NS"]
        and atom.rr.owner in origins
    )


def _additional(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain addresses of hosts that our answer names, and RRsets of a peer that would not have fitted."""
    named = _targets(case.ours)
    room = (65535 if case.question.is_tcp else udp_limit(case.question.payload)) - case.ours.size
    needed: Counter[tuple[bytes, int]] = Counter()  # by RRset: none is sent in part
    for rr in case.theirs.additional - case.ours.additional:
        needed[rr.owner, rr.rrtype] += _RR_OCTETS + rr.owner[0] + len(rr.rdata)
    return frozenset(
        atom
        for atom in atoms
        if atom.field == "additional"
        and atom.rr is not None
        and atom.rr.rrtype in _ADDRESSES
        and (atom.rr.owner in named if atom.is_extra else needed[atom.rr.owner, atom.rr.rrtype] > room)
    )


def _any(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain another choice of the one RRset, as long as both are one RRset of one owner."""
    if case.question.qtype != TYPES["ANY"]:
        return frozenset()
    chosen = [atom for atom in atoms if atom.field == "answer"]
    sets = [
        {(atom.rr.owner, atom.rr.rrtype) for atom in chosen if atom.rr and atom.is_extra is extra}
        for extra in (True, False)
    ]
    owners = {owner for owner, _ in sets[0] | sets[1]}
    if (case.ours.flags ^ case.theirs.flags) & TC:  # one choice fits, the other does not
        return frozenset(atom for atom in atoms if atom.field in ("tc", *_SECTIONS))
    if len(sets[0]) != 1 or len(sets[1]) != 1 or len(owners) != 1:
        return frozenset()
    added = _targets(case.theirs)  # what their choice brings with it
    return frozenset(
        atom
        for atom in atoms
        if atom.field == "answer" or (atom.field == "additional" and atom.rr and atom.rr.owner in added)
    )


def _truncated(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain what an answer holds that both sides call cut; its code may be that of the part that fitted."""
    if not (case.ours.flags & TC and case.theirs.flags & TC):
        return frozenset()
    return frozenset(atom for atom in atoms if atom.field in ("rcode", *_SECTIONS))


def _endless(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain how far a chain is followed that DNAMEs make longer and longer."""
    if not any(grows(case.qname, answer) for answer in (case.ours, case.theirs)):
        return frozenset()
    return frozenset(atom for atom in atoms if atom.field in ("tc", "rcode", *_SECTIONS))


def _extended_errors(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain an extended error that one side adds."""
    sides = [edns.options if edns else () for edns in (case.ours.edns, case.theirs.edns)]
    without = [tuple(code for code in options if code != EDE) for options in sides]
    return frozenset(atom for atom in atoms if atom.field == "edns options" and without[0] == without[1])


def _repeated(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Explain records that a peer has more than once in a section."""
    return frozenset(
        atom
        for atom in atoms
        if atom.field in _SECTIONS and not atom.is_extra and atom.rr in getattr(case.ours, atom.field)
    )


def _nsd_one_tree(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """NSD keeps the names of all zones in one tree."""
    names = {case.qname} | chain_names(case.ours) | chain_names(case.theirs)
    if case.peer != "NSD":
        return frozenset()
    above = {ancestor for name in names for ancestor in ancestors(name)}
    lonely = any(map(case.facts.exists_only_elsewhere, above | {b"\x01*" + ancestor for ancestor in above}))
    return atoms if lonely else frozenset()


def _nsd_wildcard_hosts(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """NSD gives a host that only a wildcard has a wrong name in the additional section."""
    named = _targets(case.theirs)
    wrong = [rr for rr in case.theirs.additional if rr.owner not in named]
    if case.peer != "NSD" or not wrong:
        return frozenset()
    return frozenset(atom for atom in atoms if atom.field == "additional" and not atom.is_extra)


def _nsd_glue(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """NSD says TC where no glue fits, whosever it is, and does not where a part of it fits."""
    is_referral = any(rr.rrtype == TYPES["NS"] for rr in case.theirs.authority)
    is_cut = (case.ours.flags ^ case.theirs.flags) & TC
    if case.peer != "NSD" or not (is_referral and is_cut):
        return frozenset()
    return frozenset(atom for atom in atoms if atom.field in ("tc", *_SECTIONS))


def _nsd_child_side_ds(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """NSD gives no DS set from the apex of a zone, and looks above it past a CNAME of the parent's."""
    names = {case.qname.lower(), last_name(case.qname, case.ours)}
    if case.peer == "NSD" and case.question.qtype == TYPES["DS"] and not names.isdisjoint(case.facts.types):
        return atoms
    return frozenset()


def _knot_cuts(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Knot cuts other answers than NSD does: it compresses less, and leaves out an SOA without a word."""
    if case.peer != "Knot" or case.question.is_tcp:
        return frozenset()
    if not (case.ours.flags | case.theirs.flags) & TC:
        soa = [atom for atom in atoms if atom.field == "authority" and atom.is_extra and atom.rr is not None]
        soa = [atom for atom in soa if atom.rr is not None and atom.rr.rrtype == TYPES["SOA"]]
        needed = sum(len(atom.rr.owner) + 10 + len(atom.rr.rdata) for atom in soa if atom.rr is not None)
        has_room = case.theirs.size + needed <= udp_limit(case.question.payload)
        return frozenset() if has_room else frozenset(soa)
    return frozenset(atom for atom in atoms if atom.field in ("tc", "rcode", *_SECTIONS))


def _knot_five_links(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Knot ends a chain after five CNAMEs."""
    links = [rr for rr in case.theirs.answer if rr.rrtype == TYPES["CNAME"]]
    is_prefix = not case.theirs.answer - case.ours.answer
    return atoms if case.peer == "Knot" and is_prefix and len(links) >= KNOT_LINKS else frozenset()


def _knot_too_long(case: Case, atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Knot goes on where a DNAME makes the name too long."""
    is_so = case.peer == "Knot" and rcode_text(case.ours.rcode) == "YXDOMAIN"
    return frozenset(atom for atom in atoms if is_so and atom.field in ("rcode", *_SECTIONS))


OPTIONAL = (
    Rule(
        "apex NS",
        "the zone's NS set beside a positive answer is optional (RFC 1034 §4.3.2, §6.2.1 show both)",
        _apex_ns,
    ),
    Rule(
        "additional addresses",
        "addresses of hosts an answer names come 'if useful' (RFC 1034 §3.7, §4.3.2 step 6), if they fit",
        _additional,
    ),
    Rule("one of ANY", "RFC 8482 §4.1: one RRset of the responder's choice", _any),
    Rule(
        "endless DNAME",
        "DNAMEs that lead below themselves make a chain without end; no RFC says where to stop",
        _endless,
    ),
    Rule("extended errors", "RFC 8914 §3: any answer may carry one; they are for people", _extended_errors),
    Rule(
        "repeats", "a peer has a record twice, going round a loop; RFC 2181 §5 knows no duplicates", _repeated
    ),
    Rule("cut answers", "RFC 2181 §9: what stands in an answer with TC is not to be used", _truncated),
)
ONE_TREE = Rule(
    "NSD: one tree",
    "a name that only another zone has exists for NSD; RFC 1034 §4.3.2 step 3 searches one zone",
    _nsd_one_tree,
)
PEERS_DIFFER = (
    ONE_TREE,
    Rule(
        "NSD: no DS from the child",
        "DS at an apex is out of place (RFC 4035 §2.4): NSD ignores what is there, Knot answers it as data",
        _nsd_child_side_ds,
    ),
    Rule(
        "NSD: wildcard hosts",
        "a host that a wildcard has gets its addresses under a name that nothing asked for (RFC 4592 §3.3.3)",
        _nsd_wildcard_hosts,
    ),
    Rule(
        "NSD: TC for glue",
        "in-domain glue must fit, else TC (RFC 9471 §3.1); NSD 4.6 says TC only if no glue fits at all",
        _nsd_glue,
    ),
    Rule(
        "Knot: cuts",
        "near the size limit Knot compresses less, drops an SOA without TC and cuts before the rcode is set",
        _knot_cuts,
    ),
    Rule(
        "Knot: five links",
        "no RFC limits a chain: Knot ends it after five CNAMEs, NSD goes on",
        _knot_five_links,
    ),
    Rule(
        "Knot: after YXDOMAIN",
        "a DNAME that makes a name too long is YXDOMAIN (RFC 6672 §2.2); Knot may go on to NXDOMAIN or SOA",
        _knot_too_long,
    ),
)


def _targets(answer: Answer) -> set[bytes]:
    return {
        rr.rdata[_NAME_AT[rr.rrtype] :]
        for section in (answer.answer, answer.authority)
        for rr in section
        if rr.rrtype in _NAME_AT
    }
