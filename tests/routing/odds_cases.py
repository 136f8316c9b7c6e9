"""Do the odds equal reality? Generated groups and trees with random health, and what is drawn from them.

`make_zone` writes a policy file of groups, `check_group` draws from one of them through `registry.select` as
the server does and holds the counts against the exact odds. `tests/routing/test_odds.py` does it for a few,
`make soak` for 200 (`python -m tests.routing.odds_soak`).
"""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from r53lite.answering.access import AccessList
from r53lite.answering.asking import client_of, locate, parse_ask
from r53lite.answering.dispatch import Dispatch, make_draw
from r53lite.answering.odds_report import Odds, odds_of
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.dns.wire import decode_message
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.routing.context import Context
from r53lite.routing.odds import Situation
from r53lite.routing.places import REGIONS
from r53lite.routing.record_set import POLICIES, RecordSetGroup
from r53lite.routing.registry import select
from r53lite.server.udp import UdpListener
from r53lite.zone.lookup import lookup
from r53lite.zone.outcome import Answer
from tests.clients import UdpClient, make_query
from tests.statistics import p_value
from tests.support import load_snapshot

DRAWS = 20_000
GROUPS = 200
LEAST_P = 0.001 / GROUPS  # so that all groups together fail by chance once in a thousand runs
CHECKS = tuple(f"c{number}" for number in range(8))
WEIGHTS = (0, 0, 1, 1, 2, 10, 40, 100, 255)
KINDS = ("weighted", "weighted", "multivalue", "multivalue", *POLICIES[2:])
TREE_KINDS = ("weighted", "weighted", "latency", "failover", "geolocation", "geoproximity", "cidr")
PLACES = (
    "{country: US, subdivision: CA}",
    "{country: US}",
    "{country: DE}",
    "{continent: NA}",
    "{continent: EU}",
    "{country: '*'}",
)
OFFICES = ("berlin", "munich", "'*'")
CLIENT = "127.0.0.1"
BLOCKS = (
    "berlin: [127.0.0.0/24], munich: [127.0.0.0/16]",
    "berlin: [192.0.2.0/24], munich: [127.0.0.0/16]",
    "berlin: [192.0.2.0/24], munich: [198.51.100.0/24]",
)
NETWORKS = (
    "{cidr: 127.0.0.0/8, region: us-west-1, country: US, subdivision: CA, continent: NA}",
    "{cidr: 127.0.0.0/8, region: us-east-1, country: US, continent: NA}",
    "{cidr: 127.0.0.0/8, region: eu-central-1, country: DE, continent: EU}",
    "{cidr: 127.0.0.0/8, region: cn-north-1, country: CN, continent: AS}",
    "{cidr: 192.0.2.0/24, region: sa-east-1}",
)
ZONE = "z.test"
AT_ONCE = 32  # fits the smallest default receive buffer
APEX = (
    "  - {name: '@', type: SOA, ttl: 60, values: ['ns h 1 1 1 1 60']}\n"
    "  - {name: '@', type: NS, ttl: 60, values: [ns]}\n"
    "  - {name: ns, type: A, ttl: 60, values: [127.0.0.1]}\n"
)


class World(NamedTuple):
    """Groups `g0`, `g1`, …, of which later ones may lead to earlier ones, a client and a health state."""

    snapshot: Snapshot
    situation: Situation
    names: tuple[str, ...]


