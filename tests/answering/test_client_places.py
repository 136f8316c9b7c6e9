"""Clients are located once, by subnet or address, and their answers tell how far around them they hold."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import dns.edns
import dns.message
import dns.rcode
import pytest

from r53lite.answering.access import AccessList
from r53lite.answering.clients import Clients
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.dns import rrtypes
from r53lite.dns.edns import ClientSubnet
from r53lite.dns.name import parse_name
from r53lite.health.table import HealthTable
from r53lite.routing import locations as locations_module
from r53lite.routing.context import AREA, EVERYTHING, POSITION, ClientLocation
from r53lite.routing.locations import Located, Locations
from tests.control.maxmind_files import city, maxmind_octets
from tests.support import load_snapshot, make_dispatch

ZONE = "$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n"
POLICIES = """
zone: example.test
records:
  - {name: geo, type: A, ttl: 60, policy: geolocation, sets: [
      {id: us, location: {country: US}, values: [127.0.0.1]},
      {id: ca, location: {country: US, subdivision: CA}, values: [127.0.0.2]},
      {id: eu, location: {continent: EU}, values: [127.0.0.3]}]}
  - {name: near, type: A, ttl: 60, policy: latency, sets: [
      {id: east, region: us-east-1, values: [127.0.0.4]},
      {id: west, region: us-west-2, values: [127.0.0.5]},
      {id: beijing, region: cn-north-1, values: [127.0.0.6]}]}
  - {name: even, type: A, ttl: 60, values: [127.0.0.7]}
"""
LOCATIONS = """
maxmind: city.mmdb
networks:
  - {cidr: 10.0.0.0/8, region: us-west-2, country: US, subdivision: CA}
  - {cidr: "2001:db8::/32", region: us-west-2}
  - {cidr: 30.0.0.0/9, region: us-west-2, country: DE}
  - {cidr: 30.128.0.0/10, region: us-west-1, country: FR}
  - {cidr: 30.192.0.0/10, region: us-east-1, country: FR}
"""
DATABASE = {
    "11.0.0.0/9": city("US", "NY", (40.7, -74.0), "NA"),
    "11.128.0.0/9": city("US", "NY", (42.9, -78.9), "NA"),
    "12.0.0.0/8": city("US", None, (37.4, -122.1), "NA"),
    "13.0.0.0/8": city("TR", None, (41.0, 29.0), "AS"),
    "14.0.0.0/8": city("JP", None, (35.7, 139.7), "AS"),
    "36.0.0.0/8": city("CN", None, (22.5, 114.1), "AS"),
    "127.0.0.0/8": city("US", "CA", (37.4, -122.1), "NA"),
}


@pytest.fixture
def door(tmp_path: Path) -> Dispatch:
    """Return a door over the zone and the database."""
    (tmp_path / "city.mmdb").write_bytes(maxmind_octets(DATABASE))
    files = {"example_test_zone": ZONE, "example_test_yaml": POLICIES, "locations_yaml": LOCATIONS}
    return make_dispatch(load_snapshot(tmp_path, **files))


def ask(
    door: Dispatch, name: str, subnet: str | None = None, client: str = "192.0.2.7"
) -> tuple[str, int | None]:
    """Return the address that is answered, or the response code, and the scope."""
    options: list[dns.edns.Option] = []
    if subnet is not None:
        address, _, length = subnet.partition("/")
        options.append(dns.edns.ECSOption(address, int(length)))
    query = dns.message.make_query(f"{name}.example.test.", "A", use_edns=0, options=options)
    reply = door.answer(query.to_wire(), client, is_stream=False)
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    scopes = [option.scopelen for option in message.options if isinstance(option, dns.edns.ECSOption)]
    answers = [rdata.to_text() for rrset in message.answer for rdata in rrset]
    return answers[0] if answers else "NODATA", scopes[0] if scopes else None


@pytest.mark.parametrize(
    ("name", "subnet", "expected"),
    [
        pytest.param("geo", "10.1.2.0/24", ("127.0.0.2", 8), id="state, by locations.yaml"),
        pytest.param("geo", "11.1.2.0/24", ("127.0.0.1", 8), id="other state: the country, both cities"),
        pytest.param("geo", "12.1.2.0/24", ("127.0.0.1", 8), id="no state: the country"),
        pytest.param("geo", "13.1.2.0/24", ("127.0.0.3", 8), id="continent of Route 53: TR is in EU"),
        pytest.param("geo", "14.1.2.0/24", ("NODATA", 7), id="no default: no data, as nobody beside it"),
        pytest.param("geo", "200.1.2.0/24", ("NODATA", 1), id="nobody knows: no data"),
        pytest.param("near", "11.1.2.0/24", ("127.0.0.4", 8), id="both cities have one order of regions"),
        pytest.param("near", "12.1.2.0/24", ("127.0.0.5", 8), id="nearest by coordinates"),
        pytest.param("near", "36.1.2.0/24", ("127.0.0.6", 8), id="§2.3: cn-north-1 wins for China"),
        pytest.param("near", "200.1.2.0/24", ("127.0.0.4", 1), id="nobody knows: us-east-1"),
        pytest.param("near", "2001:db8:1::/48", ("127.0.0.5", 32), id="IPv6"),
        pytest.param("near", "::ffff:12.1.2.0/120", ("127.0.0.4", 81), id="mapped into IPv6: of IPv6"),
        pytest.param("near", "::/64", ("127.0.0.4", 101), id="a database has IPv4 in there"),
        pytest.param("near", "0.0.0.0/0", ("127.0.0.4", 0), id="no bits: by the resolver's address"),
        pytest.param("geo", "30.0.0.0/8", ("127.0.0.3", 8), id="divided, but all of it is in Europe"),
        pytest.param("geo", "30.128.0.0/9", ("127.0.0.3", 8), id="a half of it"),
        pytest.param("near", "30.0.0.0/8", ("127.0.0.4", 9), id="divided: nobody knows the whole"),
        pytest.param("near", "30.0.0.0/9", ("127.0.0.5", 9), id="the half that is in the west"),
        pytest.param("near", "30.128.0.0/9", ("127.0.0.4", 10), id="the half that is divided"),
        pytest.param("even", "10.1.2.0/24", ("127.0.0.7", 0), id="location plays no part"),
        pytest.param("near", None, ("127.0.0.4", None), id="no client subnet"),
    ],
)
def test_answers_and_scopes(door: Dispatch, name: str, subnet: str | None, expected: tuple[str, int]) -> None:
    for _ in range(4):  # new, seen again, compiled, ready
        assert ask(door, name, subnet) == expected


HOPS = """
zone: example.test
records:
  - {name: located, type: CNAME, ttl: 60, policy: geolocation, sets: [
      {id: us, location: {country: US}, values: [TARGET]},
      {id: all, location: {country: "*"}, values: [even]}]}
  - {name: even, type: A, ttl: 60, policy: weighted, sets: [
      {id: a, weight: 1, values: [127.0.0.7]}, {id: b, weight: 1, values: [127.0.0.7]}]}
  - {name: blocks, type: A, ttl: 60, policy: cidr, sets: [
      {id: near, cidr: {collection: offices, location: near}, values: [127.0.0.7]},
      {id: all, cidr: {collection: offices, location: "*"}, values: [127.0.0.8]}]}
