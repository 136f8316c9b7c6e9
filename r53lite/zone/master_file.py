"""Which records does a master file hold?

A reader in two lanes. Plain lines of common types go through `zone.fast_lane`. Any other line is read here: a
plain one is split at white space, any other is first joined to one record over its lines, which leaves the
same fields. Every fault is noted with the first line of its record and reading goes on with the next record.

The file comes in chunks of bytes, cut anywhere, and records go straight into a `RecordTable`, so that no step
is long: a large zone is read in a thread beside the answering event loop.

$INCLUDE reads another file with the same state; origin and owner are as before when it ends, $TTL stays as it
left it (as in BIND). Who opens files is a function that the caller gives, so nothing here touches a disk.

Carries out: RFC 1035 §5 (format, $ORIGIN, $INCLUDE), RFC 2308 §4 ($TTL), RFC 3597 §5 (types, classes and
rdata without a name). Readings: a quoted string ends on its line and parentheses do not nest, so that an
unclosed one is found where it stands (Knot reads strings so, NSD and Knot parentheses).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from r53lite.dns import rrtypes
from r53lite.dns.name import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, parse_name
from r53lite.dns.presentation import parse_rdata, parse_ttl
from r53lite.dns.rdata import soa_numbers
from r53lite.dns.rrset import MAX_TTL
from r53lite.errors import Fault, Faults
from r53lite.zone.fast_lane import PLAIN, FastLane
from r53lite.zone.generate import MAX_RECORDS_PER_ZONE, expand
from r53lite.zone.reading import ReadingState, parse_head
from r53lite.zone.records import Record, RecordTable

__all__ = ["CHUNK_BYTES", "Record", "read_chunks", "read_master_file"]

CHUNK_BYTES = 1 << 18  # our choice: splitting so much into lines takes half a millisecond
MAX_RECORD_BYTES = 1 << 20  # our choice: rdata has 65,535 octets, four characters each as \\DDD, and room
MAX_INCLUDE_DEPTH = 16  # our choice
MAX_INCLUDES = 1000  # our choice: files that include each other twice grow by powers of two
MAX_ERRORS = 1000  # our choice: a file of another format would fill the memory with faults

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*+"|(?:[^"\\;()]|\\.)++|.')
_FIELD = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^ \t\r"\\]|\\.)++')
_ESCAPE = re.compile(r"\\(.)")
_PLAIN_LINES = PLAIN + b"\n"


def read_master_file(text: str, origin: bytes, faults: Faults) -> list[Record]:
    """Read the records of a master file that is text already: for tests and tools.

    Args:
        text: the whole file; `faults.file` is its name.
        origin: the first $ORIGIN, a wire name.
        faults: takes every fault, each with its line.

    Returns:
        The records that could be read, in file order.

    Source: RFC 1035 §5.
    """
    table = RecordTable()
    read_chunks([text.encode("utf-8", "surrogatepass")], faults.file, origin, table, faults.items)
    return table.records()


class IncludedFile(NamedTuple):
    """A file that $INCLUDE names: how it is called in faults, what tells it from others, and its octets."""

    name: str
    identity: str
    chunks: Iterable[bytes]


Include = Callable[[str, str], IncludedFile]
"""Opens what $INCLUDE names, given its text and the name of the file it is in; a ValueError says why not."""


def read_chunks(
    chunks: Iterable[bytes],
    file: str,
    origin: bytes,
    table: RecordTable,
    faults: list[Fault],
    include: Include | None = None,
    identity: str = "",
) -> None:
    """Read the records of a master file into a table.

    Args:
        chunks: the file's octets, cut anywhere; `CHUNK_BYTES` is a good length.
        file: the file's name, for faults.
        origin: the first $ORIGIN, a wire name.
        table: takes the records.
        faults: takes every fault, each with its file and line.
        include: opens the files of $INCLUDE; None refuses the directive.
        identity: what `include` calls this file's identity.

    Source: RFC 1035 §5.
    """
    shared = _Shared(origin, table, faults, include)
    try:
        _Reader(shared, file, (identity,)).read(chunks)
    except _TooManyErrorsError:
        last = faults[-1]
        faults.append(Fault(last.file, last.line, f"{MAX_ERRORS} errors; reading stops here"))


class _TooManyErrorsError(Exception):
    """Reading on makes no sense."""


class _LongLineError(Exception):
    """A line is longer than any record."""


class _Shared:
    """What the file and those it includes have in common."""

    def __init__(
        self, origin: bytes, table: RecordTable, faults: list[Fault], include: Include | None
    ) -> None:
        self.state = ReadingState(origin)
        self.fast_lane = FastLane(self.state, table)
        self.table = table
        self.faults = faults
        self.include = include
        self.error_count = self.include_count = self.generated_count = 0


class _Reader:
    """Reads one file. `chain` has what tells it and the files that include it from others."""

    def __init__(self, shared: _Shared, file: str, chain: tuple[str, ...]) -> None:
        self._shared = shared
        self._state = shared.state
        self._file = file
        self._chain = chain
        self._base = shared.table.base_of(file)
        self._blocks: Iterator[tuple[list[bytes], bool]] = iter(())
        self._lines: list[bytes] = []
        self._line_before = 0

    def read(self, chunks: Iterable[bytes]) -> None:
        """Read all lines of the file."""
        self._blocks = _split(chunks)
        try:
            for lines, is_clean in self._blocks:
                self._lines = lines
                self._read_block(is_clean)
                self._line_before += len(lines)
                self._lines = []
                self._shared.table.grow()
        except _LongLineError:
            reason = f"line of over {MAX_RECORD_BYTES} octets, which is the limit; reading stops here"
            self._error(self._line_before + len(self._lines) + 1, reason)

    def _read_block(self, is_clean: bool) -> None:
        """Read the lines at hand, and more where a record goes on behind them."""
        lines = self._lines
        count = len(lines)
        at = 0
        while at < len(lines):
            is_clean = is_clean and len(lines) == count
            at = self._shared.fast_lane.take(lines, at, self._base + self._line_before, is_clean=is_clean)
            if at < len(lines):
                at = self._read_slowly(at)

    def _read_slowly(self, at: int) -> int:
        """Read the record that begins at a line; return the index of the line behind it."""
        line = self._lines[at]
        if line.translate(None, PLAIN):
            before, semicolon, _ = line.partition(b";")
            if semicolon and not before.translate(None, PLAIN):
                line = before
        if line.translate(None, PLAIN):
            fields, end = self._join(at)
        else:
            fields, end = line.decode("ascii").split(), at + 1
        if fields:
            self._take(fields, line[:1] in (b" ", b"\t"), self._line_before + at + 1)
        return end

    def _error(self, line: int, reason: str) -> None:
        self._shared.faults.append(Fault(self._file, line, reason))
        self._shared.error_count += 1
        if self._shared.error_count >= MAX_ERRORS:
            raise _TooManyErrorsError

    # --- lines to fields ------------------------------------------------------------------------------------

    def _has_line(self, at: int) -> bool:
        """Say whether there is a line at an index, taking more of the file where the lines at hand end."""
        while at >= len(self._lines):
            block = next(self._blocks, None)
            if block is None:
                return False
            self._lines += block[0]
        return True

    def _join(self, start: int) -> tuple[list[str], int]:
        """Join a record over its lines; return its fields (none if faulty) and where the next record is."""
        pieces: list[str] = []
        opened: int | None = None
        at = start
        size = 0
        while self._has_line(at) and size <= MAX_RECORD_BYTES:
            size += len(self._lines[at])
            for match in _PIECE.finditer(self._lines[at].decode("utf-8", "surrogateescape")):
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
                    return [], self._refuse(piece, at, opened)
                else:
                    pieces.append(piece)
            at += 1
            if opened is None:
                return _FIELD.findall("".join(pieces)), at
            pieces.append(" ")
        return [], self._refuse("(", start, opened)

    def _refuse(self, piece: str, at: int, opened: int | None) -> int:
        """Note what is out of balance; return the index of the line where reading goes on.

        Inside parentheses nobody knows where the record was meant to end: the next line that starts with an
        owner or a directive is taken for the next record, because continuation lines are indented by custom.
        """
        first = self._line_before + 1
        if piece == "(" and opened is not None:
            self._error(
                opened + first, "parenthesis '(' is not closed before the next one or the end of the file"
            )
            at = opened
        elif piece == ")":
            self._error(at + first, "parenthesis ')' closes nothing")
        elif piece == '"':
            self._error(at + first, "quote is not closed on its line")
        else:
            self._error(at + first, "line ends in a backslash; expected an escaped character")
        at += 1
        if opened is not None:
            while self._has_line(at) and self._lines[at][:1] in (b"", b" ", b"\t", b")", b";"):
                at += 1
        return at

    # --- fields to records ----------------------------------------------------------------------------------

    def _take(self, fields: list[str], is_owner_blank: bool, line: int) -> None:
        """Read a record or a directive; note its fault."""
        state = self._state
        try:
            if fields[0].startswith("$") and not is_owner_blank:
                self._read_directive(fields, line)
                return
            if not is_owner_blank:
                state.is_owner_faulty = True
                state.owner = self._parse_owner(fields[0])
                state.is_owner_faulty = False
            elif state.is_owner_faulty:
                return  # one fault, one message: these records belong to the owner that was refused
            self._read_record(fields, 0 if is_owner_blank else 1, line)
        except ValueError as error:  # every syntax error of names, types and rdata is one
            self._error(line, str(error))

    def _read_directive(self, fields: list[str], line: int) -> None:
        """Carry out a directive."""
        directive, values = fields[0].upper(), fields[1:]
        if directive == "$GENERATE":
            self._generate(values, line)
        elif directive == "$INCLUDE":
            self._include(values)
        elif directive not in ("$ORIGIN", "$TTL"):
            reason = "expected $ORIGIN, $TTL, $INCLUDE or $GENERATE"
            raise ValueError(f"unknown directive {fields[0]!r}; {reason}")
        elif len(values) != 1:
            raise ValueError(f"directive {directive} has {len(values)} values; expected 1")
        elif directive == "$TTL":
            self._state.default_ttl = parse_ttl(values[0])
        else:
            self._state.origin = parse_name(values[0], self._state.origin)
        self._shared.fast_lane.forget()

    def _include(self, values: list[str]) -> None:
        """Read another file here, below another origin if one is given (RFC 1035 §5.1)."""
        shared, state = self._shared, self._state
        if not 1 <= len(values) <= 2:
            reason = "expected a file and perhaps an origin"
            raise ValueError(f"directive $INCLUDE has {len(values)} values; {reason}")
        if shared.include is None:
            raise ValueError("directive $INCLUDE is not possible here; there is no directory to look in")
        if len(self._chain) > MAX_INCLUDE_DEPTH:
            raise ValueError(f"files include each other over {MAX_INCLUDE_DEPTH} levels; that is the limit")
        shared.include_count += 1
        if shared.include_count > MAX_INCLUDES:
            raise ValueError(f"zone includes more than {MAX_INCLUDES} files; that is the limit")
        origin = parse_name(values[1], state.origin) if len(values) == 2 else state.origin
        included = shared.include(_unquoted(values[0]), self._file)
        if included.identity in self._chain:
            raise ValueError(f"file {included.name!r} includes itself")
        before = state.origin, state.owner, state.is_owner_faulty
        state.origin = origin
        shared.fast_lane.forget()
        _Reader(shared, included.name, (*self._chain, included.identity)).read(included.chunks)
        state.origin, state.owner, state.is_owner_faulty = before

    def _generate(self, values: list[str], line: int) -> None:
        """Read the records that a range stands for; the first fault ends it: the others would be equal."""
        state, shared = self._state, self._shared
        before = state.owner, state.is_owner_faulty, state.last_ttl
        try:
            for owner, *fields in expand(values):
                shared.generated_count += 1
                if shared.generated_count > MAX_RECORDS_PER_ZONE:
                    reason = f"the limit is {MAX_RECORDS_PER_ZONE}"
                    raise ValueError(f"zone generates too many records; {reason}")
                state.owner = self._parse_owner(owner)
                self._read_record(fields, 0, line)
        finally:
            state.owner, state.is_owner_faulty, state.last_ttl = before
            shared.table.grow()

    def _parse_owner(self, text: str) -> bytes:
        """Read an owner; a single plain label, the common case, without the general parser."""
        if text.isalnum() and len(text) <= MAX_LABEL_OCTETS and text.isascii():
            owner = bytes((len(text),)) + text.lower().encode() + self._state.origin
            if len(owner) <= MAX_NAME_OCTETS:
                return owner
        if text.startswith('"'):
            raise ValueError(f"owner {text!r} is in quotes; expected a name")
        return parse_name(text, self._state.origin)

    def _read_record(self, fields: list[str], at: int, line: int) -> None:
        """Read `[TTL] [class] type rdata` from field `at` on."""
        state = self._state
        ttl, rrtype, at = parse_head(fields, at)
        if ttl is not None:
            state.last_ttl = ttl
        if state.owner is None:
            raise ValueError("record has no owner; the first record of a file must name one")
        rdata = parse_rdata(rrtype, " ".join(fields[at:]), state.origin)
        if rrtype == rrtypes.SOA:
            state.soa_minimum = min(soa_numbers(rdata)[1], MAX_TTL)
            self._shared.fast_lane.forget()
        if ttl is None:
            ttl = state.implied_ttl()
        self._shared.table.add(state.owner, rrtype, ttl, rdata, self._base + line)


def _unquoted(text: str) -> str:
    """Return a file's name without the quotes it may stand in."""
    if len(text) >= 2 and text.startswith('"') and text.endswith('"'):
        return _ESCAPE.sub(r"\1", text[1:-1])
    return text


def _split(chunks: Iterable[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """Yield blocks of whole lines, and whether a block has only plain lines.

    A file that does not end in a line's end is read as if it did; CRLF counts as one, and a byte order mark
    at the start as nothing.
    """
    rest = b""
    is_first = True
    for chunk in chunks:
        if is_first:
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
            is_first = False
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            rest += tail
            if len(rest) > MAX_RECORD_BYTES:
                raise _LongLineError
            continue
        yield _lines_of(rest + head)
        rest = tail
    if rest:
        yield _lines_of(rest)


def _lines_of(text: bytes) -> tuple[list[bytes], bool]:
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
    return text.split(b"\n"), not text.translate(None, _PLAIN_LINES)
