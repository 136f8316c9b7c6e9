"""Which records does a master file hold?

A reader in two lanes. A plain line (no quote, escape, parenthesis or comment) is split at white space. Any
other is first joined to one record over its lines, which leaves the same fields. From there both lanes are
one. Every fault is noted with the first line of its record and reading goes on with the next record.

Carries out: RFC 1035 §5 (format, $ORIGIN), RFC 2308 §4 ($TTL), RFC 3597 §5 (types, classes and rdata without
a name). Readings: a quoted string ends on its line and parentheses do not nest, so that an unclosed one is
found where it stands (Knot reads strings so, NSD and Knot parentheses). Leaves out: $INCLUDE and $GENERATE,
which are reported.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from r53lite.dns import rrtypes
from r53lite.dns.name import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, parse_name
from r53lite.dns.presentation import parse_rdata, parse_ttl
from r53lite.dns.rdata import soa_numbers
from r53lite.dns.rrset import MAX_TTL
from r53lite.errors import Faults

_NOT_PLAIN = re.compile(r"[^!#-\'*-:<-\[\]-~ \t]")  # all but printable ASCII without " ( ) ; \
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*+"|(?:[^"\\;()]|\\.)++|.')
_FIELD = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^\s"\\]|\\.)++', re.ASCII)
_UNSUPPORTED_DIRECTIVES = ("$INCLUDE", "$GENERATE")
_CLASSES = {"IN": rrtypes.CLASS_IN, "CS": 2, "CH": rrtypes.CLASS_CH, "HS": 4}
_COMMON_TYPES = {
    rrtypes.format_rrtype(rrtype): rrtype
    for rrtype in (
        rrtypes.A,
        rrtypes.NS,
        rrtypes.CNAME,
        rrtypes.SOA,
        rrtypes.PTR,
        rrtypes.MX,
        rrtypes.TXT,
        rrtypes.AAAA,
        rrtypes.SRV,
        rrtypes.DS,
        rrtypes.CAA,
    )
}


class Record(NamedTuple):
    """One record of a file: owner and rdata in wire form, and where it was written."""

    owner: bytes
    rrtype: int
    ttl: int
    rdata: bytes
    file: str
    line: int


def read_master_file(text: str, origin: bytes, faults: Faults) -> list[Record]:
    """Read the records of a master file.

    Args:
        text: the whole file; `faults.file` is its name.
        origin: the first $ORIGIN, a wire name.
        faults: takes every fault, each with its line.

    Returns:
        The records that could be read, in file order.

    Source: RFC 1035 §5.
    """
    reader = _Reader(origin, faults)
    reader.read(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"))
    return reader.records


class _Reader:
    """The state that one record leaves to the next: origin, last owner, TTLs."""

    def __init__(self, origin: bytes, faults: Faults) -> None:
        self.records: list[Record] = []
        self._faults = faults
        self._origin = origin
        self._owner: bytes | None = None
        self._is_owner_faulty = False
        self._default_ttl: int | None = None
        self._last_ttl: int | None = None
        self._soa_minimum: int | None = None

    def read(self, lines: list[str]) -> None:
        """Read all lines of the file."""
        at = 0
        while at < len(lines):
            line = lines[at]
            if _NOT_PLAIN.search(line) is None:
                fields = line.split()
                end = at + 1
            else:
                fields, end = self._join(lines, at)
            if fields:
                self._take(fields, line[0] in " \t", at + 1)
            at = end

    # --- lines to fields ------------------------------------------------------------------------------------

    def _join(self, lines: list[str], start: int) -> tuple[list[str], int]:
        """Join a record over its lines; return its fields (none if faulty) and where the next record is."""
        pieces: list[str] = []
        opened: int | None = None
        at = start
        while at < len(lines):
            for match in _PIECE.finditer(lines[at]):
                piece = match[0]
                if piece == ";":
                    break
                if piece == "(" and opened is None:
                    opened = at
                    pieces.append(" ")
                elif piece == ")" and opened is not None:
                    opened = None
                    pieces.append(" ")
                elif piece in ("(", ")", '"', "\\"):
                    return [], self._refuse(piece, lines, at, opened)
                else:
                    pieces.append(piece)
            at += 1
            if opened is None:
                return _FIELD.findall("".join(pieces)), at
            pieces.append(" ")
        return [], self._refuse("(", lines, start, opened)

    def _refuse(self, piece: str, lines: list[str], at: int, opened: int | None) -> int:
        """Note what is out of balance; return the index of the line where reading goes on.

        Inside parentheses nobody knows where the record was meant to end: the next line that starts with an
        owner or a directive is taken for the next record, because continuation lines are indented by custom.
        """
        if piece == "(" and opened is not None:
            self._faults.error(
                opened + 1, "parenthesis '(' is not closed before the next one or the end of the file"
            )
            at = opened
        elif piece == ")":
            self._faults.error(at + 1, "parenthesis ')' closes nothing")
        elif piece == '"':
            self._faults.error(at + 1, "quote is not closed on its line")
        else:
            self._faults.error(at + 1, "line ends in a backslash; expected an escaped character")
        at += 1
        if opened is not None:
            while at < len(lines) and lines[at][:1] in ("", " ", "\t", ")", ";"):
                at += 1
        return at

    # --- fields to records ----------------------------------------------------------------------------------

    def _take(self, fields: list[str], is_owner_blank: bool, line: int) -> None:
        """Read a record or a directive; note its fault."""
        try:
            if fields[0].startswith("$") and not is_owner_blank:
                self._read_directive(fields)
                return
            if not is_owner_blank:
                self._is_owner_faulty = True
                self._owner = self._parse_owner(fields[0])
                self._is_owner_faulty = False
            elif self._is_owner_faulty:
                return  # one fault, one message: these records belong to the owner that was refused
            self._read_record(fields, 0 if is_owner_blank else 1, line)
        except ValueError as error:  # every syntax error of names, types and rdata is one
            self._faults.error(line, str(error))

    def _read_directive(self, fields: list[str]) -> None:
        """Read $ORIGIN or $TTL."""
        directive = fields[0].upper()
        if directive in _UNSUPPORTED_DIRECTIVES:
            raise ValueError(f"directive {directive} is not supported; write the records out")
        if directive not in ("$ORIGIN", "$TTL"):
            raise ValueError(f"unknown directive {fields[0]!r}; expected $ORIGIN or $TTL")
        if len(fields) != 2:
            raise ValueError(f"directive {directive} has {len(fields) - 1} values; expected 1")
        if directive == "$TTL":
            self._default_ttl = parse_ttl(fields[1])
        else:
            self._origin = parse_name(fields[1], self._origin)

    def _parse_owner(self, text: str) -> bytes:
        """Read an owner; a single plain label, the common case, without the general parser."""
        if text.isalnum() and len(text) <= MAX_LABEL_OCTETS and text.isascii():
            owner = bytes((len(text),)) + text.lower().encode() + self._origin
            if len(owner) <= MAX_NAME_OCTETS:
                return owner
        if text.startswith('"'):
            raise ValueError(f"owner {text!r} is in quotes; expected a name")
        return parse_name(text, self._origin)

    def _read_record(self, fields: list[str], at: int, line: int) -> None:
        """Read `[TTL] [class] type rdata`, TTL and class in either order, from field `at` on."""
        ttl = rrclass = None
        while at < len(fields):
            field = fields[at]
            if ttl is None and field[0] in "0123456789":
                ttl = self._last_ttl = parse_ttl(field)
            elif rrclass is None and (rrclass := _parse_class(field)) is not None:
                if rrclass != rrtypes.CLASS_IN:
                    raise ValueError(f"class {field!r} is not served; expected IN")
            else:
                break
            at += 1
        else:
            raise ValueError("record has no type")
        if self._owner is None:
            raise ValueError("record has no owner; the first record of a file must name one")
        rrtype = _COMMON_TYPES.get(fields[at]) or _parse_data_type(fields[at])
        rdata = parse_rdata(rrtype, " ".join(fields[at + 1 :]), self._origin)
        if rrtype == rrtypes.SOA:
            self._soa_minimum = min(soa_numbers(rdata)[1], MAX_TTL)
        if ttl is None:
            ttl = self._implied_ttl()
        self.records.append(Record(self._owner, rrtype, ttl, rdata, self._faults.file, line))

    def _implied_ttl(self) -> int:
        """Return the TTL of a record that states none: $TTL, else the last stated, else the SOA's minimum.

        Source: RFC 2308 §4, RFC 1035 §5.1; the SOA's minimum is RFC 1035's older default.
        """
        for ttl in (self._default_ttl, self._last_ttl, self._soa_minimum):
            if ttl is not None:
                return ttl
        raise ValueError("record has no ttl, and there is no $TTL, earlier ttl or SOA to take it from")


def _parse_class(text: str) -> int | None:
    """Return the class a field names, or None if it names none."""
    text = text.upper()
    if text.startswith("CLASS") and text[5:].isdigit():
        return rrtypes.parse_rrclass(text)
    return _CLASSES.get(text)


def _parse_data_type(text: str) -> int:
    """Return the number of a type that can hold data (RFC 6895 §3.1: 0 is reserved)."""
    rrtype = rrtypes.parse_rrtype(text)
    if rrtype in rrtypes.META_TYPES or rrtype == 0:
        raise ValueError(f"record type {text!r} stands only in questions and messages; it holds no data")
    return rrtype
