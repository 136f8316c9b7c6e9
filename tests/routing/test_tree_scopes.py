"""Whoever shares an answer of a tree within its scope has the same chances of each answer, drawn or not.

Generated trees with random health, networks, databases and CIDR blocks. The odds of clients inside the scope,
addresses and subnets, are compared, and every outcome has the same scope.

Source: RFC 7871 §7.2.1; docs/route53/records-and-changes.md §1.10.
"""

from __future__ import annotations

import random
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from r53lite.answering.odds_report import odds_of
from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.routing import tree
from r53lite.routing.cidr_index import ClientPrefix
from r53lite.routing.context import ClientLocation
from r53lite.routing.locations import Locations
from r53lite.routing.odds import Situation, TooManyOutcomesError, group_outcomes
from tests.routing.odds_cases import APEX, ZONE, World, group_at, make_world
from tests.routing.test_scopes import some_locations
from tests.support import load_snapshot

LANDMARKS = [
    IPv4Network(text) for text in ("127.0.0.0/24", "127.0.0.0/16", "192.0.2.0/24", "198.51.100.0/24")
]
LEAVES = 6
HEAD = f"""
zone: {ZONE}
records:
{APEX}  - {{name: geo, type: A, ttl: 9, policy: geolocation, sets: [
      {{id: de, location: {{country: DE}}, values: [192.0.2.2]}},
      {{id: all, location: {{country: '*'}}, values: [192.0.2.3]}}]}}
"""
CHANCES = (
    HEAD
    + """\
  - {name: even, type: A, ttl: 9, policy: weighted, sets: [
      {id: plain, weight: 1, values: [192.0.2.1]},
      {id: local, weight: 1, alias: {target: geo}}]}
  - {name: off, type: A, policy: weighted, sets: [
      {id: plain, weight: 1, ttl: 9, values: [192.0.2.1]},
      {id: local, weight: 0, alias: {target: geo}}]}
  - {name: standby, type: A, policy: weighted, sets: [
      {id: plain, weight: 1, ttl: 9, values: [192.0.2.1], health_check: c},
      {id: local, weight: 0, alias: {target: geo, evaluate_target_health: true}}]}
  - {name: dark, type: A, policy: weighted, sets: [
      {id: plain, weight: 1, ttl: 9, values: [192.0.2.1], health_check: c},
      {id: local, weight: 0, alias: {target: geo}, health_check: c}]}
  - {name: inner, type: A, policy: weighted, sets: [
      {id: plain, weight: 1, ttl: 9, values: [192.0.2.1], health_check: c},
      {id: local, weight: 0, alias: {target: geo, evaluate_target_health: true}, health_check: c}]}
  - {name: outer, type: A, policy: weighted, sets: [
      {id: one, weight: 1, alias: {target: standby}},
      {id: two, weight: 1, alias: {target: inner}}]}
health_checks:
  c: {type: HTTP, ip: 127.0.0.1}
"""
)
DOWN = HealthTable({"c": HealthStatus(False, "", 1, 0.0, None)})


def some_trees(seed: int, directory: Path) -> tuple[random.Random, World, Locations]:
    """Return trees above `LEAVES` groups of values, locations for their clients, and chance to go on with."""
    chance = random.Random(seed)
    return chance, make_world(seed, directory, leaves=LEAVES, trees=5), some_locations(chance)


def client_at(network: IPv4Network) -> ClientPrefix:
    """Return a client that is known by a prefix."""
    return ClientPrefix(network.network_address.packed, network.prefixlen)


def odds_for(world: World, name: str, locations: Locations, network: IPv4Network) -> tuple[object, int]:
    """Return what a client may be answered with which chances, and the scope."""
    client = client_at(network)
    location = locations.locate(client.packed, client.prefix_len)
    situation = world.situation._replace(location=location, client=client)
    found = odds_of(world.snapshot, parse_name(f"{name}.{ZONE}"), rrtypes.A, situation)
    chances = {(share.answered, share.is_marginal): share.probability for share in found.shares}
    return (chances, [sample[1:] for sample in found.samples]), found.scope_prefix_len


def clients_inside(scope: IPv4Network, chance: random.Random) -> list[IPv4Network]:
    """Return some clients of a prefix: its two ends, blocks in it, addresses and subnets."""
    length = scope.prefixlen
    found = [one for one in LANDMARKS if one.subnet_of(scope)]
    for _ in range(12):
        number = int(scope.network_address) + chance.randrange(1 << 32 - length)
        bits = chance.choice((32, 24, chance.randint(max(length, 1), 32), min(max(length, 1) + 1, 32)))
        found.append(IPv4Network((number, bits), strict=False))
    return [*found, IPv4Network((int(scope.broadcast_address), 32)), IPv4Network((int(scope[0]), 32))]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("most", [tree.MAX_GLANCED, 1])
