"""What real `dig` sees of a reply: its own reading of status, flags, OPT record and answer; and `kdig`."""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

TIMEOUT_S = 15.0  # above dig's own; it has one try of 5 s

_HEADER = re.compile(r"opcode: (?P<opcode>\S+), status: (?P<status>\S+), id: ")
_FLAGS = re.compile(r"^;; flags:(?P<flags>[^;]*)(?:; (?P<mbz>MBZ: \S+))?;? ?QUERY: \d+", re.MULTILINE)
_COUNTS = re.compile(r"QUERY: (\d+), ANSWER: (\d+), AUTHORITY: (\d+), ADDITIONAL: (\d+)")
_EDNS = re.compile(r"^; EDNS: version: (?P<version>\d+), flags:(?P<flags>[^;]*);(?P<rest>.*)$", re.MULTILINE)
_OPTION = re.compile(
    r"^; (?P<name>NSID|COOKIE|EXPIRE|CLIENT-SUBNET|OPT=\d+|EDE|TCP-KEEPALIVE)\b", re.MULTILINE
)
_RECORD = re.compile(r"^[^;\s]\S*\s+\d+\s+\S+\s+(?P<rrtype>\S+)\s", re.MULTILINE)


class Seen(NamedTuple):
    """A reply as somebody sees it; `edns` is None without an OPT record, else its version."""

    opcode: str
    status: str
    flags: frozenset[str]
    rrtypes: frozenset[str]
    edns: int | None = None
    edns_flags: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    counts: tuple[int, ...] = ()


async def dig(address: str, port: int, *arguments: str) -> str:
    """Run dig once, without its start-up file, and return what it prints."""
    return await _run("dig", "-r", f"@{address}", "-p", str(port), "+tries=1", "+time=5", *arguments)


async def kdig(address: str, port: int, *arguments: str) -> str:
    """Run kdig once and return what it prints."""
    return await _run("kdig", f"@{address}", "-p", str(port), "+retry=0", "+time=5", *arguments)


async def _run(*command: str) -> str:
    """Run a command that must succeed; return its output."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(TIMEOUT_S):
        output, _ = await process.communicate()
    text = output.decode()
    assert process.returncode == 0, text
    return text


def read_dig(text: str) -> Seen:
    """Read dig's output; `MBZ` in the flags stands for bits that must be zero and are not."""
    assert "malformed" not in text, text  # the one warning that speaks of the reply itself
    header, flags, counts, edns = (pattern.search(text) for pattern in (_HEADER, _FLAGS, _COUNTS, _EDNS))
    assert header is not None, text
    assert flags is not None, text
    assert counts is not None, text
    seen_flags = set(flags["flags"].split()) | ({"MBZ"} if "MBZ" in flags[0] else set())
    seen = Seen(
        header["opcode"],
        header["status"],
        frozenset(seen_flags),
        frozenset(match["rrtype"] for match in _RECORD.finditer(_answer_of(text))),
        counts=tuple(int(count) for count in counts.groups()),
    )
    if edns is None:
        return seen
    edns_flags = set(edns["flags"].split()) | ({"MBZ"} if "MBZ" in edns[0] else set())
    options = frozenset(match["name"] for match in _OPTION.finditer(text))
    return seen._replace(edns=int(edns["version"]), edns_flags=frozenset(edns_flags), options=options)


def _answer_of(text: str) -> str:
    """Return the answer section."""
    _, _, behind = text.partition(";; ANSWER SECTION:\n")
    return behind.partition("\n\n")[0]