cidr_collections: {offices: {near: [CIDR]}}
"""


@pytest.mark.parametrize(
    ("target", "block", "scope"),
    [
        pytest.param("even", "10.0.0.0/8", 16, id="a located hop before one that is not"),
        pytest.param("blocks", "10.1.2.0/24", 24, id="the second hop is longer"),
        pytest.param("blocks", "10.0.0.0/8", 16, id="the first hop is longer"),
        pytest.param("ns", "10.0.0.0/8", 16, id="a located hop before a plain name"),
        pytest.param("gone", "10.0.0.0/8", 16, id="a located hop before a name that does not exist"),
    ],
)
def test_the_scope_of_a_chain_is_the_longest_of_its_hops(
    target: str, block: str, scope: int, tmp_path: Path
) -> None:
    policies = HOPS.replace("TARGET", target).replace("CIDR", block)
    networks = "networks: [{cidr: 10.1.0.0/16, country: US}]\n"
    files = {"example_test_zone": ZONE, "example_test_yaml": policies, "locations_yaml": networks}
    door = make_dispatch(load_snapshot(tmp_path, **files))
    for _ in range(4):  # the clear path, then replayed
        assert ask(door, "located", "10.1.2.0/24")[1] == scope


@pytest.mark.parametrize("subnet", [None, "0.0.0.0/0", "::/0"])
def test_a_resolver_that_tells_no_bits_is_located_by_its_own_address(
    door: Dispatch, subnet: str | None
) -> None:
    scope = None if subnet is None else 0
    for _ in range(4):
        for client, answer in (
            ("12.0.0.1", "127.0.0.5"),
            ("36.0.0.1", "127.0.0.6"),
            ("::ffff:12.0.0.1", "127.0.0.5"),
        ):
            assert ask(door, "near", subnet, client) == (answer, scope)


def test_the_subnets_family_need_not_be_that_of_the_resolver(door: Dispatch) -> None:
    assert ask(door, "near", "12.1.2.0/24", "2001:db8::7") == ("127.0.0.5", 8)
    assert ask(door, "near", "2001:db8::/48", "36.0.0.1") == ("127.0.0.5", 32)


def test_a_subnet_is_located_once(door: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(door, "near", "12.1.2.0/24")
    monkeypatch.setattr(Locations, "look_up", None)  # would raise
    assert ask(door, "near", "12.1.2.0/24") == ("127.0.0.5", 8)
    assert ask(door, "geo", "12.1.2.0/24") == ("127.0.0.1", 8)
    assert door.failures == 0


class Moving:
    """A database that forgets what it decoded: each time another object."""

    def __init__(self) -> None:
        self.count = 0

    def find(self, number: int, bits: int) -> tuple[ClientLocation, int]:
        """Return one of two countries for each half of the addresses."""
        self.count += 1
        country = "US" if number >> bits - 1 else "DE"
        return ClientLocation(country=country, source="x"), 1


def test_classes_outlive_what_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class keeps its number where the table holds it, and no other class ever gets it."""
    monkeypatch.setattr(locations_module, "MAX_KNOWN", 1)
    monkeypatch.setattr(locations_module, "MAX_CLASSES", 4)
    locations = Locations((), [Moving()])
    numbers: dict[int, str | None] = {}
    for step in range(200):
        found = locations.look_up(bytes([128 * (step % 3 == 0), step, 0, 0]), 24)
        assert numbers.setdefault(found.area, found.location.country) == found.location.country
        assert found.location.area_prefix_len == 1


