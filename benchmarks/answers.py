"""Do the servers say the same? Asked before anything is timed: a fast wrong answer scores nothing.

r53lite's reply is compared with each peer's: response code, flags, and the three sections as sets of records
with TTL. A peer that by its nature leaves the apex NS set and the addresses out of positive answers is
compared without them where the answer section has records; such a peer has less to write, which its figures
profit from.
"""

from __future__ import annotations

import random
import time
from itertools import islice

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

from benchmarks.peers import PEERS
from benchmarks.policies import DEAD, LIVE, LOCATED, MULTIVALUE, SPARE, WEIGHTED, Drawn
from benchmarks.process import BenchmarkError, Server
from benchmarks.rows import Row
from benchmarks.zones import ADDRESS, FLAT, TLD, WILD, Question, Run, host, make_query

SAMPLE = 50  # answers compared from a row's questions, beside the chosen ones
CHECKED = 500  # answers by client subnet, of each server
SAMPLED_FROM = 20_000
DRAWS = 1_000
SHARE_TOLERANCE = 0.08  # 5 standard deviations of a share of 40 % in 1,000 draws
QUERY_TIMEOUT_S = 2.0
HEALTH_LIMIT_S = 60.0
_POLL_S = 0.25

CHOSEN = {
    "flat": [
        Question(FLAT, "SOA"),
        Question(FLAT, "NS"),
        Question(FLAT, "A"),
        Question(f"ns1.{FLAT}"),
        Question(host(0)),
        Question(host(1).upper()),
        Question(host(2), "AAAA"),
        Question(f"below.{host(3)}"),
        Question("elsewhere.example."),
    ],
    "referral": [
        Question(TLD, "SOA"),
        Question(f"child00000.{TLD}", "NS"),
        Question(f"ns1.child00001.{TLD}"),
        Question(f"child.{TLD}"),
    ],
    "wildcard": [
        Question(WILD, "SOA"),
        Question(f"apps.{WILD}"),
        Question(f"a.b.apps.{WILD}"),
        Question(f"a.apps.{WILD}", "AAAA"),
        Question(f"other.{WILD}"),
    ],
    "policy": [],
}


class UnequalAnswersError(Exception):
    """Two servers differ, or an answer is wrong: there is nothing to time."""


def check_answers(row: Row, server: Server) -> int:
    """Hold a server's answers by policy against what they must be, whoever else agrees; return how many.

    Raises:
        UnequalAnswersError: where one is wrong, or shares are far from what they must be.
    """
    if row.drawn is not None:
        qname = next(iter(row.questions(Run(0, 1, 1)))).qname
        check_drawn(server, qname, row.drawn)
        if qname == WEIGHTED and PEERS[server.name].weighs_health:
            _check_spare(server)
        return DRAWS
    if not row.has_subnet:
        return 0
    questions = _sample(row, CHECKED)
    for question in questions:
        right = LOCATED[question.qname](question.subnet or "")
        shown = _addresses(ask(server, question, row))
        if shown != [right]:
            raise UnequalAnswersError(
                f"{server.name}: {question.qname} for {question.subnet} is {shown}; expected {right}"
            )
    return len(questions)


def compare_answers(row: Row, ours: Server, peer: Server) -> int:
    """Ask r53lite and a peer the same questions; return how many.

    Raises:
        UnequalAnswersError: with every question whose reply differs, or where the peer's shares do not
        follow from the policy.
    """
    if row.drawn is not None:
        return check_answers(row, peer)
    is_minimal = PEERS[peer.name].is_minimal
    questions = [*CHOSEN[row.chosen], *_sample(row)] if peer.name != "dnslib" else _sample(row)
    differences = []
    for question in questions:
        replies = [describe(ask(server, question, row), is_minimal) for server in (ours, peer)]
        if replies[0] != replies[1]:
            differences.append(
                f"{question.qname} {question.qtype}:\n"
                f"    {ours.name}: {_format(replies[0])}\n    {peer.name}: {_format(replies[1])}"
            )
    if differences:
        shown = "\n  ".join(differences[:5])
        raise UnequalAnswersError(f"{len(differences)} of {len(questions)} answers differ:\n  {shown}")
    return len(questions)


