"""Do the odds equal reality? Generated groups and trees with random health, and what is drawn from them.

`make_zone` writes a policy file of groups, `check_group` draws from one of them through `registry.select` as
the server does and holds the counts against the exact odds. `tests/routing/test_odds.py` does it for a few,
`make soak` for 200 (`python -m tests.routing.odds_soak`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from r53lite.answering.dispatch import make_draw
from r53lite.answering.odds_report import Odds, odds_of
from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.routing.context import ClientLocation, Context
from r53lite.routing.places import REGIONS
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.registry import select
from tests.statistics import p_value
from tests.support import load_snapshot

DRAWS = 20_000
GROUPS = 200
LEAST_P = 0.001 / GROUPS  # so that all groups together fail by chance once in a thousand runs
CHECKS = tuple(f"c{number}" for number in range(8))
WEIGHTS = (0, 0, 1, 1, 2, 10, 40, 100, 255)
LEAF_KINDS = ("weighted", "weighted", "multivalue", "latency")
ZONE = "z.test"
APEX = (
    "  - {name: '@', type: SOA, ttl: 60, values: ['ns h 1 1 1 1 60']}\n"
    "  - {name: '@', type: NS, ttl: 60, values: [ns]}\n"
    "  - {name: ns, type: A, ttl: 60, values: [127.0.0.1]}\n"
)


class World(NamedTuple):
    """Groups `g0`, `g1`, …, a client and a health state."""

    snapshot: Snapshot
    location: ClientLocation
    health: HealthTable
    names: tuple[str, ...]


def make_world(seed: int, directory: Path, groups: int) -> World:
    """Generate a zone of groups and load it as the server does."""
    chance = random.Random(seed)
    for old in directory.iterdir():
        old.unlink()
    names = tuple(f"g{number}" for number in range(groups))
    text = f"zone: {ZONE}\nrecords:\n{APEX}" + "".join(_write_all(chance, names))
    checks = "".join(f"  {check}: {{type: HTTP, ip: 127.0.0.1}}\n" for check in CHECKS)
    (directory / f"{ZONE}.yaml").write_text(f"{text}health_checks:\n{checks}", encoding="utf-8")
    snapshot = load_snapshot(directory)
    share = chance.choice((0.0, 0.3, 0.6, 1.0))
    sick = {check: HealthStatus(False, "down", 1, 0.0, None) for check in CHECKS if chance.random() < share}
    region = chance.choice(sorted(REGIONS))
    location = ClientLocation(region, coordinates=REGIONS[region], prefix_len=24, source="generated")
    return World(snapshot, location, HealthTable(sick), names)


def _write_all(chance: random.Random, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the entries of all groups."""
    for number, name in enumerate(names):
        yield _write_leaf(chance, name, number)


def _write_leaf(chance: random.Random, name: str, number: int) -> str:
    """Return a group of sets with values."""
    kind = chance.choice(LEAF_KINDS)
    count = chance.randint(1, 14 if kind == "multivalue" else 6)
    regions = chance.sample(sorted(REGIONS), count)
    same_ttl = kind == "weighted" or chance.random() < 0.7
    lines = [f"  - name: {name}\n    type: A\n    policy: {kind}\n    ttl: 30\n    sets:\n"]
    for index in range(count):
        values = _values(chance, kind, number, index)
        fact = {"weighted": f", weight: {chance.choice(WEIGHTS)}", "latency": f", region: {regions[index]}"}
        ttl = "" if same_ttl else f", ttl: {chance.choice((30, 60))}"
        lines.append(
            f"      - {{id: s{index}, values: [{values}]{fact.get(kind, '')}{ttl}{maybe_check(chance)}}}\n"
        )
    return "".join(lines)


def _values(chance: random.Random, kind: str, number: int, index: int) -> str:
    """Return one value or two; now and then one that another set has too."""
    if kind == "multivalue" and chance.random() < 0.1:
        index = 0
    first = f"10.{number}.{index}.1"
    return f"{first}, 10.{number}.{index}.2" if chance.random() < 0.2 else first


def maybe_check(chance: random.Random) -> str:
    """Return a health check, or none."""
    return f", health_check: {chance.choice(CHECKS)}" if chance.random() < 0.7 else ""


# --- drawing ------------------------------------------------------------------------------------------------

Cell = tuple[tuple[bytes, ...], int | None, tuple[str, ...]]


def check_group(world: World, name: str, seed: int, draws: int = DRAWS) -> None:
    """Draw from a group and hold the counts against its odds.

    Raises:
        AssertionError: they do not fit; the message tells how.
    """
    owner = parse_name(f"{name}.{ZONE}")
    odds = odds_of(world.snapshot, owner, rrtypes.A, world.health, world.location)
    check_sum(odds)
    zone = world.snapshot.catalog.find(owner)
    assert zone is not None
    node = zone.node(owner)
    assert node is not None
    group = node.data[rrtypes.A]
    assert isinstance(group, RecordSetGroup)
    draw = make_draw(seed)
    seen: Counter[Cell] = Counter()
    for _ in range(draws):
        selection = select(group, Context(world.health, world.location, draw))
        ttl = selection.ttl if selection.rdatas else None
        seen[tuple(sorted(selection.rdatas)), ttl, tuple(sorted(selection.path))] += 1
    if odds.samples:
        _compare_marginals(odds, seen, draws, name)
    else:
        _compare(odds, seen, draws, name)


def check_sum(odds: Odds) -> None:
    """Probabilities sum to 1: those of the answers that are listed, and of the samples that are not."""
    listed = sum((share.probability for share in odds.shares if not share.is_marginal), Fraction())
    assert listed + sum(sample.probability for sample in odds.samples) == 1


def _compare(odds: Odds, seen: Counter[Cell], draws: int, name: str) -> None:
    expected: dict[Cell, float] = {}
    for share in odds.shares:
        answered = share.answered
        cell = (answered.values, answered.ttl, tuple(sorted(answered.path)))
        expected[cell] = expected.get(cell, 0.0) + float(share.probability) * draws
    p = p_value(seen, expected)
    assert p > LEAST_P, f"{name}: p = {p}\nseen {seen}\nexpected {expected}"


def _compare_marginals(odds: Odds, seen: Counter[Cell], draws: int, name: str) -> None:
    """Hold the share of answers with a value against the chance of that value, one value at a time."""
    values: dict[bytes, Fraction] = {}
    for share in odds.shares:
        for value in share.answered.values:
            values[value] = values.get(value, Fraction()) + share.probability
    for value, probability in values.items():
        count = sum(times for cell, times in seen.items() if value in cell[0])
        expected = float(probability) * draws
        cells = {"in": expected, "out": draws - expected}
        p = p_value({"in": count, "out": draws - count} if count < draws else {"in": count}, cells)
        assert p > LEAST_P / len(values), f"{name}: {value!r} came {count} times, expected {expected}"
    assert {value for cell in seen for value in cell[0]} <= set(values)
