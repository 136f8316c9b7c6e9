"""The reason of an answer stands beside it where there is room for both, and never in its place."""

from __future__ import annotations

from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import pytest

from r53lite.answering.access import AccessList
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.health.table import HealthTable
from tests.support import load_snapshot

ZONE = """
zone: z.test
records:
  - {name: "@", type: SOA, ttl: 60, values: ["ns h 1 7200 1800 1209600 60"]}
  - {name: "@", type: NS, ttl: 60, values: [ns.elsewhere.example.]}
  - {name: w, type: TXT, ttl: 60, policy: weighted, sets: [{id: only, weight: 1, values: ['TEXT']}]}
"""
HEADER, QUESTION, RECORD, OPT, OPTION = 12, 14, 12, 11, 4  # octets; the record's without its text
LIMIT = 512


def ask(directory: Path, text_octets: int) -> tuple[dns.message.Message, str | None]:
    """Ask a door that explains for a text of so many octets; return its reply and the reason in it."""
    whole, rest = divmod(text_octets, 256)  # each string has its length in front
    strings = ["x" * 255] * whole + ["x" * (rest - 1)] * (rest > 0)
    text = " ".join(f'"{string}"' for string in strings)
    snapshot = load_snapshot(directory, z_test_yaml=ZONE.replace("TEXT", text))
    settings = DispatchSettings(AccessList(()), minimal_responses=True, is_explaining=True)
    health = HealthTable()
    door = Dispatch(lambda: snapshot, lambda: health, None, settings)
    query = dns.message.make_query("w.z.test.", "TXT", use_edns=0, payload=LIMIT)
    reply = door.answer(query.to_wire(), "127.0.0.1", is_stream=False)
    assert isinstance(reply, bytes)
    assert len(reply) <= LIMIT
    message = dns.message.from_wire(reply)
    reasons = [option.text for option in message.options if isinstance(option, dns.edns.EDEOption)]
    return message, reasons[0] if reasons else None


def test_a_reason_is_left_out_where_it_would_truncate_the_answer(tmp_path: Path) -> None:
    _, reason = ask(tmp_path, 200)
    assert reason is not None
    assert "only" in reason
    room = LIMIT - HEADER - QUESTION - RECORD - OPT
    reason_octets = OPTION + 2 + len(reason.encode())
    for text_octets, is_explained in (
        (room - reason_octets, True),
        (room - reason_octets + 1, False),
        (room, False),
    ):
        message, found = ask(tmp_path, text_octets)
        assert not message.flags & dns.flags.TC, text_octets
        assert len(message.answer) == 1, text_octets
        assert found == (reason if is_explained else None), text_octets


@pytest.mark.parametrize("text_octets", [LIMIT, 2 * LIMIT])
def test_an_answer_without_room_is_truncated_as_without_a_reason(tmp_path: Path, text_octets: int) -> None:
    message, _ = ask(tmp_path, text_octets)
    assert message.flags & dns.flags.TC
    assert not message.answer
