"""Any two clients inside a returned scope get the same candidates, and none is longer than the rules need.

For random networks, databases, latency rows and CIDR blocks and groups of every policy: a client subnet is
answered with a scope; every client inside it, whole address or subnet, must have the same sets in the same
order. A client space of 8 bits is small enough to look at everybody.

Source: RFC 7871 §7.2.1.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from ipaddress import IPv4Network, ip_network
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from r53lite.dns.rrtypes import A
from r53lite.routing import neighborhood, outlines, registry
from r53lite.routing.cidr_index import CidrIndex, ClientPrefix
from r53lite.routing.context import UNKNOWN, ClientLocation, Context
from r53lite.routing.latencies import LatencyMatrix, LatencyRow
from r53lite.routing.locations import Locations
from r53lite.routing.places import COUNTRY_CONTINENT, REGIONS
from r53lite.routing.record_set import (
    DEFAULT,
    POLICIES,
    CidrLocation,
    GeoLocation,
    GeoProximity,
    RecordSet,
    RecordSetGroup,
)

BITS = 8
REGION_NAMES = ("us-east-1", "eu-west-1", "ap-northeast-1", "cn-north-1")
COUNTRIES = ("US", "DE", "CN", "JP")


class Database:
    """A database of the first octet: what is said of each of its networks."""

    def __init__(self, networks: dict[IPv4Network, ClientLocation]) -> None:
        self.networks = networks

    def find(self, number: int, bits: int) -> tuple[ClientLocation | None, int]:
        """Descend until the networks do not divide what is left."""
        if bits == 128:
            return None, 0
        for length in range(33):
            here = IPv4Network((number >> 32 - length << 32 - length if length else 0, length))
            if not any(network.subnet_of(here) and network != here for network in self.networks):
                around = [network for network in self.networks if here.subnet_of(network)]
                if not around:
                    return None, length
                return self.networks[max(around, key=lambda network: network.prefixlen)], length
        raise AssertionError


def some_network(chance: random.Random, shortest: int = 0) -> IPv4Network:
    """Return a network of the client space."""
    length = chance.randint(shortest, BITS)
    value = chance.randrange(256)
    return IPv4Network((value >> BITS - length << 32 - length if length else 0, length))


def some_place(chance: random.Random) -> ClientLocation:
    """Return a location; many are alike, in one aspect or in all."""
    country = chance.choice((None, *COUNTRIES))
    return ClientLocation(
        region=chance.choice((None, *REGION_NAMES)),
        country=country,
        subdivision=chance.choice((None, "CA")) if country == "US" else None,
        continent=None if country is None else COUNTRY_CONTINENT[country],
        coordinates=chance.choice((None, None, (48.9, 2.4))),
        latency_ms=chance.choice(({}, {}, {"us-east-1": 3.0})),
    )


def some_locations(chance: random.Random) -> Locations:
    """Return locations of all sources; each source may be missing."""
    entries = [(some_network(chance), some_place(chance)) for _ in range(chance.randint(0, 8))]
    databases = []
    if chance.random() < 0.5:
        records = {some_network(chance, 1): some_place(chance) for _ in range(chance.randint(1, 6))}
        databases.append(Database(records))
    rows = [
        (some_network(chance), LatencyRow({chance.choice(REGION_NAMES): float(chance.randint(1, 2))}, "x"))
        for _ in range(chance.choice((0, 0, 3)))
    ]
    regions = {"us-east-1": LatencyRow({"eu-west-1": 9.0}, "x")} if chance.random() < 0.3 else {}
    return Locations(entries, databases, LatencyMatrix(regions, rows))


def some_group(policy: str, chance: random.Random) -> RecordSetGroup:
    """Return a group of one policy."""
    blank = RecordSet("", 60, (b"\x7f\x00\x00\x01",))
    sets: list[RecordSet] = []
    blocks = None
    if policy == "latency":
        sets = [blank._replace(region=region) for region in chance.sample(REGION_NAMES, 3)]
    elif policy == "geoproximity":
        sets = [
            blank._replace(at=GeoProximity(region, bias=chance.choice((0, 50)))) for region in REGION_NAMES
        ]
    elif policy == "geolocation":
        places = [GeoLocation(country=country) for country in (*COUNTRIES, DEFAULT)]
        places += [GeoLocation(country="US", subdivision="CA"), GeoLocation(continent="AS")]
        sets = [blank._replace(location=place) for place in chance.sample(places, 4)]
    elif policy == "cidr":
        names = ("a", "b", DEFAULT)
        sets = [blank._replace(cidr=CidrLocation("c", name)) for name in chance.sample(names, 2)]
        known = frozenset(one.cidr.location for one in sets if one.cidr is not None) - {DEFAULT}
        networks = [some_network(chance, 1) for _ in range(8)]
        networks += [
            half for network in networks[:3] if network.prefixlen < BITS for half in network.subnets()
        ]
        blocks = CidrIndex([(network, chance.choice("aab")) for network in networks], known)
    else:
        sets = [blank._replace(weight=1, failover=failover) for failover in ("primary", "secondary")]
    named = tuple(one._replace(id=str(index)) for index, one in enumerate(sets))
    group = RecordSetGroup(b"\x00", A, policy, named, blocks=blocks)
    return group._replace(view=registry.view_of(group)) if chance.random() < 0.7 else group


class Asked(NamedTuple):
    """What a client gets: the sets in the order in which they answer, and the scope."""

    candidates: tuple[str, ...]
    scope_prefix_len: int


def ask(group: RecordSetGroup, locations: Locations, octet: int, prefix_len: int) -> Asked:
    """Return what a client subnet gets of a group, whatever health says."""
    client = ClientPrefix(bytes([octet, 0, 0, 0]), prefix_len)
    context = Context(
        Checks(), locations.locate(client.packed, prefix_len), lambda limit: limit - 1, client=client
    )
    sets: Sequence[RecordSet] = group.sets
    if group.policy == "multivalue":
        chosen = registry.select(group, context).chosen
        return Asked(tuple(one.id for one in chosen), context.scope_prefix_len)
    order = registry.order(group, sets, context)
    return Asked(tuple(one.id for one in order), context.scope_prefix_len)


class Checks:
    """Health in which everything is healthy."""

    def is_healthy(self, health_check: str) -> bool:
        """Say yes."""
        return bool(health_check)


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(0, 255), st.integers(1, 10))
@example(17763730, 64, 3)  # halves in China by different sources, in a subnet of a network elsewhere
@example(34259, 176, 7)
def test_clients_inside_a_scope_get_the_same_candidates(
    policy: str, seed: int, octet: int, prefix_len: int
) -> None:
    chance = random.Random(seed)
    locations, group = some_locations(chance), some_group(policy, chance)
    if prefix_len < BITS:
        octet = octet >> BITS - prefix_len << BITS - prefix_len
    asked = ask(group, locations, octet, prefix_len)
    scope = asked.scope_prefix_len
    if policy in ("simple", "weighted", "failover", "multivalue"):
        assert scope == 0, "location plays no part"
    if scope > prefix_len:
        return  # the subnet was too short to tell: the answer is for the subnet as a whole
    assert scope <= BITS
    first = octet >> BITS - scope << BITS - scope
    for other in range(first, first + (1 << BITS - scope)):
        for length in range(scope, BITS + 1):
            if length == 0 or other & (1 << BITS - length) - 1:
                continue  # a prefix of no bits is not located; bits behind a prefix are zeros
            assert ask(group, locations, other, length).candidates == asked.candidates, (other, length)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(0, 255))
def test_scopes_of_configured_networks_are_the_shortest(seed: int, octet: int) -> None:
    """One bit less would take in somebody of whom something else is said."""
    chance = random.Random(seed)
    entries = [(some_network(chance), some_place(chance)) for _ in range(8)]
    locations = Locations(entries)
    found = locations.look_up(bytes([octet, 0, 0, 0]), 32)
    everybody = [locations.look_up(bytes([other, 0, 0, 0]), 32) for other in range(256)]
    for scope, kind in (
        (found.location.prefix_len, 1),
        (found.location.area_prefix_len, 2),
        (found.location.position_prefix_len, 3),
    ):
        kinds = [one[kind] for one in everybody]

        def within(length: int, kinds: Sequence[object] = kinds) -> set[object]:
            first = octet >> BITS - length << BITS - length
            return set(kinds[first : first + (1 << BITS - length)])

        assert within(scope) == {found[kind]}
        assert scope == 0 or len(within(scope - 1)) > 1


@pytest.mark.parametrize("policy", ["latency", "geolocation", "geoproximity"])
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(0, 255))
def test_scopes_of_groups_are_the_shortest(policy: str, seed: int, octet: int) -> None:
    """One bit less would take in somebody who gets other candidates, where no database is involved; or, where
    positions count, somebody nobody knows, beside clients of a network (or the other way round).

    For blocks `tests.routing.test_cidr_index` shows this.
    """
    chance = random.Random(seed)
    locations = Locations([(some_network(chance), some_place(chance)) for _ in range(6)])
    group = some_group(policy, chance)
    group = group._replace(view=registry.view_of(group))
    asked = ask(group, locations, octet, 32)
    if asked.scope_prefix_len == 0:
        return
    length = asked.scope_prefix_len - 1
    first = octet >> BITS - length << BITS - length
    others = range(first, first + (1 << BITS - length))
    known = is_known(locations, octet) if policy in ("latency", "geoproximity") else None
    assert any(
        ask(group, locations, other, 32).candidates != asked.candidates
        or (known is not None and is_known(locations, other) != known)
        for other in others
    )


def is_known(locations: Locations, octet: int) -> bool:
    """Say whether a network holds an address."""
    return locations.locate(bytes((octet, 0, 0, 0)), 32).source != UNKNOWN.source


def test_regions_of_this_test_exist() -> None:
    assert set(REGION_NAMES) <= set(REGIONS)


def test_a_scope_that_was_found_piece_by_piece_holds_from_each_of_its_ends() -> None:
    """Sixteen records in Europe lie in a network of the US. From the upper eight, which are in one country,
    all are found to be alike; from the lower eight, no two neighbors alike, not so many are tried.
    """
    lower = {IPv4Network(f"{8 * number}.0.0.0/5"): ("FR", "IT")[number % 2] for number in range(8)}
    upper = {IPv4Network(f"{64 + 8 * number}.0.0.0/5"): "DE" for number in range(8)}
    records = {
        network: ClientLocation(country=country, continent="EU", coordinates=(float(number), 0.0))
        for number, (network, country) in enumerate({**lower, **upper}.items())
    }
    around = ClientLocation(country="US", continent="NA")
    locations = Locations([(IPv4Network("0.0.0.0/1"), around)], [Database(records)])
    blank = RecordSet("", 60, (b"\x7f\x00\x00\x01",))
    places = {"europe": GeoLocation(continent="EU"), "us": GeoLocation(country="US")}
    sets = [blank._replace(id=name, location=place) for name, place in places.items()]
    group = RecordSetGroup(b"\x00", A, "geolocation", tuple(sets))
    group = group._replace(view=registry.view_of(group))
    assert ask(group, locations, 64, 32) == (("europe",), 1)
    for octet, prefix_len in ((0, 32), (0, 2), (0, 1)):
        assert ask(group, locations, octet, prefix_len).candidates == ("europe",), prefix_len


@pytest.mark.parametrize(
    ("networks", "client"),
    [
        (["2400::/64", "2001:db8::/64"], "2600::/32"),
        (["203.0.113.0/24", "10.0.0.0/24", "100.64.0.0/24", "192.0.2.0/24"], "8.8.8.0/24"),
        ([f"10.{number}.{number}.0/24" for number in range(250)], "8.8.8.0/24"),
    ],
)
def test_networks_that_make_no_difference_to_a_group_end_no_scope(networks: list[str], client: str) -> None:
    locations = Locations(
        (ip_network(text), ClientLocation(country=("ZA", "JP")[number % 2], source=text))
        for number, text in enumerate(networks)
    )
    blank = RecordSet("", 60, (b"\x7f\x00\x00\x01",))
    sets = tuple(
        blank._replace(id=country, location=GeoLocation(country=country)) for country in ("RU", DEFAULT)
    )
    group = RecordSetGroup(b"\x00", A, "geolocation", sets)
    group = group._replace(view=registry.view_of(group))
    for text in (client, networks[0]):
        network = ip_network(text)
        location = locations.locate(network.network_address.packed, network.prefixlen)
        context = Context(Checks(), location, lambda limit: limit - 1)
        assert [one.id for one in registry.order(group, sets, context)] == [DEFAULT]
        assert context.scope_prefix_len == 0, text


@pytest.mark.parametrize("limit", ["MAX_VIEW_RUNS", "MAX_VIEW_CLASSES"])
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(0, 255), st.integers(1, 10))
def test_where_networks_are_too_many_scopes_are_longer_never_wrong(
    limit: str, seed: int, octet: int, prefix_len: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outlines, limit, 0)
        patch.setattr(neighborhood, "MAX_RUNS", 3)
        test_clients_inside_a_scope_get_the_same_candidates.hypothesis.inner_test(
            "geolocation", seed, octet, prefix_len
        )
