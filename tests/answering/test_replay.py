"""A replayed answer is the clear path's answer, byte for byte."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import dns.edns
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r53lite.answering import replay
from r53lite.answering.access import AccessList
from r53lite.answering.compiled import Explored, Facts, explore
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.entries import Script
from r53lite.answering.replay import EXPLORED_AHEAD
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.dns import rrtypes, wire
from r53lite.dns.name import parse_name
from r53lite.dns.wire import Encoded
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.routing.context import Context
from tests.answering.replay_cases import World, make_doors, run
from tests.support import load_snapshot


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32))
def test_replayed_answers_equal_the_clear_paths(seed: int) -> None:
    """For generated zones, policies, clients, health histories and queries, with equal draws."""
    with tempfile.TemporaryDirectory() as directory:
        assert run(seed, Path(directory)) > 0


_NAMES, _SETS = 32, 20
_SHARES = ", ".join(f"{{id: s{number}, weight: 1, values: [192.0.2.{number}]}}" for number in range(2, _SETS))
_GROUPS = "".join(
    f"""
  - {{name: n{number}, type: A, ttl: 60, policy: weighted, sets: [
      {{id: s1, weight: 1, values: [192.0.2.1], health_check: check}}, {_SHARES}]}}"""
    for number in range(_NAMES)
)
_ZONE = f"""
zone: many.example
records:
  - {{name: "@", type: SOA, ttl: 60, values: ["ns h 1 7200 1800 1209600 60"]}}
  - {{name: "@", type: NS, ttl: 60, values: [ns.elsewhere.example.]}}{_GROUPS}
health_checks: {{check: {{type: HTTP, ip: 127.0.0.1}}}}
"""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Script]:
    """Every exploration since the list was last cleared."""
    found: list[Script] = []

    def count(run: Callable[[Context], Encoded], facts: Facts, script: Script) -> Explored:
        found.append(script)
        return explore(run, facts, script)

    monkeypatch.setattr(replay, "explore", count)
    return found


def test_a_flip_on_which_many_names_depend_is_made_good_in_small_steps(
    tmp_path: Path, runs: list[Script]
) -> None:
    """No query explores more than what it has drawn, no batch much more, and in the end all is explored."""
    snapshot = load_snapshot(tmp_path, many_yaml=_ZONE)
    tables = [HealthTable()]
    door = Dispatch(lambda: snapshot, lambda: tables[-1], None, DispatchSettings(AccessList(())))
    names = [parse_name(f"n{number}.many.example") for number in range(_NAMES)]
    batch = [wire.encode_query(number, name, rrtypes.A) for number, name in enumerate(names)]

    def settle() -> tuple[int, set[bytes]]:
        """Ask until nothing is explored any more; return how often something was, and the answers."""
        runs.clear()
        before = 0
        values: set[bytes] = set()
        for _ in range(_SETS * _SETS):
            before = len(runs)
            for reply in door.answer_batch(batch, lambda _: "127.0.0.1"):
                assert isinstance(reply, bytes)
                values.update(rdata for rrset in wire.decode_message(reply).answer for rdata in rrset.rdatas)
            assert len(runs) - before <= 2 * _NAMES + EXPLORED_AHEAD
        assert len(runs) == before
        return len(runs), values

    everything = {bytes((192, 0, 2, number)) for number in range(1, _SETS)}
    assert settle() == (_NAMES * _SETS, everything)  # the choice, and each of its branches once
    tables.append(HealthTable({"check": HealthStatus(False, "down", 3, 0.0, 0.0)}, 1))
    assert settle() == (_NAMES * (_SETS - 1), everything - {bytes((192, 0, 2, 1))})
    tables.append(HealthTable(version=2))
    assert settle() == (_NAMES * _SETS, everything)


def test_what_only_the_clear_path_answers_is_not_explored_for_each_query(
    tmp_path: Path, runs: list[Script]
) -> None:
    """Equal values of two sets appear once, so that records of a sample do not stand for themselves."""
    members = ", ".join(
        f"{{id: m{number}, values: [192.0.2.{max(number, 2)}], health_check: check}}"
        for number in range(1, 13)
    )
    group = f"\n  - {{name: pool, type: A, ttl: 60, policy: multivalue, sets: [{members}]}}"
    snapshot = load_snapshot(tmp_path, many_yaml=_ZONE.replace(_GROUPS, group))
    tables = [HealthTable()]
    door = Dispatch(lambda: snapshot, lambda: tables[-1], None, DispatchSettings(AccessList(())))
    request = wire.encode_query(1, parse_name("pool.many.example"), rrtypes.A)
    for table in (HealthTable(), HealthTable({"check": HealthStatus(False, "down", 3, 0.0, 0.0)}, 1)):
        tables.append(table)
        runs.clear()
        for _ in range(10):
            reply = door.answer(request, "127.0.0.1", is_stream=False)
            assert isinstance(reply, bytes)
            assert wire.decode_message(reply).answer
        assert len(runs) == 1


_APEX = """
zone: z.test
records:
  - {name: "@", type: SOA, ttl: 60, values: ["ns h 1 7200 1800 1209600 60"]}
  - {name: "@", type: NS, ttl: 60, values: [ns1.elsewhere.example., ns2.elsewhere.example.]}
