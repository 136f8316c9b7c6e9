"""How are a million plain lines read in a second?

A plain line is one record of a common type without quotes, escapes, parentheses or comments. It is cut into
owner, head and last field: `host7 | 300 IN A | 192.0.2.7`, `@ | MX 10 | mail`. Few heads exist, so what a
head means is worked out once and remembered, and so are the suffixes of names and the first three octets of
addresses. What is left per line is a few look-ups. Whatever this lane does not know at sight it leaves to the
full reader in `zone.master_file`, faults above all: it never reports one, and never reads a line in another
way than the full reader would.

Rules: caches are bounded; those that depend on $ORIGIN or $TTL are dropped by `forget`; no call takes longer
than the lines of one chunk, and no C function works on more than one line.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from r53lite.dns import rrtypes
from r53lite.dns.name import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, ROOT, parse_name
from r53lite.dns.presentation import MAX_STRING_OCTETS, parse_rdata
from r53lite.zone.reading import ReadingState, parse_head
from r53lite.zone.records import RecordTable

PLAIN = bytes(octet for octet in range(0x21, 0x7F) if octet not in b'"();\\') + b" \t"
_MAX_CACHED = 8192
_MAX_SUFFIX_OCTETS = MAX_NAME_OCTETS - MAX_LABEL_OCTETS - 1  # any label fits before it
_BLANKS = b" \t"
_QUOTE = 0x22
_DOLLAR = 0x24  # a directive begins with it, and below it stand but blanks and two rare characters
_LENGTHS = {length: bytes((length,)) for length in range(1, MAX_LABEL_OCTETS + 1)}
_OCTETS = {b"%d" % value: bytes((value,)) for value in range(256)}
_RDLENGTHS = tuple(struct.pack("!H", length) for length in range(MAX_NAME_OCTETS + 8))
_HEAD = struct.Struct("!BHIH")
Value = TypeVar("Value")

_FIELDS_BEFORE = {  # how many fields of rdata stand before the last one
    rrtypes.A: 0,
    rrtypes.AAAA: 0,
    rrtypes.NS: 0,
    rrtypes.CNAME: 0,
    rrtypes.PTR: 0,
    rrtypes.DNAME: 0,
    rrtypes.TXT: 0,
    rrtypes.MX: 1,
    rrtypes.SRV: 3,
}


class _Shape(NamedTuple):
    """What a head means. `packed` is the node up to its rdata's length (for A: up to the rdata), `prefix` the
    rdata up to the last field, `stated_ttl` the TTL if the head names one.
    """

    rrtype: int
    packed: bytes
    prefix: bytes
    stated_ttl: int | None
    parse: Callable[[bytes], bytes]


class FastLane:
    """Reads plain lines into a table."""

    def __init__(self, state: ReadingState, table: RecordTable) -> None:
        self._state = state
        self._table = table
        self._prefixes: dict[bytes, bytes] = {}
        self.forget()

    def forget(self) -> None:
        """Drop what depends on the origin and the TTLs; the full reader calls it after it changed one."""
        self._shapes: dict[bytes, _Shape] = {}
        self._suffixes: dict[bytes, bytes] = {}

    def take(self, lines: Sequence[bytes], at: int, place: int, *, is_clean: bool) -> int:
        """Read lines until one that is not plain, not known, or faulty.

        Args:
            lines: the lines, without their ends.
            at: index of the first to read.
            place: of the line before `lines[0]`.
            is_clean: nothing but plain characters stands in any of the lines.

        Returns:
            The index of the line that is left to the full reader, or their number.
        """
        state, table = self._state, self._table
        origin, ttl, index = state.origin, state.last_ttl, at
        owner = None if state.is_owner_faulty else state.owner
        if len(origin) > _MAX_SUFFIX_OCTETS:
            return at
        tables, places, mask = table.tables, table.places, table.mask
        shapes, suffixes, prefixes = self._shapes, self._suffixes, self._prefixes
        try:  # one long loop over locals, because calls would double its time
            for index in range(at, len(lines)):
                line = lines[index] if is_clean else _plain_part(lines[index])
                if not is_clean and line[-1] == _QUOTE:
                    owner, ttl = self._take_quoted(line, owner, ttl, place + index + 1)
                    continue
                if line[0] > _DOLLAR:
                    name, rest = line.split(None, 1)
                    head, last = rest.rsplit(None, 1)
                    if b"." in name:
                        dot = name.index(b".")
                        end = suffixes.get(name[dot:]) or self._learn_suffix(name[dot:])
                        owner = (_LENGTHS[dot] + name[:dot] + end).lower()
                    else:
                        owner = origin if name == b"@" else (_LENGTHS[len(name)] + name + origin).lower()
                elif owner is not None and line[0] in _BLANKS:
                    head, last = line.rsplit(None, 1)
                else:
                    break
                shape = shapes.get(head) or self._learn_shape(head)
                if shape.rrtype == rrtypes.A:
                    start, _, octet = last.rpartition(b".")
                    packed = (
                        shape.packed + (prefixes.get(start) or self._learn_prefix(start)) + _OCTETS[octet]
                    )
                else:
                    packed = self._parse(shape, last)
                    table.note(owner, shape.rrtype, place + index + 1)
                ttl = ttl if shape.stated_ttl is None else shape.stated_ttl
                shard = hash(owner) & mask
                if tables[shard].setdefault(owner, packed) is packed:
                    places[shard].append(place + index + 1)
                else:
                    table.append(owner, packed, place + index + 1)
            else:
                index = len(lines)
        except (KeyError, ValueError, IndexError):
            pass  # not known at sight: the full reader's line
        state.keep(owner, ttl)
        return index

    def _take_quoted(
        self, line: bytes, owner: bytes | None, ttl: int | None, place: int
    ) -> tuple[bytes, int | None]:
        """Read a TXT record of one quoted string; return the owner and the last stated TTL."""
        start, _, text = line[:-1].partition(b'"')
        if start[-1] not in _BLANKS or len(text) > MAX_STRING_OCTETS:
            raise ValueError("not a line of the fast lane")
        if start[0] > _DOLLAR:
            name, start = start.split(None, 1)
            owner = self._parse_target(name)
        elif owner is None or start[0] not in _BLANKS:
            raise ValueError("not a line of the fast lane")
        head = start.strip()
        shape = self._shapes.get(head) or self._learn_shape(head)
        if shape.rrtype != rrtypes.TXT:
            raise ValueError("not a line of the fast lane")
        self._table.put(owner, shape.packed + _RDLENGTHS[len(text) + 1] + bytes((len(text),)) + text, place)
        return owner, ttl if shape.stated_ttl is None else shape.stated_ttl

    def _parse(self, shape: _Shape, last: bytes) -> bytes:
        """Pack a record of any type but A."""
        rdata = shape.prefix + shape.parse(last)
        return shape.packed + _RDLENGTHS[len(rdata)] + rdata

    # --- what is remembered ---------------------------------------------------------------------------------

    def _learn_shape(self, head: bytes) -> _Shape:
        """Work out what a head means; a ValueError leaves the line to the full reader."""
        fields = head.decode("ascii").split()
        ttl, rrtype, at = parse_head(fields, 0)
        if len(fields) - at != _FIELDS_BEFORE.get(rrtype):
            raise ValueError("not a head of the fast lane")
        prefix = b""
        if len(fields) > at:
            prefix = parse_rdata(rrtype, f"{' '.join(fields[at:])} .", ROOT)[:-1]
        packed = _HEAD.pack(0, rrtype, self._ttl_of(ttl), 1)
        if rrtype == rrtypes.A:
            packed += b"\x00\x04"
        parse = {rrtypes.AAAA: _parse_aaaa, rrtypes.TXT: _parse_word}.get(rrtype, self._parse_target)
        shape = _Shape(rrtype, packed, prefix, ttl, parse)
        return _keep(self._shapes, head, shape)

    def _ttl_of(self, stated: int | None) -> int:
        """Return what a head's TTL is as long as nothing drops the shapes."""
        state = self._state
        if state.default_ttl is None:
            if stated is not None:
                if state.last_ttl is None:
                    self._shapes.clear()  # those with the SOA's minimum are void from here on
                state.last_ttl = stated
            elif state.last_ttl is not None:
                raise ValueError("the ttl depends on the record before")
        return state.implied_ttl() if stated is None else stated

    def _learn_suffix(self, suffix: bytes) -> bytes:
        """Read `.` and what follows the first label, short enough for any label to fit before it."""
        if suffix == b".":
            return ROOT
        wire = parse_name(suffix[1:].decode("ascii"), self._state.origin)
        if len(wire) > _MAX_SUFFIX_OCTETS or suffix in (b"..", b".@"):  # these two mean something else alone
            raise ValueError("not a suffix of the fast lane")
        return _keep(self._suffixes, suffix, wire)

    def _learn_prefix(self, start: bytes) -> bytes:
        """Read the first three octets of an IPv4 address."""
        one, two, three = start.split(b".")
        return _keep(self._prefixes, start, _OCTETS[one] + _OCTETS[two] + _OCTETS[three])

    def _parse_target(self, text: bytes) -> bytes:
        """Read a name inside rdata."""
        if b"." in text:
            dot = text.index(b".")
            suffix = text[dot:]
            end = self._suffixes.get(suffix) or self._learn_suffix(suffix)
            return (_LENGTHS[dot] + text[:dot] + end).lower()
        if text == b"@":
            return self._state.origin
        return (_LENGTHS[len(text)] + text + self._state.origin).lower()