def make_world(seed: int, directory: Path, leaves: int, trees: int) -> World:
    """Generate a zone of groups and load it as the server does.

    Args:
        seed: equal seeds give equal worlds.
        directory: where its files go; other files in it are removed.
        leaves: how many groups have values.
        trees: how many more have aliases, to any group before them.
    """
    chance = random.Random(seed)
    for old in directory.iterdir():
        old.unlink()
    names = tuple(f"g{number}" for number in range(leaves + trees))
    text = f"zone: {ZONE}\nrecords:\n{APEX}"
    text += "".join(_write_group(chance, number, number - leaves) for number in range(len(names)))
    checks = "".join(f"  {check}: {{type: HTTP, ip: 127.0.0.1}}\n" for check in CHECKS)
    text += f"health_checks:\n{checks}cidr_collections:\n  offices: {{{chance.choice(BLOCKS)}}}\n"
    locations = f"networks: [{chance.choice(NETWORKS)}]\n"
    snapshot = load_snapshot(directory, **{f"{ZONE}.yaml": text, "locations.yaml": locations})
    share = chance.choice((0.0, 0.3, 0.6, 1.0))
    sick = {check: HealthStatus(False, "down", 1, 0.0, None) for check in CHECKS if chance.random() < share}
    ask = parse_ask(f"g0.{ZONE}", client=CLIENT)
    situation = Situation(HealthTable(sick), locate(ask, snapshot), client_of(ask))
    return World(snapshot, situation, names)


def group_at(world: World, name: str) -> RecordSetGroup:
    """Return a group of a world."""
    zone = world.snapshot.catalog.find(parse_name(ZONE))
    assert zone is not None
    outcome = lookup(zone, parse_name(f"{name}.{ZONE}"), rrtypes.A)
    assert isinstance(outcome, Answer)
    assert isinstance(outcome.data, RecordSetGroup)
    return outcome.data


def _write_group(chance: random.Random, number: int, level: int) -> str:
    """Return a group: of values where `level` is below 0, else most of its sets are aliases."""
    kind = chance.choice(KINDS if level < 0 else TREE_KINDS)
    most = {"multivalue": 14, "failover": 2, "geolocation": len(PLACES), "cidr": len(OFFICES)}
    count = chance.randint(1, most.get(kind, 6))
    facts = _facts(chance, kind, count)
    same_ttl = kind == "weighted" or chance.random() < 0.7
    lines = [f"  - name: g{number}\n    type: A\n    policy: {kind}\n    sets:\n"]
    for index in range(count):
        if level >= 0 and chance.random() < 0.8:
            target = f"g{chance.randrange(number)}"
            is_evaluated = chance.choice(("true", "true", "false"))
            what = f"alias: {{target: {target}, evaluate_target_health: {is_evaluated}}}"
            what += maybe_check(chance, 0.3)
        else:
            ttl = 30 if same_ttl else chance.choice((30, 60))
            check = 1.0 if facts[index] == "failover: primary" else 0.7
            what = f"ttl: {ttl}, values: [{_values(chance, kind, number, index)}]{maybe_check(chance, check)}"
        lines.append(f"      - {{id: s{index}, {', '.join(filter(None, (facts[index], what)))}}}\n")
    return "".join(lines)


def _facts(chance: random.Random, kind: str, count: int) -> list[str]:
    """Return for each set what its policy goes by."""
    regions = chance.sample(sorted(REGIONS), count)
    match kind:
        case "weighted":
            return [f"weight: {chance.choice(WEIGHTS)}" for _ in range(count)]
        case "latency":
            return [f"region: {region}" for region in regions]
        case "failover":
            return [f"failover: {role}" for role in chance.sample(("primary", "secondary"), count)]
        case "geolocation":
            return [f"location: {place}" for place in chance.sample(PLACES, count)]
        case "geoproximity":
            bias = (0, 0, 50, -50, 99, -99)
            return [f"at: {{region: {region}}}, bias: {chance.choice(bias)}" for region in regions]
        case "cidr":
            places = chance.sample(OFFICES, count)
            return [f"cidr: {{collection: offices, location: {place}}}" for place in places]
    return [""] * count


def _values(chance: random.Random, kind: str, number: int, index: int) -> str:
    """Return one value or two; now and then one that another set has too."""
    if kind == "multivalue" and chance.random() < 0.1:
        index = 0
    first = f"10.{number}.{index}.1"
    return f"{first}, 10.{number}.{index}.2" if chance.random() < 0.2 else first


