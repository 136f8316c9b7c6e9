"""How does rdata look as text, and how is text turned into rdata?

The types that fill most zones have a short reader of their own; every other type, and RFC 3597's `\\# length
hex` for any type, goes through dnspython. Rdata inside is always uncompressed wire form with lower-case names
where RFC 4034 §6.2 says so, so that equal records are equal bytes. Text is one line without comments or
parentheses: joining lines is the business of `zone.master_file`.

Carries out: RFC 1035 §5.1 (character-strings, decimal escapes), RFC 2181 §8 (TTL limit), RFC 3597 §5.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, parse_name
from r53lite.dns.rrset import MAX_TTL, RRset
from r53lite.errors import NameSyntaxError, RdataSyntaxError

MAX_RDATA_OCTETS = 0xFFFF  # RFC 1035 §4.1.3: RDLENGTH has 16 bits
MAX_STRING_OCTETS = 255  # RFC 1035 §3.3: a character-string has one length octet
_MAX_UINT16 = 0xFFFF
_MAX_UINT32 = 0xFFFFFFFF
_SHOWN_CHARACTERS = 80  # our choice: a message quotes no more of a value

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TTL_PART = re.compile(r"([0-9]{1,10})([smhdw])", re.IGNORECASE)
_TTL_WITH_UNITS = re.compile(r"(?:[0-9]{1,10}[smhdw])+", re.IGNORECASE)
_OCTETS = {str(value): value for value in range(256)}

_NOT_PLAIN = re.compile(r'["\\();]')
_ONE_LINE = re.compile(r'(?:"(?:[^"\\\n]|\\[^\n])*+"|\\[^\n]|[^"\\();\n])*+')
_STRING = re.compile(rb'\s*+(?:"((?:[^"\\\n]|\\[^\n])*+)"|((?:[^\s"\\();]|\\[^\n])++))')
_ESCAPE = re.compile(rb"\\([0-9]{3}|.)", re.DOTALL)
_GENERIC = re.compile(r"\\#(?:\s|$)")


def parse_ttl(text: str) -> int:
    """Turn a TTL or a time into seconds: digits, or numbers with units such as `1h30m` and `1w`.

    Raises:
        RdataSyntaxError: another form, or over 2^31-1 (RFC 2181 §8).

    Source: RFC 1035 §5.1 for digits; the units are BIND's, which every server reads.
    """
    return _parse_time(text, MAX_TTL)


def parse_rdata(rrtype: int, text: str, origin: bytes) -> bytes:
    """Turn the text of a record's rdata into wire form.

    Args:
        text: one line of master-file form, without comments and parentheses.
        origin: wire name that relative names inside the rdata end in.

    Returns:
        Uncompressed rdata, names in lower case.

    Raises:
        RdataSyntaxError: the text is not rdata of this type.

    Source: RFC 1035 §5.1, RFC 3597 §5.
    """
    text = text.strip()
    quick = _QUICK.get(rrtype)
    try:
        if quick is not None and not _NOT_PLAIN.search(text):
            return quick(text, origin)
        if rrtype in _STRING_TYPES and not _GENERIC.match(text):
            rdata = _parse_strings(text)
        elif rrtype in _SERVICE_TYPES and _ALIAS_MODE.match(text):
            rdata = _parse_alias_mode(rrtype, text, origin)
        else:
            rdata = _parse_through_library(rrtype, text, origin)
    except NameSyntaxError as error:
        raise RdataSyntaxError(str(error)) from error
    if len(rdata) > MAX_RDATA_OCTETS:
        raise RdataSyntaxError(f"rdata of {len(rdata)} octets; the limit is {MAX_RDATA_OCTETS}")
    return rdata


def format_rdata(rrtype: int, rdata: bytes) -> str:
    """Turn wire rdata into text with absolute names; rdata unfit for its type takes RFC 3597's form."""
    try:
        record = dns.rdata.from_wire(
            dns.rdataclass.IN, dns.rdatatype.RdataType.make(rrtype), rdata, 0, len(rdata)
        )
        if rrtype in _NAME_COUNTS:
            return " ".join(map(format_name, _split_names(rrtype, rdata)))
        return record.to_text()
    except (dns.exception.DNSException, ValueError):
        return f"\\# {len(rdata)} {rdata.hex()}".rstrip()


def format_rrset(rrset: RRset) -> list[str]:
    """Turn an RRset into lines of zone syntax: owner, TTL, class, type, rdata."""
    head = f"{format_name(rrset.owner)} {rrset.ttl} IN {rrtypes.format_rrtype(rrset.rrtype)}"
    return [f"{head} {format_rdata(rrset.rrtype, rdata)}" for rdata in rrset.rdatas]