def test_clients_of_one_class_share_answers() -> None:
    clients = Clients(None)
    entries = [
        (ip_network("10.0.0.0/8"), ClientLocation("eu-west-1", "DE")),
        (ip_network("11.0.0.0/8"), ClientLocation("eu-west-2", "DE")),
        (ip_network("12.0.0.0/8"), ClientLocation("eu-west-1", "FR")),
    ]
    locations = Locations(entries)
    a, b, c = (clients.place(locations, "::1", ClientSubnet(1, 8, bytes([octet]))) for octet in (10, 11, 12))
    assert a.key((AREA,)) == b.key((AREA,)) != c.key((AREA,))
    assert a.key((POSITION,)) == c.key((POSITION,)) != b.key((POSITION,))
    assert len({one.key((EVERYTHING,)) for one in (a, b, c)}) == 3
    assert a.scope_prefix_len((AREA,)) == 7
    assert a.scope_prefix_len((AREA, POSITION)) == 8


@pytest.mark.parametrize("subnet", [None, "0.0.0.0/0", "10.1.2.0/24"])
@pytest.mark.parametrize("name", ["geo", "near"])
def test_a_client_moves_with_its_network(name: str, subnet: str | None, tmp_path: Path) -> None:
    files = {"example_test_zone": ZONE, "example_test_yaml": POLICIES}
    places = (
        "region: us-east-1, country: DE",
        "region: us-west-2, country: US",
        "region: us-east-1, country: DE",
    )
    snapshots = [load_snapshot(tmp_path, **files)]
    health = HealthTable()
    door = Dispatch(lambda: snapshots[-1], lambda: health, None, DispatchSettings(AccessList(())))
    for place, geo, near in zip(places, "313", "454", strict=True):
        text = f"networks: [{{cidr: 10.0.0.0/8, {place}}}]\n"
        snapshots.append(load_snapshot(tmp_path, **files, locations_yaml=text))
        expected = f"127.0.0.{geo if name == 'geo' else near}"
        for _ in range(4):
            assert ask(door, name, subnet, "10.0.0.1")[0] == expected


def test_our_own_resolver_is_a_client_nobody_knows(tmp_path: Path) -> None:
    """Whatever networks of everybody there are."""
    everybody = "networks: [{cidr: 0.0.0.0/1, country: DE}, {cidr: 128.0.0.0/1, country: FR}]\n"
    files = {"example_test_zone": ZONE, "example_test_yaml": POLICIES, "locations_yaml": everybody}
    door = make_dispatch(load_snapshot(tmp_path, **files))
    assert ask(door, "geo", client="10.0.0.1")[0] == "127.0.0.3"
    found = door.local(parse_name("geo.example.test"), rrtypes.A)
    assert found is not None
    assert found.answer == ()


def test_a_bug_while_a_client_is_located_costs_its_reply_and_no_other(
    door: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = dns.message.make_query("near.example.test.", "A").to_wire()
    for _ in range(4):
        door.answer_batch([query], lambda _: "12.0.0.1")

    def fail(_locations: Locations, _address: bytes) -> Located:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Locations, "look_up_address", fail)
    clients = ["12.0.0.1", "12.0.0.2", "12.0.0.1"]  # the second is new
    replies = door.answer_batch([query] * 3, clients.__getitem__)
    assert all(isinstance(reply, bytes) for reply in replies)
    rcodes = [dns.message.from_wire(reply).rcode() for reply in replies if isinstance(reply, bytes)]
    assert rcodes == [dns.rcode.NOERROR, dns.rcode.SERVFAIL, dns.rcode.NOERROR]
    assert door.failures == 1
    lone = door.answer(query, "12.0.0.3", is_stream=False)
    assert isinstance(lone, bytes)
    assert dns.message.from_wire(lone).rcode() == dns.rcode.SERVFAIL
