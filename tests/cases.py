"""Cases as text: one question, and what the whole answer says.

    host3.example. MX -> NOERROR aa
    ;; answer
    host3.example. 3600 IN MX 10 host1.example.

The head line holds the question (with `rd`, `cd`, `ad` or `do` behind it where set) and, behind the arrow,
the response code with all flags that the reply has (`aa tc rd ra ad cd`, and `do` of its OPT record). A
section that is left out is empty; order and letter case of owners do not matter, TTLs do. Both sides are
read by dnspython, so that our own presentation code judges nothing.
"""

from __future__ import annotations

from textwrap import dedent
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from r53lite.answering.dispatch import Dispatch

SECTIONS = ("answer", "authority", "additional")
_FLAGS = {"aa": 0x0400, "tc": 0x0200, "rd": 0x0100, "ra": 0x0080, "ad": 0x0020, "cd": 0x0010}
_ID = 4711
ASKED_TIMES = 3


class Case(NamedTuple):
    """One question and its answer; sections are sorted lines."""

    qname: str
    qtype: str
    asked: frozenset[str]
    rcode: str
    flags: frozenset[str]
    sections: dict[str, list[str]]

    @property
    def request(self) -> bytes:
        """Return the query: with EDNS where `do` is asked for."""
        query = dns.message.make_query(
            self.qname, self.qtype, flags=sum(_FLAGS[flag] for flag in self.asked - {"do"}), id=_ID
        )
        if "do" in self.asked:
            query.use_edns(0, dns.flags.DO, 1232)
        return query.to_wire()


def parse_case(text: str) -> Case:
    """Read a case.

    Raises:
        ValueError: it is not in the form above.
    """
    head, *rest = [line.strip() for line in dedent(text).strip().splitlines()]
    question, _, answer = head.partition("->")
    qname, qtype, *asked = question.split()
    rcode, *flags = answer.split()
    sections: dict[str, list[str]] = {}
    for line in filter(None, rest):
        if line.startswith(";;"):
            section = line.removeprefix(";;").strip()
            if section not in SECTIONS or section in sections:
                raise ValueError(f"{line!r} begins no section, or one that was there")
            sections[section] = []
        else:
            owner, ttl, rrclass, rrtype, rdata = line.split(None, 4)
            rrset = dns.rrset.from_text(owner, int(ttl), rrclass, rrtype, rdata)
            sections[list(sections)[-1]] += _lines(rrset)
    filled = {name: sorted(sections.get(name, [])) for name in SECTIONS}
    return Case(qname, qtype, frozenset(asked), rcode, frozenset(flags), filled)


def read_reply(reply: bytes) -> tuple[str, frozenset[str], dict[str, list[str]]]:
    """Return response code, flags and sections of a reply."""
    message = dns.message.from_wire(reply)
    flags = {name for name, bit in _FLAGS.items() if int(message.flags) & bit}
    if message.ednsflags & dns.flags.DO:
        flags.add("do")
    sections = {
        name: sorted(line for rrset in getattr(message, name) for line in _lines(rrset)) for name in SECTIONS
    }
    return dns.rcode.to_text(message.rcode()), frozenset(flags), sections


def check(door: Dispatch, text: str, *, is_stream: bool = False) -> None:
    """Ask a door the question of a case; fail where anything of its answer differs.

    The question is asked three times: the first answer comes by the clear path, the later ones are replayed.
    """
    case = parse_case(text)
    for _ in range(ASKED_TIMES):
        _check_once(door, case, is_stream)


def _check_once(door: Dispatch, case: Case, is_stream: bool) -> None:
    reply = door.answer(case.request, "127.0.0.1", is_stream=is_stream)
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    assert message.id == _ID
    assert message.flags & dns.flags.QR
    assert [f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)}" for rrset in message.question] == [
        f"{case.qname} {case.qtype}"
    ]
    expected, got = _text(case.rcode, case.flags, case.sections), _text(*read_reply(reply))
    assert got == expected, f"{case.qname} {case.qtype}\nexpected:\n{expected}\ngot:\n{got}"


def _text(rcode: str, flags: frozenset[str], sections: dict[str, list[str]]) -> str:
    """Return an answer in the form of a case."""
    lines = ["-> " + " ".join((rcode, *sorted(flags)))]
    for name in SECTIONS:
        lines += [f";; {name}", *sections[name]] if sections[name] else []
    return "\n".join(lines)


def _lines(rrset: dns.rrset.RRset) -> list[str]:
    """Return an RRset as lines of zone syntax, names in lower case.

    A name in rdata may come with the letter case of the question, where it was compressed to a pointer at it.
    """
    head = f"{str(rrset.name).lower()} {rrset.ttl} {dns.rdataclass.to_text(rrset.rdclass)}"
    return [f"{head} {dns.rdatatype.to_text(rrset.rdtype)} {_folded(rdata).to_text()}" for rdata in rrset]


def _folded(rdata: dns.rdata.Rdata) -> dns.rdata.Rdata:
    """Return rdata with its names in lower case (RFC 4034 §6.2)."""
    wire = rdata.to_digestable()
    return dns.rdata.from_wire(rdata.rdclass, rdata.rdtype, wire, 0, len(wire))
