"""What is kept of one question is bounded, however it is asked, and what is answered is the clear path's."""

from __future__ import annotations

from pathlib import Path

import dns.edns
import dns.message
import pytest

from r53lite.answering import entries
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.entries import Entry
from r53lite.answering.trees import Arrangement, Choice, Leaf
from tests.answering.replay_cases import World, make_doors
from tests.support import load_snapshot

LIMIT = 8
OUTER, INNER = 4, 4
COUNTRIES = ("AT", "BE", "BG", "BR", "CA", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "GR", "HU", "IE", "IT")
APEX = """
zone: z.test
records:
  - {name: "@", type: SOA, ttl: 60, values: ["ns h 1 7200 1800 1209600 60"]}
  - {name: "@", type: NS, ttl: 60, values: [ns.elsewhere.example.]}
"""


def write_drawn() -> str:
    """Return a zone in which a weighted CNAME leads to weighted groups."""
    ways = ", ".join(f"{{id: s{number}, weight: 1, values: [w{number}]}}" for number in range(OUTER))
    text = f"{APEX}  - {{name: pool, type: CNAME, ttl: 60, policy: weighted, sets: [{ways}]}}\n"
    for outer in range(OUTER):
        sets = ", ".join(
            f"{{id: s{inner}, weight: 1, values: [192.0.{outer}.{inner}]}}" for inner in range(INNER)
        )
        text += f"  - {{name: w{outer}, type: A, ttl: 60, policy: weighted, sets: [{sets}]}}\n"
    return text


def write_placed() -> str:
    """Return a zone that answers each country another address."""
    sets = ", ".join(
        f"{{id: {country}, location: {{country: {country!r}}}, values: [192.0.2.{number}]}}"
        for number, country in enumerate(COUNTRIES)
    )
    return f"{APEX}  - {{name: pool, type: A, ttl: 60, policy: geolocation, sets: [{sets}]}}\n"


def write_networks() -> str:
    """Return locations with a network of each country."""
    return "networks:\n" + "".join(
        f"  - {{cidr: 10.{number}.0.0/16, country: {country!r}}}\n"
        for number, country in enumerate(COUNTRIES)
    )


def kept_entries(door: Dispatch) -> list[Entry]:
    """Return what a door keeps of questions whose answers look at health, at the client or at chance."""
    return [found for found in door._replay._entries.young.values() if isinstance(found, Entry)]


def leaves_below(node: object) -> int:
    """Count the replies that are kept in a tree."""
    if isinstance(node, Choice):
        return sum(leaves_below(branch) for branch in node.branches)
    return isinstance(node, Leaf | Arrangement)


def ask_both(world: World, requests: list[bytes], rounds: int) -> Dispatch:
    """Ask a replaying door and a clear one with equal draws; return the replaying one."""
    doors, reseed = make_doors(world)
    answers = set()
    for number in range(rounds):
        replies = []
        for door in doors:
            reseed(number)
            replies.append(door.answer(requests[number % len(requests)], "127.0.0.1", is_stream=False))
        assert replies[0] == replies[1], number
        assert isinstance(replies[0], bytes)
        answers.add(replies[0][2:])
    assert len(answers) == OUTER * INNER == len(COUNTRIES) == 2 * LIMIT
    return doors[0]


def test_the_replies_that_are_kept_of_one_question_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MAX_LEAVES", LIMIT)
    request = dns.message.make_query("pool.z.test.", "A").to_wire()
    door = ask_both(World(load_snapshot(tmp_path, z_test_yaml=write_drawn())), [request], 300)
    for entry in kept_entries(door):
        assert sum(leaves_below(grown.root) for grown in entry.trees.values()) <= LIMIT


def test_the_kinds_of_clients_that_are_told_apart_for_one_question_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MAX_LOCATIONS", LIMIT)
    snapshot = load_snapshot(tmp_path, z_test_yaml=write_placed(), locations_yaml=write_networks())
    options = [dns.edns.ECSOption(f"10.{number}.0.0", 24) for number in range(len(COUNTRIES))]
    requests = [
        dns.message.make_query("pool.z.test.", "A", use_edns=0, options=[option], id=7).to_wire()
        for option in options
    ]
    door = ask_both(World(snapshot), requests, 5 * len(requests))
    (entry,) = kept_entries(door)
    assert 0 < len(entry.trees) <= LIMIT