def maybe_check(chance: random.Random, share: float) -> str:
    """Return a health check, or none."""
    return f", health_check: {chance.choice(CHECKS)}" if chance.random() < share else ""


# --- drawing ------------------------------------------------------------------------------------------------

Cell = tuple[tuple[bytes, ...], int | None, tuple[str, ...]]


def check_group(world: World, name: str, seed: int, draws: int = DRAWS) -> None:
    """Draw from a group and hold the counts against its odds.

    Raises:
        AssertionError: they do not fit; the message tells how.
    """
    owner = parse_name(f"{name}.{ZONE}")
    odds = odds_of(world.snapshot, owner, rrtypes.A, world.situation)
    health, location, client, _ = world.situation
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
        selection = select(group, Context(health, location, draw, client=client))
        ttl = selection.ttl if selection.rdatas else None
        seen[tuple(sorted(selection.rdatas)), ttl, tuple(sorted(selection.path))] += 1
    compare(odds, seen, draws, name)


async def check_group_over_udp(world: World, name: str, seed: int, draws: int = DRAWS) -> None:
    """Ask a real socket for a group and hold the replies against its odds; replies show no path.

    Raises:
        AssertionError: they do not fit; the message tells how.
    """
    qname = f"{name}.{ZONE}"
    odds = odds_of(world.snapshot, parse_name(qname), rrtypes.A, world.situation)
    health = world.situation.health
    assert isinstance(health, HealthTable)
    settings = DispatchSettings(AccessList(()))
    door = Dispatch(lambda: world.snapshot, lambda: health, None, settings, make_draw(seed))
    listener = UdpListener(door, CLIENT, 0)
    listener.start()
    seen: Counter[Cell] = Counter()
    try:
        with UdpClient(CLIENT, listener.port) as client:
            for reply, count in (await _ask_often(client, make_query(qname), draws)).items():
                answer = decode_message(b"\0\0" + reply).answer
                values = tuple(sorted(answer[0].rdatas)) if answer else ()
                seen[values, answer[0].ttl if answer else None, ()] += count
    finally:
        await listener.stop()
    compare(odds, seen, draws, name)


async def _ask_often(client: UdpClient, query: bytes, draws: int) -> Counter[bytes]:
    """Ask one question many times, some at once; count the replies without their ids."""
    replies: Counter[bytes] = Counter()
    for start in range(0, draws, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, draws))
        for number in numbers:
            client.send((number & 0xFFFF).to_bytes(2, "big") + query[2:])
        for _ in numbers:
            replies[(await client.receive())[2:]] += 1
    return replies


def compare(odds: Odds, seen: Counter[Cell], draws: int, name: str) -> None:
    """Hold what was seen against what was expected; without paths where nothing seen has one."""
    if odds.samples:
        _compare_marginals(odds, seen, draws, name)
    else:
        _compare(odds, seen, draws, name, has_paths=any(cell[2] for cell in seen))


def check_sum(odds: Odds) -> None:
    """Probabilities sum to 1: those of the answers that are listed, and of the samples that are not."""
    listed = sum((share.probability for share in odds.shares if not share.is_marginal), Fraction())
    assert listed + sum(sample.probability for sample in odds.samples) == 1


def _compare(odds: Odds, seen: Counter[Cell], draws: int, name: str, *, has_paths: bool) -> None:
    expected: dict[Cell, float] = {}
    for share in odds.shares:
        answered = share.answered
        cell = (answered.values, answered.ttl, tuple(sorted(answered.path)) if has_paths else ())
        expected[cell] = expected.get(cell, 0.0) + float(share.probability) * draws
    p = p_value(seen, expected)
    shown = sorted(expected.items(), key=lambda item: -item[1])[:20]
    assert p > LEAST_P, f"{name}: p = {p}\nseen {seen.most_common(20)}\nexpected {shown}"


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
