"""What is asked of the servers, and do they say the same?

Zones, query files and the comparison of answers. Everything is generated: the same sizes give the same bytes,
but for the flood, whose names are new in every round, so that no server has seen one before.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import dns.flags
import dns.message
import dns.query
import dns.rcode

ADDRESS = "127.0.0.1"
ORIGIN = "bench.example."
WEIGHTED_NAME = "www.weighted.example."
WEIGHTS = {"192.0.2.1": 40, "192.0.2.2": 40, "192.0.2.3": 20}
HOT_NAMES = 10_000
LOADED_RECORDS = 100_000
FLOOD_NAMES = 1_000_000  # more than a run of 5 s uses up; a run that needs more is refused
SAMPLE = 50  # answers compared from each query file, beside the chosen cases
WEIGHTED_DRAWS = 2_000
WEIGHTED_TOLERANCE = 0.06  # 5 standard deviations of a share of 40 % in 2,000 draws
QUERY_TIMEOUT_S = 2.0

_HEADER = """\
$ORIGIN {origin}
$TTL 300
@ IN SOA ns1 hostmaster 1 7200 1800 1209600 60
@ IN NS ns1
@ IN NS ns2
ns1 IN A 192.0.2.53
ns2 IN A 192.0.2.54
"""
_WEIGHTED = """\
zone: weighted.example
records:
  - {name: "@", type: SOA, ttl: 300, values: ["ns1 hostmaster 1 7200 1800 1209600 60"]}
  - {name: "@", type: NS, ttl: 300, values: [ns1, ns2]}
  - {name: ns1, type: A, ttl: 300, values: [192.0.2.53]}
  - {name: ns2, type: A, ttl: 300, values: [192.0.2.54]}
  - name: www
    type: A
    ttl: 60
    policy: weighted
    sets:
"""


class Question(NamedTuple):
    """A question as a query file writes it: presentation-form name and type mnemonic."""

    qname: str
    qtype: str


class UnequalAnswersError(Exception):
    """Two servers differ, or an answer is wrong: there is nothing to time."""


def host(number: int) -> str:
    """Return the name of the zone's record with this number."""
    return f"host{number:06}.{ORIGIN}"


def write_zone(directory: Path, names: int) -> Path:
    """Write the zone `bench.example.` with one A record at each of `names` names, beside SOA, NS and their
    addresses; return the file.
    """
    lines = (f"host{n:06} IN A 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n" for n in range(names))
    path = directory / f"{ORIGIN}zone"
    path.write_text(_HEADER.format(origin=ORIGIN) + "".join(lines))
    return path


def write_weighted_zone(directory: Path) -> None:
    """Write a policy file whose name `www` is answered by weight, 40/40/20; no set has a health check."""
    sets = (
        f"      - {{id: set{n}, weight: {weight}, values: [{address}]}}\n"
        for n, (address, weight) in enumerate(WEIGHTS.items())
    )
    (directory / "weighted.example.yaml").write_text(_WEIGHTED + "".join(sets))


def hot_questions() -> list[Question]:
    """Return every name of the hot zone once and a ninth as many missing ones, mixed: 10 % NXDOMAIN."""
    names = [host(n) for n in range(HOT_NAMES)]
    names += [f"missing{n:06}.{ORIGIN}" for n in range(HOT_NAMES // 9)]
    random.Random(53).shuffle(names)
    return [Question(name, "A") for name in names]


def flood_questions(run: str) -> list[Question]:
    """Return questions for names that do not exist and that no other run of the caller asks for."""
    return [Question(f"{run}-{n:07}.{ORIGIN}", "A") for n in range(FLOOD_NAMES)]


def write_queries(path: Path, questions: Iterable[Question]) -> Path:
    """Write a query file for dnsperf."""
    path.write_text("".join(f"{qname} {qtype}\n" for qname, qtype in questions))
    return path


def compare_answers(ports: dict[str, int]) -> int:
    """Ask all servers the same questions and compare the replies.

    Args:
        ports: server → UDP port on 127.0.0.1.

    Returns:
        The number of questions compared.

    Raises:
        UnequalAnswersError: with every question whose response code, flags or sections (as sets) differ.
    """
    chance = random.Random(35)
    questions = [
        Question(ORIGIN, "SOA"),
        Question(ORIGIN, "NS"),
        Question(ORIGIN, "A"),
        Question(f"ns1.{ORIGIN}", "A"),
        Question(host(0), "A"),
        Question(host(HOT_NAMES - 1), "A"),
        Question(host(1).upper(), "A"),
        Question(host(2), "AAAA"),
        Question(host(HOT_NAMES), "A"),
        Question(f"below.{host(3)}", "A"),
        Question("elsewhere.example.", "A"),
        *chance.sample(hot_questions(), SAMPLE),
        *chance.sample(flood_questions("compare"), SAMPLE),
    ]
    differences = []
    for question in questions:
        replies = {server: describe(ask(port, question)) for server, port in ports.items()}
        if len(set(replies.values())) > 1:
            said = "\n".join(f"  {server}: {reply}" for server, reply in replies.items())
            differences.append(f"{question.qname} {question.qtype}:\n{said}")
    if differences:
        raise UnequalAnswersError("\n".join(differences))
    return len(questions)


def check_weighted(port: int) -> dict[str, float]:
    """Draw the weighted name's answer many times and return each address's share.

    Raises:
        UnequalAnswersError: where a reply is not one of the addresses, or a share is far from its weight.
    """
    counts = dict.fromkeys(WEIGHTS, 0)
    for _ in range(WEIGHTED_DRAWS):
        reply = ask(port, Question(WEIGHTED_NAME, "A"))
        addresses = [rdata.to_text() for rrset in reply.answer for rdata in rrset]
        if len(addresses) != 1 or addresses[0] not in counts:
            raise UnequalAnswersError(f"weighted answer holds {addresses!r}; expected one of {list(WEIGHTS)}")
        counts[addresses[0]] += 1
    shares = {address: count / WEIGHTED_DRAWS for address, count in counts.items()}
    for address, weight in WEIGHTS.items():
        if abs(shares[address] - weight / 100) > WEIGHTED_TOLERANCE:
            raise UnequalAnswersError(
                f"weighted answer {address} has share {shares[address]:.3f}; weight {weight}"
            )
    return shares


def ask(port: int, question: Question) -> dns.message.Message:
    """Send one plain query (RD set, no EDNS: as dnsperf's) and return the reply."""
    query = dns.message.make_query(question.qname, question.qtype, use_edns=False)
    return dns.query.udp(query, ADDRESS, timeout=QUERY_TIMEOUT_S, port=port)


def describe(reply: dns.message.Message) -> tuple[object, ...]:
    """Return what must be equal: response code, flags, and each section as a set of records with TTL."""
    sections = tuple(
        frozenset(
            f"{rrset.name.to_text().lower()} {rrset.ttl} {rrset.rdtype.name} {rdata.to_text().lower()}"
            for rrset in section
            for rdata in rrset
        )
        for section in (reply.answer, reply.authority, reply.additional)
    )
    return (dns.rcode.to_text(reply.rcode()), dns.flags.to_text(reply.flags), *sections)
