"""Where do two answers differ?

A difference is a set of atoms, each one field or one record that one side has and the other has not, so that
every allowed difference says exactly which atoms it explains, and what is left is unexplained.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.differential.model import TYPE_NAMES
from tests.differential.wire import AA, AD, CD, RA, RD, TC, Answer, Rr, Z, show

FLAGS = {"aa": AA, "tc": TC, "rd": RD, "ra": RA, "z": Z, "ad": AD, "cd": CD}
SECTIONS = ("answer", "authority", "additional")
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN"}


class Atom(NamedTuple):
    """One difference: ours against a peer's; in a section, `rr` is a record that only one side has."""

    field: str
    ours: str
    theirs: str
    rr: Rr | None = None

    @property
    def is_extra(self) -> bool:
        """Say whether we have a record that the peer has not."""
        return self.rr is not None and not self.theirs

    def shape(self) -> str:
        """Return what atoms of one kind have in common."""
        if self.field in ("question", "malformed"):
            return self.field
        if self.rr is None:
            return f"{self.field} {self.ours}/{self.theirs}"
        sign = "+" if self.is_extra else "-"
        return f"{sign}{self.field} {TYPE_NAMES.get(self.rr.rrtype, 'TYPE')}"


def differences(ours: Answer, theirs: Answer) -> frozenset[Atom]:
    """Return every difference between two answers to one question."""
    found = [
        Atom(field, str(int(bool(ours.flags & bit))), str(int(bool(theirs.flags & bit))))
        for field, bit in FLAGS.items()
        if (ours.flags ^ theirs.flags) & bit
    ]
    if ours.rcode != theirs.rcode:
        found.append(Atom("rcode", rcode_text(ours.rcode), rcode_text(theirs.rcode)))
    if ours.question != theirs.question:
        found.append(Atom("question", repr(ours.question), repr(theirs.question)))
    found += _edns_differences(ours, theirs)
    for field in SECTIONS:
        left, right = getattr(ours, field), getattr(theirs, field)
        found += [Atom(field, show(rr), "", rr) for rr in left - right]
        found += [Atom(field, "", show(rr), rr) for rr in right - left]
    found += [Atom("malformed", fault, "") for fault in ours.faults]
    return frozenset(found)


def rcode_text(rcode: int) -> str:
    """Return the mnemonic of a response code."""
    return RCODES.get(rcode, str(rcode))


def describe(answer: Answer) -> str:
    """Return an answer as lines: status, then each section."""
    flags = " ".join(field for field, bit in FLAGS.items() if answer.flags & bit)
    lines = [f"{rcode_text(answer.rcode)} [{flags}] {answer.size} octets"]
    if answer.edns is not None:
        payload, version, bits, options = answer.edns
        lines[0] += f", EDNS {version} udp {payload} flags {bits:#x} options {list(options)}"
    for field in SECTIONS:
        lines += [f"  {field:<10} {text}" for text in sorted(map(show, getattr(answer, field)))]
    return "\n".join([*lines, *(f"  malformed: {fault}" for fault in answer.faults)])


def _edns_differences(ours: Answer, theirs: Answer) -> list[Atom]:
    left, right = ours.edns, theirs.edns
    if left is None or right is None:
        return [] if left is right else [Atom("edns", str(left is not None), str(right is not None))]
    found = [
        Atom(f"edns {field}", str(getattr(left, field)), str(getattr(right, field)))
        for field in ("payload", "version", "flags")
        if getattr(left, field) != getattr(right, field)
    ]
    if left.options != right.options:
        found.append(Atom("edns options", str(left.options), str(right.options)))
    return found