def _plain_part(line: bytes) -> bytes:
    """Return a line without its comment, or one that ends in its only string in quotes.

    Raises:
        ValueError: it holds other than plain characters even so.
    """
    special = line.translate(None, PLAIN)
    if not special:
        return line
    if special[0] == _QUOTE and line[-1] == _QUOTE and b"\\" not in special and special.count(b'"') == 2:
        return line
    line, semicolon, _ = line.partition(b";")
    if not semicolon or line.translate(None, PLAIN):
        raise ValueError("not a line of the fast lane")
    return line


def _parse_word(text: bytes) -> bytes:
    """Read a single character-string without quotes."""
    if len(text) > MAX_STRING_OCTETS:
        raise ValueError("too long")
    return bytes((len(text),)) + text


def _parse_aaaa(text: bytes) -> bytes:
    """Read an IPv6 address of hexadecimal groups; one with a dotted part is left to the full reader."""
    before, gap, after = text.partition(b"::")
    if not gap:
        groups = text.split(b":")
        if len(groups) != 8:
            raise ValueError("not eight groups")
    else:
        front = before.split(b":") if before else []
        back = after.split(b":") if after else []
        missing = 8 - len(front) - len(back)
        if missing < 1:
            raise ValueError("no room for ::")
        groups = [*front, *[b"0"] * missing, *back]
    if max(map(len, groups)) > 4:
        raise ValueError("group too long")
    # Each group padded apart: `fromhex` refuses what is no digit, and an empty group is one that is missing.
    if b"" in groups:
        raise ValueError("empty group")
    return bytes.fromhex(b"".join([group.rjust(4, b"0") for group in groups]).decode("ascii"))


def _keep(cache: dict[bytes, Value], key: bytes, value: Value) -> Value:
    """Remember a value; a full cache starts anew, which costs less than to choose what to drop."""
    if len(cache) >= _MAX_CACHED:
        cache.clear()
    cache[key] = value
    return value
