"""What would Knot say if it went on where a chain leaves a zone?

RFC 1034 §4.3.2 step 3a goes back to step 1 with the target of a CNAME, and step 2 finds the closest zone
anew. Knot never leaves the zone it began in. So that its answers can be compared all the same, Knot itself is
asked for the target, and the two answers are joined: the chain up to the border from the first, all else from
the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.differential.facts import Facts, ancestors, wire_of
from tests.differential.model import TYPES, Name, Question, udp_limit
from tests.differential.wire import TC, Answer, Rr, labels_of

MAX_ROUNDS = 12

_REPEATED_OCTETS = 12 + 4  # header, type and class of the question

Ask = Callable[[list[tuple[Question, tuple[bytes, ...]]]], list[Answer]]


class Asked(NamedTuple):
    """A question about a set of zones, and the base of that set."""

    facts: Facts
    question: Question
    base: tuple[bytes, ...]


def follow_chains(ask: Ask, asked: Sequence[Asked], answers: Sequence[Answer]) -> dict[int, Answer]:
    """Return the joined answers, by place, of the chains that cross from one zone of their set to another."""
    links: dict[int, list[Rr]] = {}
    joined: dict[int, Answer] = {}
    latest = dict(enumerate(answers))
    names = {at: wire_of(one.question.qname, one.base) for at, one in enumerate(asked)}
    for _ in range(MAX_ROUNDS):
        ahead: dict[int, bytes] = {}
        for at, answer in latest.items():
            crossing = _crossing(asked[at], names[at], answer)
            if crossing is None:
                continue
            known = links.setdefault(at, [])
            if any(rr in known for rr in crossing[0]):
                joined[at] = _loop(joined[at])
                continue
            ahead[at] = crossing[1]
            known += crossing[0]
        if not ahead:
            break
        names = ahead
        latest = dict(zip(ahead, ask([_again(asked[at], name) for at, name in ahead.items()]), strict=True))
        for at, answer in latest.items():
            joined[at] = _joined(joined.get(at, answers[at]), answers[at], links[at], answer)
            joined[at] = _cut(joined[at], asked[at].question)
    return joined


def _again(one: Asked, name: bytes) -> tuple[Question, tuple[bytes, ...]]:
    return one.question._replace(qname=Name(labels_of(name), is_outside=True)), one.base


def _crossing(one: Asked, qname: bytes, answer: Answer) -> tuple[list[Rr], bytes] | None:
    """Return the links of a chain up to the first name in another zone of the set, and that name."""
    if one.question.qtype == TYPES["CNAME"]:
        return None
    links = {rr.owner: rr for rr in answer.answer if rr.rrtype == TYPES["CNAME"]}
    dnames = [rr for rr in answer.answer if rr.rrtype == TYPES["DNAME"]]
    origin = one.facts.zone_asked(qname, one.question.qtype)
    found: list[Rr] = []
    name = qname
    while name in links and links[name] not in found:
        link = links[name]
        above = [rr for rr in dnames if rr.owner in ancestors(name)[1:]]
        if one.question.qtype == TYPES["ANY"] and not above:
            return None  # a CNAME is itself an answer to ANY
        found += [rr for rr in above if rr not in found]
        found.append(link)
        name = link.rdata
        zone = one.facts.zone_asked(name, one.question.qtype)
        if zone != origin:
            return None if zone is None else (found, name)
    return None


def _loop(answer: Answer) -> Answer:
    """Return an answer whose chain goes in a circle: nothing but the chain."""
    return answer._replace(rcode=0, authority=Counter(), additional=Counter())


def _joined(so_far: Answer, first: Answer, links: list[Rr], last: Answer) -> Answer:
    answer = Counter(dict.fromkeys(links, 1))
    answer.update(rr for rr in last.answer if rr not in answer)
    return last._replace(
        flags=first.flags,
        question=first.question,
        answer=answer,
        faults=so_far.faults + last.faults,
        is_joined=True,
        size=so_far.size + last.size - _REPEATED_OCTETS - (len(last.question[0]) if last.question else 0),
    )


def _cut(answer: Answer, question: Question) -> Answer:
    """Set TC where the joined answer is too long for UDP, as one that a server had made at once would be."""
    is_cut = not question.is_tcp and answer.size > udp_limit(question.payload)
    return answer._replace(flags=answer.flags | TC) if is_cut else answer
