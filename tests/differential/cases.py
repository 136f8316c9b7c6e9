"""How are written cases read?

A file holds cases; a case is zones and questions with what r53lite has to answer:

    case DNAME to a name that does not exist     a case begins
    zone @                                       a zone's origin; SOA and NS are added where none are
    d DNAME e                                    a record; names are relative to the base, `@` is it
    ? x.d A +dnssec +tcp +rec                    a question
    NXDOMAIN aa                                  response code and flags
    answer d DNAME e                             records that must be there; TTLs are 300 throughout
    authority @ SOA                              of SOA the owner alone

Every record of the answer section is written. Authority and additional may hold what is optional besides (the
apex NS set, addresses); what must not be there is judged by the peers, who answer the same questions. `peers
none` takes a case out of that, where they refuse its zone; the line says why.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.differential.model import TYPES, Field, Name, Question, Record, ZoneSet, ZoneSource

DIRECTORY = Path(__file__).with_name("cases")
TTL = 300
_NAME_FIELDS = {"NS": (0,), "CNAME": (0,), "DNAME": (0,), "PTR": (0,), "MX": (1,), "SRV": (3,), "SOA": (0, 1)}


class Expected(NamedTuple):
    """What a written case wants for one question."""

    question: Question
    rcode: str
    flags: frozenset[str]
    records: tuple[tuple[str, Record], ...]


class WrittenCase(NamedTuple):
    """One case: zones, questions and what is expected."""

    name: str
    zone_set: ZoneSet
    expected: tuple[Expected, ...]
    has_peers: bool


def read_cases() -> list[WrittenCase]:
    """Return the cases of all files."""
    return [case for path in sorted(DIRECTORY.glob("*.txt")) for case in _read_file(path)]


def _read_file(path: Path) -> Iterator[WrittenCase]:
    lines: list[str] = []
    name = ""
    for line in [*path.read_text(encoding="utf-8").splitlines(), "case"]:
        if line.startswith("case"):
            if lines:
                yield _parse_case(f"{path.stem}: {name}", lines)
            name, lines = line[4:].strip(), []
        elif name and line.strip() and not line.startswith("#"):
            lines.append(line)


def _parse_case(name: str, lines: list[str]) -> WrittenCase:
    zones: list[ZoneSource] = []
    expected: list[Expected] = []
    has_peers, is_root = True, False
    for line in lines:
        words = shlex.split(line, posix=False)
        match words[0]:
            case "peers":
                has_peers = False
            case "root":
                is_root = True
            case "zone":
                zones.append(ZoneSource(parse_name(words[1]), ()))
            case "?":
                expected.append(Expected(_parse_question(words[1:]), "", frozenset(), ()))
            case "answer" | "authority" | "additional":
                record = (words[0], _parse_record(words[1:]))
                expected[-1] = expected[-1]._replace(records=(*expected[-1].records, record))
            case _ if expected:
                expected[-1] = expected[-1]._replace(rcode=words[0], flags=frozenset(words[1:]))
            case _:
                zones[-1] = zones[-1]._replace(records=(*zones[-1].records, _parse_record(words)))
    questions = tuple(one.question for one in expected)
    complete = tuple(map(_with_apex, zones))
    return WrittenCase(name, ZoneSet(complete, questions, is_root), tuple(expected), has_peers)


def parse_name(text: str) -> Name:
    """Return a name: relative to the base, or outside of it where it ends in a dot; \\DDD is an octet."""
    if text in ("@", "."):
        return Name((), is_outside=text == ".")
    labels = tuple(_parse_label(label) for label in text.removesuffix(".").split("."))
    return Name(labels, is_outside=text.endswith("."))


def _parse_label(text: str) -> bytes:
    first, *rest = text.split("\\")
    return first.encode() + b"".join(bytes((int(part[:3]),)) + part[3:].encode() for part in rest)


def _parse_record(words: list[str]) -> Record:
    owner, rrtype, *rdata = words
    places = _NAME_FIELDS.get(rrtype, ())
    fields: list[Field] = [parse_name(word) if at in places else word for at, word in enumerate(rdata)]
    return Record(parse_name(owner), rrtype, TTL, tuple(fields))


def _parse_question(words: list[str]) -> Question:
    name, rrtype, *options = words
    qtype = TYPES.get(rrtype) or int(rrtype.removeprefix("TYPE"))
    is_dnssec_ok = "+dnssec" in options
    payload = 1232 if is_dnssec_ok or "+edns" in options else None
    return Question(parse_name(name), qtype, "+rec" in options, payload, is_dnssec_ok, "+tcp" in options)


def _with_apex(zone: ZoneSource) -> ZoneSource:
    """Add the SOA and, where the zone writes none, an NS set outside it."""
    server, host = Name((b"ns", b"elsewhere"), True), Name((b"host", b"elsewhere"), True)
    soa = Record(zone.origin, "SOA", TTL, (server, host, "1 7200 3600 86400 300"))
    has_ns = any(record.owner == zone.origin and record.rrtype == "NS" for record in zone.records)
    ns = () if has_ns else (Record(zone.origin, "NS", TTL, (server,)),)
    return zone._replace(records=(soa, *ns, *zone.records))
