"""A replayed answer is the clear path's answer, byte for byte."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r53lite.answering import replay
from r53lite.answering.access import AccessList
from r53lite.answering.compiled import Compiled, Facts, compile_answer
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.replay import EXTRA_RUNS
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.dns import rrtypes, wire
from r53lite.dns.name import parse_name
from r53lite.dns.wire import Encoded
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.routing.context import Context
from tests.answering.replay_cases import run
from tests.support import load_snapshot


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32))
def test_replayed_answers_equal_the_clear_paths(seed: int) -> None:
    """For generated zones, policies, clients, health histories and queries, with equal draws."""
    with tempfile.TemporaryDirectory() as directory:
        assert run(seed, Path(directory)) > 0


_HEAD = """\
zone: many.example
records:
  - {name: "@", type: SOA, ttl: 60, values: ["ns h 1 7200 1800 1209600 60"]}
  - {name: "@", type: NS, ttl: 60, values: [ns.elsewhere.example.]}
"""
_NAME = """\
  - {{name: n{number}, type: A, ttl: 60, policy: weighted, sets: [
      {{id: one, weight: 1, values: [192.0.2.1], health_check: check}},
      {{id: two, weight: 1, values: [192.0.2.2]}}]}}
"""
_CHECK = "health_checks: {check: {type: HTTP, ip: 127.0.0.1, port: 9}}\n"
_NAMES = 64


def test_a_flip_on_which_many_names_depend_is_made_good_in_small_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No batch of queries waits until all its names are compiled, and no answer is late."""
    names = "".join(_NAME.format(number=number) for number in range(_NAMES))
    snapshot = load_snapshot(tmp_path, many_yaml=_HEAD + names + _CHECK)
    tables = [HealthTable()]
    compiled: list[object] = []

    def count(run: Callable[[Context], Encoded], facts: Facts) -> Compiled | None:
        compiled.append(run)
        return compile_answer(run, facts)

    monkeypatch.setattr(replay, "compile_answer", count)
    door = Dispatch(lambda: snapshot, lambda: tables[-1], None, DispatchSettings(AccessList(())))
    batch = [
        wire.encode_query(number, parse_name(f"n{number}.many.example"), rrtypes.A)
        for number in range(_NAMES)
    ]

    def compilations() -> int:
        before = len(compiled)
        replies = door.answer_batch(batch, lambda _: "127.0.0.1")
        assert [reply[:2] for reply in replies if isinstance(reply, bytes)] == [one[:2] for one in batch]
        if tables[1:]:
            assert all(isinstance(one, bytes) and bytes((192, 0, 2, 1)) not in one for one in replies)
        return len(compiled) - before

    def settle() -> list[int]:
        counts = [compilations() for _ in range(_NAMES)]
        return [count for count in counts if count]

    each = EXTRA_RUNS // 2  # a choice of two takes two runs more than the clear path
    assert settle() == [each] * (_NAMES // each)
    dead = HealthStatus(False, "down", 3, 0.0, 0.0)
    tables.append(HealthTable({"check": dead}, 1))
    assert settle() == [_NAMES]  # one set is left and nothing to choose: as little work as the clear path
    tables[:] = [HealthTable(version=2)]
    assert settle() == [each] * (_NAMES // each)