def test_clients_inside_the_scope_of_a_tree_have_the_same_chances(
    seed: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MAX_GLANCED", most)
    chance, world, locations = some_trees(seed, tmp_path)
    for name in world.names[LEAVES:]:
        start = chance.choice((*LANDMARKS, IPv4Network((chance.getrandbits(32), 24), strict=False)))
        network = start.supernet(new_prefix=chance.randint(1, start.prefixlen))
        try:
            expected, length = odds_for(world, name, locations, network)
        except TooManyOutcomesError:
            continue
        if length > network.prefixlen:
            continue  # the subnet was too short to tell
        for other in clients_inside(network.supernet(new_prefix=length), chance):
            assert odds_for(world, name, locations, other)[0] == expected, (name, network, other)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("most", [tree.MAX_GLANCED, 1])
def test_the_scope_of_a_tree_does_not_depend_on_what_is_drawn(
    seed: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MAX_GLANCED", most)
    chance, world, locations = some_trees(seed, tmp_path)
    for name in world.names[LEAVES:]:
        client = ClientPrefix(bytes([chance.randrange(256), 0, 0, 0]), 32)
        location = locations.locate(client.packed, client.prefix_len)
        try:
            found = group_outcomes(
                group_at(world, name), world.situation._replace(location=location, client=client)
            )
        except TooManyOutcomesError:
            continue
        assert len({outcome.value.scope_prefix_len for outcome in found}) == 1, name


def test_a_branch_that_is_not_drawn_counts_and_one_that_cannot_be_does_not(tmp_path: Path) -> None:
    snapshot = load_snapshot(
        tmp_path,
        z_test_yaml=CHANCES,
        locations_yaml="networks: [{cidr: 198.51.100.0/24, country: DE}]\n",
    )
    world = World(snapshot, Situation(HealthTable(), ClientLocation()), ())
    client = IPv4Network("198.51.100.0/24")
    assert odds_for(world, "even", snapshot.locations, client)[1] == 24
    names = "off", "standby", "dark", "outer"
    for name in names:
        assert odds_for(world, name, snapshot.locations, client)[1] == 0, name
    dark = World(snapshot, Situation(DOWN, ClientLocation()), ())
    scopes = {name: odds_for(dark, name, snapshot.locations, client)[1] for name in names}
    assert scopes == {"off": 0, "standby": 24, "dark": 0, "outer": 24}
    location = snapshot.locations.locate(client.network_address.packed, 24)
    found = group_outcomes(group_at(world, "even"), world.situation._replace(location=location))
    assert [outcome.value.scope_prefix_len for outcome in found] == [24, 24]


BRANCHES = (
    HEAD
    + """\
  - {name: blocks, type: A, ttl: 9, policy: cidr, sets: [
      {id: near, cidr: {collection: offices, location: near}, values: [192.0.2.4]},
      {id: all, cidr: {collection: offices, location: '*'}, values: [192.0.2.5]}]}
  - {name: dead, type: A, ttl: 9, policy: weighted, sets: [
      {id: a, weight: 1, values: [192.0.2.6], health_check: c}]}
  - {name: hopeless, type: A, policy: failover, sets: [
      {id: p, failover: primary, alias: {target: dead, evaluate_target_health: true}},
      {id: s, failover: secondary, alias: {target: geo}}]}
  - {name: last, type: A, policy: failover, sets: [
      {id: p, failover: primary, alias: {target: nowhere}, health_check: c},
      {id: s, failover: secondary, alias: {target: geo}, health_check: c}]}
  - {name: drawn-hopeless, type: A, policy: weighted, sets: [
      {id: plain, weight: 1, ttl: 9, values: [192.0.2.1]},
      {id: local, weight: 1, alias: {target: hopeless}}]}
  - {name: drawn-last, type: A, policy: weighted, sets: [
      {id: plain, weight: 1, ttl: 9, values: [192.0.2.1]},
      {id: local, weight: 1, alias: {target: last}}]}
  - {name: drawn-geo, type: A, policy: weighted, sets: [
      {id: plain, weight: 1, ttl: 9, values: [192.0.2.1]},
      {id: local, weight: 1, alias: {target: geo-0}}]}
  - {name: drawn-blocks, type: A, policy: weighted, sets: [
      {id: plain, weight: 1, ttl: 9, values: [192.0.2.1]},
      {id: local, weight: 1, alias: {target: blocks-0}}]}
FAR
health_checks:
  c: {type: HTTP, ip: 127.0.0.1}
cidr_collections: {offices: {near: [198.51.100.0/24]}}
"""
)


def scopes_by_path(directory: Path, name: str, groups_between: int) -> dict[tuple[str, ...], int]:
    """Return the scope of each way a client in Germany may be answered, check `c` being down.

    Args:
        directory: for the files.
        name: a group of `BRANCHES`.
        groups_between: how many aliases lie before `geo` and `blocks` for those that are far.
    """
    far = "".join(
        f"  - {{name: {end}-{number}, type: A, alias: {{target: {target}}}}}\n"
        for end in ("geo", "blocks")
        for number in range(groups_between)
        for target in (f"{end}-{number + 1}" if number + 1 < groups_between else end,)
    )
    snapshot = load_snapshot(
        directory,
        z_test_yaml=BRANCHES.replace("FAR\n", far),
        locations_yaml="networks: [{cidr: 198.51.96.0/20, country: DE}]\n",
    )
    client = client_at(IPv4Network("198.51.100.7/32"))
    location = snapshot.locations.locate(client.packed, client.prefix_len)
    situation = Situation(DOWN, location, client)
    found = group_outcomes(group_at(World(snapshot, situation, ()), name), situation)
    return {outcome.value.path: outcome.value.scope_prefix_len for outcome in found}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("drawn-hopeless", ("local", "s", "de"), id="an alias below which all is dead is passed"),
        pytest.param("drawn-last", ("local", "s", "de"), id="a last resort goes on behind what has no data"),
    ],
)
def test_what_a_branch_may_come_to_counts_behind_sets_that_do_not_answer(
    name: str, path: tuple[str, ...], tmp_path: Path
) -> None:
    assert scopes_by_path(tmp_path, name, 1) == {("plain",): 20, path: 20}


@pytest.mark.parametrize(("name", "last", "scope"), [("drawn-geo", "de", 20), ("drawn-blocks", "near", 24)])
@pytest.mark.parametrize("groups_between", [1, tree.MAX_GLANCED + 2])
def test_a_group_counts_however_many_others_lie_before_it(
    name: str, last: str, scope: int, groups_between: int, tmp_path: Path
) -> None:
    assert scopes_by_path(tmp_path, name, groups_between) == {("plain",): scope, ("local", last): scope}
