"""NSD reads odd master files as we do: the same zones are refused, and the same records are in the others.

Where we differ there is a reason, and it is written here.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import dns.zone
import pytest

from r53lite.control.zone_files import load_zone_files
from r53lite.dns.name import parse_name
from r53lite.zone.packed import rrsets_of

CHECKER = shutil.which("nsd-checkzone", path="/usr/sbin:/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
HEAD = "$TTL 300\n@ IN SOA ns.x.net. h.x.net. 1 2 3 4 5\n@ IN NS ns.x.net.\n"
_Records = set[tuple[bytes, int, int, bytes]]

ACCEPTED = [
    'a TXT "x;y" ; c\n',
    'a TXT ("a(" \n "b" ) \n',
    "\tA 192.0.2.1\n",
    "a IN 300 A 192.0.2.1\na 300 IN A 192.0.2.2\n",
    "a 1h30m A 192.0.2.1\nb 1H A 192.0.2.2\nc 1w2D A 192.0.2.3\n",
    "a A 192.0.2.1\r\nb A 192.0.2.1\r\n",
    "a A 192.0.2.1",
    "A a 192.0.2.1\nTXT TXT TXT\nIN IN A 1.2.3.4\n300 A 1.2.3.4\n",
    "@ MX 10 @\na MX 10 b.\n",
    'a TXT a\\"b a\\065b "\\\\"\n',
    "a\\.b A 192.0.2.1\na\\046c A 192.0.2.1\nA\\066 A 192.0.2.1\n",
    "$origin sub.example.com.\na A 192.0.2.1\n",
    "a CLASS1 TYPE1 \\# 4 c0000201\na TYPE1 192.0.2.2\nb CLASS1 A 192.0.2.1\n",
    "a TYPE65400 \\# 3 010203\nb TYPE65400 \\# 3 01 02 03\nc TYPE65400 \\# 0\n",
    "a TXT \\# 2 0161\nb MX \\# 5 000a014100\n",
    'a TXT ""\n',
    "a A 192.0.2.1 ; x\n;y\n\n  \n ; z\nb A 192.0.2.1\n",
    "a ( A 192.0.2.1 )\nb (\n\n A ; comment (\n) 192.0.2.1\n",
    "a NS x.net.\nb.a TXT x\n",
    "a 0 A 192.0.2.1\n",
    "a A 1.2.3.4\n* A 1.2.3.4\n*.a A 1.2.3.4\na.*.b A 1.2.3.4\n",
    "a TXT a b  c\td\n",
    'a TXT "a""b" "c"d\n',
    "a AAAA ::ffff:1.2.3.4\na AAAA 2001:DB8::1\n",
    "a A 192.0.2.1\na A 192.0.2.1\n",
    "*.n NS ns.x.net.\n*.d DNAME x.net.\n",
]
REFUSED = [
    "$TTL\n",
    "$TTL 1 2\n",
    "a MX \\# 5 000a 016201 00\n",
    "a TXT\n",
    "a A 192.0.2.01\n",
    "a A 192.0.2\n",
    "a A 192.0.2.1 192.0.2.2\n",
    "a A 1.2.3.4\\\n",
    "a CH TXT x\n",
    "b.example.net. A 192.0.2.1\n",
    "a. A 1.2.3.4\n",
    "a CNAME b\na A 192.0.2.1\n",
    "a CNAME b\na CNAME c\n",
    "a DNAME b\na DNAME c\n",
    "a DNAME b\na CNAME c\n",
    "@ IN SOA ns.x.net. h.x.net. 2 2 3 4 5\n",
    "b IN SOA ns.x.net. h.x.net. 2 2 3 4 5\n",
    "a..b A 1.2.3.4\n",
    ".a A 1.2.3.4\n",
    f"a TXT {'x' * 256}\n",
    "a HINFO PC\n",
    "a UNKNOWNTYPE x\n",
    "a IN IN A 1.2.3.4\n",
    "a 300 300 A 1.2.3.4\n",
    "a\x0bA 1.2.3.4\n",
    "$INCLUDE missing.txt\n",
]
DIFFERENT = [  # ours, NSD's, and why
    (
        False,
        True,
        'a TXT "two\nlines"\n',
        "a string that is not closed would swallow the file; Knot, BIND refuse",
    ),
    (False, True, "a TXT ( x\n", "the file was cut off, or the next record swallowed; Knot, BIND refuse"),
    (True, False, "$ORIGIN sub\na A 192.0.2.1\n", "RFC 1035 §5.1 allows a relative origin; BIND reads it"),
    (True, False, "( a A 192.0.2.1 )\n", "RFC 1035 §5.1 does not tie parentheses to rdata; BIND reads it"),
    (True, False, "a DNAME x.net.\nb.a A 192.0.2.1\n", "served, with a warning; BIND serves it"),
    (False, True, "\u00e9 A 192.0.2.1\n", "nearly always a name that was meant as Punycode; Knot refuses"),
    (False, True, '"a" A 1.2.3.4\n', "nearly always a mistake; Knot refuses"),
    (False, True, 'a MX 10 "b"\n', "nearly always a mistake; BIND refuses"),
    (False, True, "a 2147483648 A 192.0.2.1\n", "RFC 2181 §8; the peers each make another number of it"),
    (False, True, "$FOO\n", "a directive that is misspelt changes what follows; Knot, BIND refuse"),
    (True, False, "$GENERATE 1-2 a$ A 192.0.2.$\n", "BIND's directive"),
]


def read_ours(path: Path) -> _Records | None:
    zones = load_zone_files([path]).zones
    if not zones:
        return None
    return {
        (owner, rrset.rrtype, rrset.ttl, rdata)
        for owner, packed in zones[0].names.items()
        if isinstance(packed, bytes)
        for rrset in rrsets_of(packed, owner)
        for rdata in rrset.rdatas
    }


def read_theirs(path: Path) -> _Records | None:
    assert CHECKER is not None, "nsd-checkzone is not installed; scripts/system-packages installs it"
    ran = subprocess.run([CHECKER, "-p", "example.com", path], capture_output=True, check=False, timeout=20)
    if ran.returncode:
        return None
    zone = dns.zone.from_text(ran.stdout.decode("latin-1"), "example.com.", relativize=False)
    return {
        (parse_name(owner.to_text()), int(rdata.rdtype), ttl, rdata.to_digestable())
        for owner, ttl, rdata in zone.iterate_rdatas()
    }


def write(directory: Path, text: str) -> Path:
    path = directory / "example.com.zone"
    path.write_bytes((HEAD + text).encode())
    return path


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_both_read_is_the_same(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    ours = read_ours(path)
    assert ours is not None
    assert ours == read_theirs(path)


@pytest.mark.parametrize("text", REFUSED)
def test_what_both_refuse(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert read_ours(path) is None
    assert read_theirs(path) is None


@pytest.mark.parametrize(("is_ours", "is_theirs", "text", "reason"), DIFFERENT)
def test_what_one_refuses_has_a_reason(
    tmp_path: Path, is_ours: bool, is_theirs: bool, text: str, reason: str
) -> None:
    path = write(tmp_path, text)
    assert (read_ours(path) is not None) == is_ours, reason
    assert (read_theirs(path) is not None) == is_theirs, reason
