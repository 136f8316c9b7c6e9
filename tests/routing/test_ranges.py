"""Ranges find what was said of the networks around a client, innermost first, and how far that holds."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from r53lite.routing.ranges import Ranges, parse_network

BLOCKS = Ranges(
    (ip_network(text), text)
    for text in ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32", "2001:db8:1::/48")
)


@pytest.mark.parametrize(
    ("client", "chain", "scope"),
    [
        pytest.param("10.1.2.3/32", ["10.1.2.0/24", "10.1.0.0/16", "10.0.0.0/8"], 24, id="three around it"),
        pytest.param("10.1.2.0/23", ["10.1.0.0/16", "10.0.0.0/8"], 24, id="too short for the longest"),
        pytest.param("10.2.0.0/16", ["10.0.0.0/8"], 15, id="beside it"),
        pytest.param("11.0.0.0/8", [], 8, id="outside"),
        pytest.param("2001:db8::/32", ["2001:db8::/32"], 48, id="§2.6: a /48 does not match a /32 query"),
        pytest.param("2001:db8:1::/48", ["2001:db8:1::/48", "2001:db8::/32"], 48, id="IPv6"),
        pytest.param("::ffff:10.1.2.0/120", [], 3, id="§1.10: a mapped subnet is of the other family"),
    ],
)
def test_networks_around_a_client(client: str, chain: list[str], scope: int) -> None:
    network = ip_network(client)
    block, found = BLOCKS.find(network.network_address.packed, network.prefixlen)
    assert ([] if block is None else list(block.chain()), found) == (chain, scope)


def test_networks_whose_clients_are_ipv4_are_named_so() -> None:
    with pytest.raises(ValueError, match=r"write '10\.0\.0\.0/8'"):
        parse_network("::ffff:10.0.0.0/104")
    assert str(parse_network("::/0")) == "::/0"


def test_an_outline_joins_neighbors_of_one_class() -> None:
    ranges = Ranges((ip_network(f"10.{number}.0.0/16"), number // 4) for number in range(8))
    family = ranges.family(32)
    outline = family.outline(lambda block: None if block is None else block.value)
    assert [start >> 16 & 0xFF for start in outline] == [0, 0, 4, 8]
    assert family.scope_in(outline, 0x0A010203) == 14
    assert family.scope_in([0], 0x0A010203) == 0
