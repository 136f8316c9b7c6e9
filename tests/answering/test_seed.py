"""With a seed, the n-th query of a server has the same answer in every run, whichever way it was made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from r53lite.answering.access import AccessList
from r53lite.answering.seeded import SeededDispatch, SeededDraw
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.config.settings import ApiSettings, Endpoint, RecursionSettings, Settings
from r53lite.health.table import HealthTable
from r53lite.server.runtime import Server
from tests.clients import UdpClient, make_query
from tests.routing.odds_cases import APEX
from tests.support import load_snapshot

ZONE = (
    f"zone: t.test\nrecords:\n{APEX}"
    "  - {name: w, type: A, ttl: 9, policy: weighted, sets: ["
    + ", ".join(f"{{id: s{number}, weight: {number}, values: [192.0.2.{number}]}}" for number in range(1, 20))
    + "]}\n  - {name: m, type: A, ttl: 9, policy: multivalue, sets: ["
    + ", ".join(f"{{id: s{number}, values: [192.0.2.{number}]}}" for number in range(1, 13))
    + "]}\n  - {name: plain, type: A, ttl: 9, values: [192.0.2.1, 192.0.2.2, 192.0.2.3]}\n"
)
NAMES = ("w", "m", "plain", "gone", "w", "w", "m")
ROUNDS = 12


def requests() -> list[bytes]:
    """Return the questions of one run, their ids 0 so that runs can be compared."""
    return [b"\0\0" + make_query(f"{name}.t.test")[2:] for _ in range(ROUNDS) for name in NAMES]


def door(directory: Path, seed: int, *, is_replaying: bool = True) -> SeededDispatch:
    snapshot = load_snapshot(directory, t_test_yaml=ZONE)
    settings = DispatchSettings(AccessList(()), is_replaying=is_replaying)
    return SeededDispatch(lambda: snapshot, HealthTable, None, settings, SeededDraw(seed))


def run(dispatch: SeededDispatch) -> list[object]:
    return [dispatch.answer(request, "127.0.0.1", is_stream=False) for request in requests()]


async def ask_server(directory: Path, seed: int) -> list[bytes]:
    """Start a server with a seed, ask it over UDP, one question after the other, and stop it."""
    (directory / "t.test.yaml").write_text(ZONE, encoding="utf-8")
    settings = Settings(
        listen=(Endpoint("127.0.0.1", 0),),
        seed=seed,
        recursion=RecursionSettings(enabled=False),
        api=ApiSettings(listen=None),
    )
    server = Server(replace(settings), [directory])
    await server.start()
    try:
        with UdpClient(*server.endpoints[0]) as client:
            return [await client.ask(request) for request in requests()]
    finally:
        await server.stop()


async def test_two_runs_over_udp_with_one_seed_are_equal_and_another_seed_differs(tmp_path: Path) -> None:
    first = await ask_server(tmp_path, 7)
    again = await ask_server(tmp_path, 7)
    other = await ask_server(tmp_path, 8)

    assert first == again
    assert first != other
    assert len(set(first)) > 20  # chance is at work all the same
    await asyncio.sleep(0)


def test_replayed_and_clear_answers_draw_alike(tmp_path: Path) -> None:
    assert run(door(tmp_path, 7)) == run(door(tmp_path, 7, is_replaying=False))


def test_a_query_has_the_same_answer_whatever_was_asked_before(tmp_path: Path) -> None:
    one, other = door(tmp_path, 7), door(tmp_path, 7)
    weighted, sampled = requests()[0], requests()[1]
    for _ in range(10):
        one.answer(weighted, "127.0.0.1", is_stream=False)
        other.answer(sampled, "127.0.0.1", is_stream=False)
    assert one.answer(weighted, "127.0.0.1", is_stream=False) == other.answer(
        weighted, "127.0.0.1", is_stream=False
    )


def test_a_batch_numbers_its_queries_one_by_one(tmp_path: Path) -> None:
    together = door(tmp_path, 7).answer_batch(requests(), lambda _: "127.0.0.1")
    assert together == run(door(tmp_path, 7))


def test_junk_has_no_number(tmp_path: Path) -> None:
    clean, disturbed = door(tmp_path, 7), door(tmp_path, 7)
    assert disturbed.answer(b"junk", "127.0.0.1", is_stream=False) is None
    assert run(clean) == run(disturbed)


def test_draws_are_even() -> None:
    draw = SeededDraw(1)
    counts = [0] * 8
    for number in range(1, 8001):
        draw.number = number
        counts[draw(8)] += 1
    assert all(count == pytest.approx(1000, abs=150) for count in counts)