# --- readers of one type ------------------------------------------------------------------------------------


def _parse_a(text: str, origin: bytes) -> bytes:
    try:
        address = bytes([_OCTETS[octet] for octet in text.split(".")])
    except KeyError:
        address = b""
    if len(address) != 4:
        raise RdataSyntaxError(
            f"{_shown(text)} is not an IPv4 address; expected four numbers up to 255 with dots"
        )
    return address


def _parse_aaaa(text: str, origin: bytes) -> bytes:
    try:
        address = IPv6Address(text)
    except AddressValueError as error:
        raise RdataSyntaxError(
            f"{_shown(text)} is not an IPv6 address; expected a form like 2001:db8::1"
        ) from error
    if address.scope_id is not None:
        raise RdataSyntaxError(f"IPv6 address {_shown(text)} has a zone index; expected the address alone")
    return address.packed


def _parse_target(text: str, origin: bytes) -> bytes:
    (target,) = _fields(text, ("a name",))
    return parse_name(target, origin)


def _parse_minfo(text: str, origin: bytes) -> bytes:
    responsible, errors = _fields(text, ("mailbox for requests", "mailbox for errors"))
    return parse_name(responsible, origin) + parse_name(errors, origin)


def _parse_mx(text: str, origin: bytes) -> bytes:
    preference, exchange = _fields(text, ("preference", "exchange"))
    return _parse_uint16(preference, "preference") + parse_name(exchange, origin)


def _parse_srv(text: str, origin: bytes) -> bytes:
    priority, weight, port, target = _fields(text, ("priority", "weight", "port", "target"))
    return (
        _parse_uint16(priority, "priority")
        + _parse_uint16(weight, "weight")
        + _parse_uint16(port, "port")
        + parse_name(target, origin)
    )


def _parse_soa(text: str, origin: bytes) -> bytes:
    names = ("mname", "rname", "serial", "refresh", "retry", "expire", "minimum")
    mname, rname, serial, *times = _fields(text, names)
    numbers = [_parse_number(serial, "serial", _MAX_UINT32)]
    # 32 bits for times too: only a TTL stops at 31 (RFC 2181 §8); the builder takes the lower of both.
    numbers += [_parse_time(time, _MAX_UINT32) for time in times]
    return parse_name(mname, origin) + parse_name(rname, origin) + struct.pack("!5I", *numbers)


_QUICK: dict[int, Callable[[str, bytes], bytes]] = {
    rrtypes.A: _parse_a,
    rrtypes.AAAA: _parse_aaaa,
    rrtypes.NS: _parse_target,
    rrtypes.CNAME: _parse_target,
    rrtypes.PTR: _parse_target,
    rrtypes.DNAME: _parse_target,
    rrtypes.MX: _parse_mx,
    rrtypes.SRV: _parse_srv,
    rrtypes.SOA: _parse_soa,
}
# RFC 1035 §3.3: types of names alone that dnspython knows only in RFC 3597's form, and peers in this one.
_NAME_COUNTS = dict.fromkeys((rrtypes.MB, rrtypes.MD, rrtypes.MF, rrtypes.MG, rrtypes.MR), 1) | {
    rrtypes.MINFO: 2
}
_QUICK |= {rrtype: _parse_target if count == 1 else _parse_minfo for rrtype, count in _NAME_COUNTS.items()}
_STRING_TYPES = frozenset((rrtypes.TXT, rrtypes.SPF))
_SERVICE_TYPES = frozenset((rrtypes.SVCB, rrtypes.HTTPS))
_ALIAS_MODE = re.compile(r"0\s")


def _parse_strings(text: str) -> bytes:
    """Read one or more character-strings (RFC 1035 §3.3.14); text beyond ASCII counts as its UTF-8 octets."""
    try:
        octets = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise RdataSyntaxError(f"{_shown(text)} holds a character that has no UTF-8 form") from error
    rdata = bytearray()
    at = 0
    while at < len(octets):
        match = _STRING.match(octets, at)
        if match is None:
            rest = octets[at:].decode("utf-8", "replace").strip()
            raise RdataSyntaxError(
                f'cannot read {_shown(rest)}; expected strings in closed quotes, escapes \\" \\\\ and \\DDD'
            )
        string = _unescape(match[2] if match[1] is None else match[1])
        if len(string) > MAX_STRING_OCTETS:
            raise RdataSyntaxError(
                f"character-string of {len(string)} octets; the limit is {MAX_STRING_OCTETS}, so split it"
            )
        rdata.append(len(string))
        rdata += string
        at = match.end()
    if not rdata:
        raise RdataSyntaxError("no text; expected at least one character-string")
    return bytes(rdata)