"""
_SEVERAL = (
    _APEX
    + """
  - {name: even, type: A, ttl: 60, values: [192.0.2.NUMBER]}
  - {name: checked, type: A, ttl: 60, policy: failover, sets: [
      {id: p, failover: primary, values: [192.0.2.NUMBER], health_check: check},
      {id: s, failover: secondary, values: [192.0.2.250]}]}
  - {name: drawn, type: A, ttl: 60, policy: weighted, sets: [
      {id: a, weight: 1, values: [192.0.2.NUMBER]}, {id: b, weight: 1, values: [192.0.2.NUMBER]}]}
  - {name: placed, type: A, ttl: 60, policy: geolocation, sets: [
      {id: de, location: {country: DE}, values: [192.0.2.250]},
      {id: all, location: {country: "*"}, values: [192.0.2.NUMBER]}]}
health_checks: {check: {type: HTTP, ip: 127.0.0.1}}
"""
)
_CLIENTS: dict[str, list[dns.edns.Option] | None] = {
    "plain": None,
    "EDNS": [],
    "subnet": [dns.edns.ECSOption("198.51.100.0", 24)],
    "cookie": [dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"8 octets")],
}


@pytest.mark.parametrize("client", _CLIENTS)
@pytest.mark.parametrize("name", ["even", "checked", "drawn", "placed"])
def test_no_answer_outlives_the_zones_that_it_was_compiled_from(
    name: str, client: str, tmp_path: Path
) -> None:
    options = _CLIENTS[client]
    use_edns = False if options is None else 0
    request = dns.message.make_query(f"{name}.z.test.", "A", use_edns=use_edns, options=options).to_wire()
    world = World(load_snapshot(tmp_path, z_test_yaml=_SEVERAL.replace("NUMBER", "1")))
    doors, _ = make_doors(world)
    for number in (1, 2, 3):
        world.snapshot = load_snapshot(tmp_path, z_test_yaml=_SEVERAL.replace("NUMBER", str(number)))
        for _ in range(5):  # new, seen again, compiled, ready, ready again
            for door in doors:
                reply = door.answer(request, "127.0.0.1", is_stream=False)
                assert isinstance(reply, bytes)
                assert wire.decode_message(reply).answer[0].rdatas == (bytes((192, 0, 2, number)),)


def test_samples_of_records_of_unequal_length_are_the_clear_paths(tmp_path: Path) -> None:
    """What stands behind them moves, and with it the names that others point to; the two samples that
    exploring looks at are of one length, so that only the records themselves tell.
    """
    lengths = (5, 5, 5, 5, 5, 5, 1, 9, 5, 5)
    members = ", ".join(
        f"{{id: m{number}, values: ['\"{str(number) * length}\"']}}" for number, length in enumerate(lengths)
    )
    group = f"  - {{name: pool, type: TXT, ttl: 60, policy: multivalue, sets: [{members}]}}\n"
    doors, reseed = make_doors(World(load_snapshot(tmp_path, z_test_yaml=_APEX + group)))
    request = wire.encode_query(1, parse_name("pool.z.test"), rrtypes.TXT)
    lengths_seen = set()
    for seed in range(40):
        replies = []
        for door in doors:
            reseed(seed)
            reply = door.answer(request, "127.0.0.1", is_stream=False)
            assert isinstance(reply, bytes)
            replies.append(reply)
        assert replies[0] == replies[1], seed
        lengths_seen.add(len(replies[0]))
    assert len(lengths_seen) > 1
