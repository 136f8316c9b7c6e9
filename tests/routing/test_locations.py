"""A client is in its longest network, and the scope covers nobody who is elsewhere (RFC 7871 §7.2.1)."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.control import maxmind
from r53lite.routing.context import UNKNOWN, ClientLocation
from r53lite.routing.latencies import LatencyMatrix, LatencyRow
from r53lite.routing.locations import Locations
from tests.control.maxmind_files import city, maxmind_octets


def locations_of(*networks: str) -> Locations:
    """Return locations that all differ, and whose sources are the networks themselves."""
    return Locations(
        (ip_network(text), ClientLocation(source=text, latency_ms={"us-east-1": float(number)}))
        for number, text in enumerate(networks)
    )


def locate(locations: Locations, client: str) -> tuple[str, int]:
    """Return the source and the prefix length of the location of a client prefix, or of a whole address."""
    network = ip_network(client)
    found = locations.locate(network.network_address.packed, network.prefixlen)
    return found.source, found.prefix_len


@pytest.mark.parametrize(
    ("client", "source", "prefix_len"),
    [
        ("1.2.0.0/24", "1.2.0.0/20", 23),
        ("1.2.1.0/24", "1.2.0.0/20", 23),
        ("1.2.2.0/24", "1.2.0.0/20", 24),
        ("1.2.3.0/24", "1.2.3.0/24", 24),
        ("1.2.4.0/24", "1.2.0.0/20", 22),
        ("1.2.7.255/32", "1.2.0.0/20", 22),
        ("1.2.8.0/24", "1.2.0.0/20", 21),
        ("1.2.15.9/32", "1.2.0.0/20", 21),
    ],
)
def test_rfc7871_7_2_1_example(client: str, source: str, prefix_len: int) -> None:
    """1.2.0.0/20 with the exception 1.2.3.0/24 is 1.2.0/23, 1.2.2/24, 1.2.4/22 and 1.2.8/21."""
    assert locate(locations_of("1.2.0.0/20", "1.2.3.0/24"), client) == (source, prefix_len)


NESTED = locations_of(
    "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.128/25", "192.0.2.0/24", "2001:db8::/32"
)


@pytest.mark.parametrize(
    ("client", "source", "prefix_len"),
    [
        pytest.param("10.1.2.200/32", "10.1.2.128/25", 25, id="longest of four"),
        pytest.param("10.1.2.7/32", "10.1.2.0/24", 25, id="the half beside the longest"),
        pytest.param("10.1.3.0/24", "10.1.0.0/16", 24, id="beside it"),
        pytest.param("10.128.0.0/16", "10.0.0.0/8", 9, id="the free half of the widest"),
        pytest.param(
            "10.1.2.0/24", "10.1.2.0/24", 25, id="a longer network inside the subnet: too short to tell"
        ),
        pytest.param("10.1.0.0/20", "10.1.0.0/16", 23, id="a subnet shorter than a network inside it"),
        pytest.param("10.0.0.0/7", UNKNOWN.source, 16, id="a subnet that no network contains"),
        pytest.param("192.0.3.0/24", UNKNOWN.source, 24, id="unknown beside a network"),
        pytest.param("64.0.0.0/24", UNKNOWN.source, 2, id="unknown far away"),
        pytest.param("128.0.0.0/24", UNKNOWN.source, 2, id="unknown with another first bit than most"),
        pytest.param("2001:db8:ffff::/48", "2001:db8::/32", 32, id="IPv6"),
        pytest.param("2001:db9::/32", UNKNOWN.source, 32, id="IPv6 unknown"),
        pytest.param("::ffff:10.1.2.200/128", UNKNOWN.source, 3, id="IPv4 mapped into IPv6 is IPv6"),
        pytest.param("::/0", UNKNOWN.source, 3, id="no bits at all"),
    ],
)
def test_longest_prefix_that_contains_the_client(client: str, source: str, prefix_len: int) -> None:
    assert locate(NESTED, client) == (source, prefix_len)


@pytest.mark.parametrize("client", ["192.0.2.1/32", "2001:db8::1/128", "0.0.0.0/0"])
def test_without_networks_everybody_is_unknown_with_one_scope(client: str) -> None:
    assert locate(Locations(), client) == ("default: us-east-1", 0)


def test_the_other_family_plays_no_part() -> None:
    assert locate(locations_of("10.0.0.0/8"), "2001:db8::/32") == (UNKNOWN.source, 0)


@pytest.mark.parametrize(("network", "client"), [("0.0.0.0/0", "10.9.8.7/32"), ("::/0", "2001:db8::1/128")])
def test_a_network_of_everybody(network: str, client: str) -> None:
    assert locate(locations_of(network), client) == (network, 0)


def test_first_and_last_address() -> None:
    locations = locations_of("0.0.0.0/32", "255.255.255.255/32", "255.255.255.254/31")
    assert locate(locations, "0.0.0.0/32") == ("0.0.0.0/32", 32)
    assert locate(locations, "0.0.0.1/32") == (UNKNOWN.source, 32)
    assert locate(locations, "255.255.255.255/32") == ("255.255.255.255/32", 32)
    assert locate(locations, "255.255.255.254/32") == ("255.255.255.254/31", 32)


def test_of_equal_networks_the_later_counts() -> None:
    network = ip_network("10.0.0.0/8")
    entries = [
        (network, ClientLocation("eu-west-1")),
        (network, ClientLocation("eu-west-2", source="second")),
    ]
    assert locate(Locations(entries), "10.0.0.0/24") == ("second", 8)


def test_everything_else_a_network_says_is_kept() -> None:
    told = ClientLocation("eu-west-1", "IE", None, "EU", (53.0, -6.0), {"eu-west-1": 2.0}, source="x:1")
    found = Locations([(ip_network("10.0.0.0/8"), told)]).locate(bytes([10, 0, 0, 1]), 32)
    expected = told._replace(prefix_len=8, area_prefix_len=8, position_prefix_len=8)
    assert found._replace(sights=None) == expected._replace(latency_sources={"eu-west-1": "x:1"})


def test_a_record_that_was_forgotten_is_not_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a database decodes anew may lie where the record lay that it has forgotten. With latencies to add
    a location is another object than the record.
    """
    monkeypatch.setattr(maxmind, "MAX_DECODED", 1)
    countries = {1: "US", 2: "DE", 3: "JP"}
    octets = maxmind_octets({f"{first}.0.0.0/8": city(country) for first, country in countries.items()})
    matrix = LatencyMatrix({"us-east-1": LatencyRow({"eu-west-1": 80.0}, "latencies.csv:2")})
    locations = Locations(databases=[maxmind.MaxMindDatabase(octets, "city.mmdb")], matrix=matrix)
    for step in range(60):
        first = step % 3 + 1
        found = locations.look_up_address(bytes((first, step, 0, 0))).location
        assert (found.country, found.latency_ms) == (countries[first], {"eu-west-1": 80.0})


