"""Which zones do the servers serve, and what are they asked?

Everything is generated: the same sizes give the same bytes. A name that must be new in every run carries the
run's number, so that no server has seen it before. Dead targets and clients are addresses of 127.0.0.0/8 and
documentation networks; nothing but loopback is ever sent to.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import dns.edns
import dns.message

ADDRESS = "127.0.0.1"
FLAT = "bench.example."
TLD = "tld.example."
WILD = "wild.example."
HOT_NAMES = 10_000
LARGE_NAMES = 1_000_000
SMALL_NAMES = 10
CHILDREN = 10_000  # delegations of the zone like a TLD
CLIENTS = 10_000  # client subnets, each a /24
_STRIDE = 700_001  # no common factor with LARGE_NAMES: i * stride meets every name once, in a mixed order

# The SOA's own TTL is its negative TTL, because gdnsd serves it with the lower of the two.
_APEX = """\
$ORIGIN {origin}
$TTL 300
@ 60 IN SOA ns1 hostmaster {serial} 7200 1800 1209600 60
@ IN NS ns1
@ IN NS ns2
ns1 IN A 192.0.2.53
ns2 IN A 192.0.2.54
"""


class Question(NamedTuple):
    """A question as a query file writes it: presentation-form name, type mnemonic, and the client subnet
    (EDNS, RFC 7871) where the workload has one.
    """

    qname: str
    qtype: str = "A"
    subnet: str | None = None


class ZoneFile(NamedTuple):
    """A zone and its master file."""

    origin: str
    path: Path


class Run(NamedTuple):
    """One turn of a row: 0 warms up, 1 to `rounds` are measured; `limit` bounds the names that are new."""

    number: int
    rounds: int
    limit: int


# --- zones --------------------------------------------------------------------------------------------------


def host(number: int) -> str:
    """Return the name of the flat zone's record with this number."""
    return f"host{number:07}.{FLAT}"


def write_flat(directory: Path, names: int, serial: int = 1) -> ZoneFile:
    """Write `bench.example.` with one A record at each of `names` names beside the apex records."""
    lines = (f"host{n:07} IN A 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n" for n in range(names))
    return _write(directory, FLAT, lines, serial)


def write_tld(directory: Path) -> ZoneFile:
    """Write `tld.example.`: delegations to two name servers each, with the glue they need."""
    lines = (
        f"child{n:05} IN NS ns1.child{n:05}\nchild{n:05} IN NS ns2.child{n:05}\n"
        f"ns1.child{n:05} IN A 198.51.100.{n % 254 + 1}\nns2.child{n:05} IN A 203.0.113.{n % 254 + 1}\n"
        for n in range(CHILDREN)
    )
    return _write(directory, TLD, lines)


def write_wild(directory: Path) -> ZoneFile:
    """Write `wild.example.`: one wildcard under `apps`."""
    return _write(directory, WILD, ["*.apps IN A 192.0.2.80\n"])


def _write(directory: Path, origin: str, lines: Iterable[str], serial: int = 1) -> ZoneFile:
    directory.mkdir(exist_ok=True)
    path = directory / f"{origin}zone"
    with path.open("w", encoding="ascii") as file:
        file.write(_APEX.format(origin=origin, serial=serial))
        file.writelines(lines)
    return ZoneFile(origin, path)


# --- questions ----------------------------------------------------------------------------------------------


def hot_questions(_run: Run) -> Iterator[Question]:
    """Yield every name of the hot zone once and a ninth as many missing ones, mixed: 10 % NXDOMAIN."""
    names = [host(n) for n in range(HOT_NAMES)]
    names += [f"missing{n:06}.{FLAT}" for n in range(HOT_NAMES // 9)]
    random.Random(53).shuffle(names)
    return map(Question, names)


def cold_questions(run: Run) -> Iterator[Question]:
    """Yield names of the large zone that no other run asks for, in a mixed order."""
    for n in range(run.number, LARGE_NAMES, run.rounds + 1):
        yield Question(host(n * _STRIDE % LARGE_NAMES))


def flood_questions(run: Run) -> Iterator[Question]:
    """Yield names that do not exist, each new."""
    return (Question(f"r{run.number}-{n:07}.{FLAT}") for n in range(run.limit))


def referral_questions(run: Run) -> Iterator[Question]:
    """Yield new names below the delegations."""
    for n in range(run.limit):
        yield Question(f"r{run.number}-{n:07}.child{n * 7919 % CHILDREN:05}.{TLD}")


def wildcard_questions(run: Run) -> Iterator[Question]:
    """Yield new names that the wildcard answers for."""
    return (Question(f"r{run.number}-{n:07}.apps.{WILD}") for n in range(run.limit))


def write_queries(path: Path, questions: Iterable[Question]) -> Path:
    """Write a query file for dnsperf: a line for each question."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{question.qname} {question.qtype}\n" for question in questions)
    return path


def write_messages(path: Path, questions: Iterable[Question]) -> Path:
    """Write whole queries for `dnsperf -B`, each after its length in two octets as in TCP: its text form has
    no client subnet for each query.
    """
    with path.open("wb") as file:
        for question in questions:
            wire = make_query(question, is_edns=True).to_wire()
            file.write(struct.pack("!H", len(wire)) + wire)
    return path


def make_query(question: Question, is_edns: bool) -> dns.message.QueryMessage:
    """Return the query as dnsperf sends it: RD set; with EDNS where the row or the subnet asks for it."""
    if question.subnet is None and not is_edns:
        return dns.message.make_query(question.qname, question.qtype, use_edns=False)
    address, _, length = (question.subnet or "").partition("/")
    options: list[dns.edns.Option] = [dns.edns.ECSOption(address, int(length))] if question.subnet else []
    return dns.message.make_query(
        question.qname, question.qtype, use_edns=0, payload=1232, options=options or None
    )
