"""What tests share: zones from text, a door without sockets, and answers as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from r53lite.answering.access import AccessList
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.recursive import Recursive
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.control.snapshot import Snapshot
from r53lite.control.zone_files import load_zone_files
from r53lite.dns import wire
from r53lite.dns.message import Message
from r53lite.dns.name import parse_name
from r53lite.dns.presentation import format_rrset
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import parse_rrtype
from r53lite.health.table import HealthTable

RD = 0x0100


def load_snapshot(directory: Path, **files: str) -> Snapshot:
    """Write files (`example_com_zone="…"` is `example.com.zone`) and load them; a fault fails the test."""
    for name, text in files.items():
        (directory / name.replace("_", ".")).write_text(text, encoding="utf-8")
    locations = directory / "locations.yaml"
    loaded = load_zone_files([directory], locations if locations.exists() else None)
    loaded.raise_for_errors()
    return loaded.snapshot()


def make_dispatch(
    snapshot: Snapshot,
    *,
    health: HealthTable | None = None,
    recursive: Recursive | None = None,
    draw: Callable[[int], int] = lambda n: n - 1,
    minimal_responses: bool = False,
    udp_payload_bytes: int = 1232,
) -> Dispatch:
    """Return a door over a snapshot; the default draw leaves values in the order of the file."""
    table = health or HealthTable()
    settings = DispatchSettings(AccessList(()), udp_payload_bytes, minimal_responses)
    return Dispatch(lambda: snapshot, lambda: table, recursive, settings, draw)


def ask(
    dispatch: Dispatch, name: str, rrtype: str = "A", *, flags: int = 0, is_stream: bool = False
) -> Message:
    """Ask the door one question with EDNS and return the decoded reply."""
    request = wire.encode_query(4711, parse_name(name), parse_rrtype(rrtype), flags=flags)
    reply = dispatch.answer(request, "127.0.0.1", is_stream=is_stream)
    assert isinstance(reply, bytes)
    return wire.decode_message(reply)


def lines(section: tuple[RRset, ...]) -> list[str]:
    """Return a section as sorted lines of zone syntax, fields one space apart."""
    return sorted(" ".join(line.split()) for rrset in section for line in format_rrset(rrset))