# --- properties: networks in a space of few bits, so that they nest and touch -------------------------------


def _network(bits: tuple[int, int]) -> IPv4Network:
    value, length = bits
    return IPv4Network((value >> (8 - length) << (32 - length) if length else 0, length))


NETWORKS = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 8)).map(_network), max_size=12)


def _longest(networks: list[IPv4Network], client: IPv4Network) -> str:
    containing = [network for network in networks if client.subnet_of(network)]
    return str(max(containing, key=lambda network: network.prefixlen)) if containing else UNKNOWN.source


@given(NETWORKS, st.integers(0, 255), st.integers(0, 32))
def test_location_is_that_of_the_longest_containing_network(
    networks: list[IPv4Network], first_octet: int, source_prefix_len: int
) -> None:
    client = IPv4Network((first_octet << 24, source_prefix_len), strict=False)
    assert locate(locations_of(*map(str, networks)), str(client))[0] == _longest(networks, client)


@given(NETWORKS, st.integers(0, 255))
def test_all_clients_inside_the_scope_have_one_location_and_no_shorter_scope_has(
    networks: list[IPv4Network], first_octet: int
) -> None:
    locations = locations_of(*map(str, networks))
    source, scope = locate(locations, f"{first_octet}.0.0.0/32")
    assert scope <= 8

    def sources_within(prefix_len: int) -> set[str]:
        block = first_octet >> (8 - prefix_len) << (8 - prefix_len)
        octets = range(block, block + (1 << 8 - prefix_len))
        return {_longest(networks, IPv4Network((octet << 24, 32))) for octet in octets}

    assert sources_within(scope) == {source}
    if scope:
        assert len(sources_within(scope - 1)) > 1
    for other in range(256):
        if ip_address(other << 24) in IPv4Network((first_octet << 24, scope), strict=False):
            assert locate(locations, f"{ip_address(other << 24)}/32") == (source, scope)


@given(NETWORKS, st.integers(0, 255), st.integers(0, 8))
def test_ipv6_is_cut_as_ipv4_is(
    networks: list[IPv4Network], first_octet: int, source_prefix_len: int
) -> None:
    v6 = [IPv6Network((int(network.network_address) << 96, network.prefixlen)) for network in networks]
    client = IPv4Network((first_octet << 24, source_prefix_len), strict=False)
    client6 = IPv6Network((int(client.network_address) << 96, source_prefix_len))
    names = {str(new): str(old) for new, old in zip(v6, networks, strict=True)} | {
        UNKNOWN.source: UNKNOWN.source
    }
    source, scope = locate(locations_of(*map(str, v6)), str(client6))
    assert (names[source], scope) == locate(locations_of(*map(str, networks)), str(client))
