"""A tree is walked down with the draws of the clear path and comes to the same reply, at every bound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.answering.access import AccessList
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.trees import (
    MAX_TABLE,
    Choice,
    Leaf,
    Opts,
    ReadyChoice,
    ReadyTable,
    make_ready,
    pick_ready,
)
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.dns import rrtypes, wire
from r53lite.dns.name import parse_name
from r53lite.health.table import HealthTable
from r53lite.routing.context import ClientLocation, Context
from tests.support import load_snapshot

WEIGHTS = (255, 1, 255, 2)
ZONE = f"""
zone: z.test
records:
  - {{name: "@", type: SOA, ttl: 60, values: ["ns h 1 7200 1800 1209600 60"]}}
  - {{name: "@", type: NS, ttl: 60, values: [ns.elsewhere.example.]}}
  - {{name: heavy, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: {WEIGHTS[0]}, values: [192.0.2.0]}},
      {{id: b, weight: {WEIGHTS[1]}, values: [192.0.2.1]}},
      {{id: zero, weight: 0, values: [192.0.2.99]}},
      {{id: c, weight: {WEIGHTS[2]}, values: [192.0.2.2]}},
      {{id: d, weight: {WEIGHTS[3]}, values: [192.0.2.3]}}]}}
"""


def always(number: int) -> Callable[[int], int]:
    """Return what draws one number, whatever the limit."""
    return lambda _limit: number


@given(st.lists(st.integers(0, 255), min_size=2, max_size=9).filter(any))
def test_every_number_draws_of_a_ready_tree_what_it_draws_of_the_weights(weights: list[int]) -> None:
    choice = Choice(weights)
    choice.branches = [Leaf(b"", bytes([index]), ()) for index in choice.indexes]
    ready = make_ready(choice, b"", Opts(b""))
    assert isinstance(ready, ReadyTable if sum(weights) <= MAX_TABLE else ReadyChoice)
    for number in range(sum(weights)):
        context = Context(HealthTable(), ClientLocation(), always(number))
        assert pick_ready(ready, context.draw) == bytes([context.choose(weights)])


def test_heavy_weights_are_replayed_as_they_are_drawn_at_their_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = load_snapshot(tmp_path, z_test_yaml=ZONE)
    health = HealthTable()
    numbers: list[int] = [0]
    limits = []

    def draw(limit: int) -> int:
        limits.append(limit)
        return numbers[-1]

    def make_door(*, is_replaying: bool) -> Callable[[], bytes]:
        settings = DispatchSettings(AccessList(()), is_replaying=is_replaying)
        door = Dispatch(lambda: snapshot, lambda: health, None, settings, draw)
        request = wire.encode_query(1, parse_name("heavy.z.test"), rrtypes.A)

        def ask() -> bytes:
            reply = door.answer(request, "127.0.0.1", is_stream=False)
            assert isinstance(reply, bytes)
            return reply

        if is_replaying:
            for _ in range(8):
                ask()
            monkeypatch.setattr(door, "_answer_new", None)  # would raise: all is ready
        return ask

    replaying, clear = make_door(is_replaying=True), make_door(is_replaying=False)
    assert sum(WEIGHTS) > MAX_TABLE
    expected = {0: 0, 1: 0, 254: 0, 255: 1, 256: 2, 510: 2, 511: 3, 512: 3}
    for number, last_octet in expected.items():
        numbers.append(number)
        reply = replaying()
        assert reply == clear()
        assert wire.decode_message(reply).answer[0].rdatas == (bytes((192, 0, 2, last_octet)),)
    assert set(limits) == {sum(WEIGHTS)}