def _unescape(raw: bytes) -> bytes:
    """Resolve `\\X` and decimal `\\DDD` (RFC 1035 §5.1)."""
    return _ESCAPE.sub(_escaped_octet, raw) if b"\\" in raw else raw


def _escaped_octet(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    if not escaped.isdigit():
        return escaped
    if len(escaped) < 3 or int(escaped) > 255:
        shown = match[0].decode()
        raise RdataSyntaxError(f"bad escape {shown!r}; expected \\DDD with three decimal digits up to 255")
    return bytes((int(escaped),))


def _parse_alias_mode(rrtype: int, text: str, origin: bytes) -> bytes:
    """Read SVCB or HTTPS rdata of priority 0. Parameters have no meaning there, and recipients ignore them
    (RFC 9460 §2.4.2); the library refuses them, servers take them.
    """
    rdata = _parse_through_library(rrtype, "1" + text[1:], origin)
    return b"\x00\x00" + rdata[2:]


def _parse_through_library(rrtype: int, text: str, origin: bytes) -> bytes:
    """Read any type through dnspython, which also knows `\\# length hex`."""
    if not text.isascii():  # dnspython would turn names into Punycode silently
        raise RdataSyntaxError(f"{_shown(text)} is not ASCII; write other octets as \\DDD")
    if not _ONE_LINE.fullmatch(text):  # dnspython would silently stop at a comment or a line's end
        raise RdataSyntaxError(f"{_shown(text)} has an open quote, a comment, parentheses or several lines")
    try:
        record = dns.rdata.from_text(
            dns.rdataclass.IN,
            dns.rdatatype.RdataType.make(rrtype),
            text,
            dns.name.from_wire(origin, 0)[0],
            relativize=False,
        )
        rdata = record.to_digestable()
        return b"".join(_split_names(rrtype, rdata)).lower() if rrtype in _NAME_COUNTS else rdata
    except (dns.exception.DNSException, ValueError) as error:
        name = rrtypes.format_rrtype(rrtype)
        reason = str(error)
        if reason[1:2].islower():  # an acronym keeps its case
            reason = reason[0].lower() + reason[1:]
        raise RdataSyntaxError(f"{_shown(text)} is not {name} rdata: {reason}") from error


def _split_names(rrtype: int, rdata: bytes) -> list[bytes]:
    """Split rdata of names alone; a ValueError says that it is something else."""
    names = []
    for _ in range(_NAME_COUNTS[rrtype]):
        name, octets = dns.name.from_wire(rdata, 0)
        if name.to_wire() != rdata[:octets]:
            raise ValueError("a name is compressed")
        names.append(rdata[:octets])
        rdata = rdata[octets:]
    if rdata:
        raise ValueError(f"{len(rdata)} octets stand behind the names")
    return names


# --- fields -------------------------------------------------------------------------------------------------


def _fields(text: str, names: tuple[str, ...]) -> list[str]:
    """Split rdata into exactly the fields that `names` lists."""
    fields = text.split()
    if len(fields) != len(names):
        raise RdataSyntaxError(f"{_shown(text)} has {len(fields)} fields; expected {', '.join(names)}")
    return fields


def _parse_uint16(text: str, name: str) -> bytes:
    return _parse_number(text, name, _MAX_UINT16).to_bytes(2, "big")


def _parse_number(text: str, name: str, limit: int) -> int:
    """Read decimal digits; unlike `int` no sign, underscore or digit beyond ASCII."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) > limit:
        raise RdataSyntaxError(f"{name} {_shown(text)} is not a whole number from 0 to {limit}")
    return int(text)


def _parse_time(text: str, limit: int) -> int:
    """Read seconds, or numbers with units."""
    if text.isascii() and text.isdigit() and len(text) <= 10:
        seconds = int(text)
    elif _TTL_WITH_UNITS.fullmatch(text):
        seconds = sum(int(number) * _UNIT_SECONDS[unit.lower()] for number, unit in _TTL_PART.findall(text))
    else:
        raise RdataSyntaxError(f"time {_shown(text)} is not whole seconds or a form like 1h30m")
    if seconds > limit:
        raise RdataSyntaxError(f"time {_shown(text)} is {seconds} seconds; the limit is {limit}")
    return seconds


def _shown(text: str) -> str:
    """Quote a value for a message, shortened where it is long."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