def _sample(row: Row, count: int = SAMPLE) -> list[Question]:
    questions = list(islice(row.questions(Run(0, 1, SAMPLED_FROM)), SAMPLED_FROM))
    return random.Random(35).sample(questions, min(count, len(questions)))


def check_drawn(server: Server, qname: str, drawn: Drawn) -> None:
    """Draw the answers of a name many times.

    Raises:
        UnequalAnswersError: where a reply has another number of addresses, the same one twice or one that is
        not to be shown, such as the dead target, or where an address comes too often or too seldom.
    """
    counts = dict.fromkeys(drawn.shares, 0)
    for _ in range(DRAWS):
        shown = _draw(server, qname)
        if len(shown) != drawn.size or len(set(shown)) != drawn.size or not counts.keys() >= set(shown):
            raise UnequalAnswersError(
                f"{server.name}: {qname} is {shown}; expected {drawn.size} of {', '.join(counts)}"
            )
        for address in shown:
            counts[address] += 1
    for address, right in drawn.shares.items():
        share = counts[address] / DRAWS
        if abs(share - right) > SHARE_TOLERANCE:
            raise UnequalAnswersError(
                f"{server.name}: {qname} shows {address} in {share:.3f} of the replies; expected {right:.3f}"
            )


def _check_spare(server: Server) -> None:
    if any(_draw(server, SPARE) != [LIVE[0]] for _ in range(50)):
        raise UnequalAnswersError(f"{server.name} shows the dead target {DEAD} of {SPARE}")


def wait_for_health(server: Server) -> None:
    """Wait until a server has found the dead target and shows the live ones.

    Raises:
        BenchmarkError: it does not within a minute.
    """
    until = time.monotonic() + HEALTH_LIMIT_S
    while set(shown := _draw(server, MULTIVALUE)) != set(LIVE):
        if time.monotonic() > until:
            raise BenchmarkError(f"{server.name} shows {shown} for {MULTIVALUE}; expected {LIVE}")
        time.sleep(_POLL_S)


def _draw(server: Server, qname: str) -> list[str]:
    query = make_query(Question(qname), is_edns=False)
    limit_s = QUERY_TIMEOUT_S
    return _addresses(dns.query.udp(query, ADDRESS, limit_s, server.port, ignore_unexpected=True))


def _addresses(reply: dns.message.Message) -> list[str]:
    return [rdata.to_text() for rrset in reply.answer for rdata in rrset]


def ask(server: Server, question: Question, row: Row) -> dns.message.Message:
    """Send one query as the row's load does and return the reply.

    Raises:
        UnequalAnswersError: no reply, or one that is no message.
    """
    query = make_query(question, row.is_edns)
    where, port, limit_s = ADDRESS, server.port, QUERY_TIMEOUT_S
    try:
        if row.is_tcp:
            return dns.query.tcp(query, where, limit_s, port)
        return dns.query.udp(query, where, limit_s, port, ignore_unexpected=True)
    except (dns.exception.DNSException, OSError) as error:
        raise UnequalAnswersError(f"{server.name}, {question.qname}: {error!r}") from error


Description = tuple[str, str, bool, tuple[frozenset[str], ...]]


def describe(reply: dns.message.Message, is_minimal: bool) -> Description:
    """Return what must be equal: response code, flags, whether EDNS is there, and the sections as sets of
    records with TTL; the answer section alone for minimal peers where it has records.
    """
    sections = tuple(
        frozenset(
            f"{rrset.name.to_text().lower()} {rrset.ttl} {rrset.rdtype.name} {rdata.to_text().lower()}"
            for rrset in section
            for rdata in rrset
        )
        for section in (reply.answer, reply.authority, reply.additional)
    )
    if is_minimal and reply.answer:
        sections = sections[:1]
    return (dns.rcode.to_text(reply.rcode()), dns.flags.to_text(reply.flags), reply.edns >= 0, sections)


def _format(reply: Description) -> str:
    rcode, flags, has_edns, sections = reply
    parts = [", ".join(sorted(section)) or "empty" for section in sections]
    return f"{rcode} {flags} {'EDNS' if has_edns else 'no EDNS'} | {' | '.join(parts)}"
