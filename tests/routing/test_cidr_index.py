"""A client's CIDR locations are those of the blocks around it, the longest first, and the scope is the
shortest that holds (docs/route53/routing-policies.md §2.6, RFC 7871 §7.2.1).
"""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r53lite.routing.cidr_index import CidrIndex, CidrMatch, ClientPrefix

BLOCKS = [
    (ip_network("10.0.0.0/8"), "wide"),
    (ip_network("10.1.0.0/16"), "inner"),
    (ip_network("10.1.2.0/24"), "wide"),
    (ip_network("10.2.0.0/16"), "other"),
    (ip_network("2001:db8::/32"), "six"),
]
ALL = frozenset(("wide", "inner", "other", "six", "*"))
BITS = 8  # of the generated networks: an address space small enough to try every client


def client(text: str) -> ClientPrefix:
    """Return a prefix."""
    network = ip_network(text)
    return ClientPrefix(network.network_address.packed, network.prefixlen)


@pytest.mark.parametrize(
    ("prefix", "known", "expected"),
    [
        ("10.9.0.0/16", ALL, CidrMatch(("wide", "*"), 13)),
        ("10.1.9.0/24", ALL, CidrMatch(("inner", "wide", "*"), 21)),
        ("10.1.2.3/32", ALL, CidrMatch(("wide", "inner", "*"), 24)),
        ("10.0.0.0/7", ALL, CidrMatch(("*",), 16)),  # no block contains it; the scope asks for more bits
        ("11.0.0.0/8", ALL, CidrMatch(("*",), 8)),
        ("10.2.0.0/16", ALL - {"other"}, CidrMatch(("*",), 16)),
        ("10.1.0.0/24", ALL - {"inner"}, CidrMatch(("*",), 23)),
        ("10.9.0.0/16", frozenset("*"), CidrMatch(("*",), 0)),
        ("2001:db8:1::/48", ALL, CidrMatch(("six", "*"), 32)),
        ("2001:db9::/48", ALL, CidrMatch(("*",), 32)),
        ("::ffff:10.2.3.4/128", ALL, CidrMatch(("*",), 3)),  # §1.10: of the other family
    ],
)
def test_locations_and_scope(prefix: str, known: frozenset[str], expected: CidrMatch) -> None:
    assert CidrIndex(BLOCKS, known).match(client(prefix)) == expected


def test_without_a_client_there_is_the_default() -> None:
    assert CidrIndex(BLOCKS, ALL).match(None) == CidrMatch(("*",), 0)


def test_a_client_whose_subnet_has_no_bits_gets_no_scope() -> None:
    address = ClientPrefix(ip_address("10.1.2.3").packed, 32, is_scoped=False)
    assert CidrIndex(BLOCKS, ALL).match(address) == CidrMatch(("wide", "inner", "*"), 0)


def test_a_subnet_that_two_blocks_of_one_location_make_up_is_too_short_to_tell() -> None:
    """§2.6: neither half contains the /8, so it gets the default, and no scope of its clients covers it."""
    halves = [(ip_network("10.0.0.0/9"), "a"), (ip_network("10.128.0.0/9"), "a")]
    index = CidrIndex(halves, frozenset("a"))
    assert index.match(client("10.0.0.0/8")) == CidrMatch(("*",), 9)
    assert index.match(client("10.0.0.0/9")) == CidrMatch(("a", "*"), 9)
    assert index.match(client("10.200.0.0/24")) == CidrMatch(("a", "*"), 9)


@pytest.mark.parametrize(
    "prefix", ["10.0.0.0/8", "10.0.0.0/9", "10.1.0.0/16", "10.1.2.3/32", "10.200.0.0/16"]
)
def test_blocks_of_one_location_inside_each_other_are_one_to_the_scope(prefix: str) -> None:
    blocks = [(ip_network(text), "a") for text in ("10.0.0.0/8", "10.0.0.0/9", "10.1.0.0/16")]
    assert CidrIndex(blocks, frozenset("a")).match(client(prefix)) == CidrMatch(("a", "*"), 8)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("10.0.0.0/9", CidrMatch(("*",), 10)),
        ("10.64.0.0/10", CidrMatch(("a", "*"), 10)),
        ("10.128.0.0/9", CidrMatch(("a", "*"), 9)),
        ("10.0.0.0/8", CidrMatch(("a", "*"), 10)),
    ],
)
def test_a_block_that_no_address_is_in_first_still_ends_scopes(prefix: str, expected: CidrMatch) -> None:
    """The /9 is of a location without a set, and both of its halves are of another."""
    blocks = [("10.0.0.0/8", "a"), ("10.0.0.0/9", "b"), ("10.0.0.0/10", "a"), ("10.64.0.0/10", "a")]
    index = CidrIndex([(ip_network(text), location) for text, location in blocks], frozenset("a"))
    assert index.match(client(prefix)) == expected


@st.composite
def small_blocks(draw: st.DrawFn) -> list[tuple[IPv4Network, str]]:
    """Return blocks of up to `BITS` bits, each once, with one of three locations."""
    lengths = draw(st.lists(st.integers(1, BITS), max_size=8))
    found = {}
    for length in lengths:
        number = draw(st.integers(0, (1 << length) - 1)) << 32 - length
        found[IPv4Network((number, length))] = draw(st.sampled_from("abc"))
    return list(found.items())


@settings(max_examples=200)
@given(small_blocks(), st.sets(st.sampled_from("abc")))
def test_all_clients_inside_a_scope_and_no_more_have_the_same_locations(
    blocks: list[tuple[IPv4Network, str]], known: set[str]
) -> None:
    """Clients are addresses and subnets: a scope is the shortest in which no prefix has other locations."""
    index = CidrIndex(blocks, frozenset(known | {"*"}))
    matches = {
        prefix: index.match(client(str(prefix)))
        for length in range(BITS + 1)
        for prefix in IPv4Network("0.0.0.0/0").subnets(new_prefix=length)
    }
    same = {prefix: {match.locations} for prefix, match in matches.items()}
    for prefix in sorted(matches, key=lambda one: -one.prefixlen):
        if prefix.prefixlen:
            same[prefix.supernet()] |= same[prefix]
    for prefix, match in matches.items():
        containing = sorted(
            (one for one in blocks if prefix.subnet_of(one[0])), key=lambda one: -one[0].prefixlen
        )
        chain = dict.fromkeys(location for _, location in containing if location in known)
        if containing and containing[0][1] not in known:
            chain = {}
        assert match.locations == (*chain, "*")
        assert match.prefix_len <= BITS
        if match.prefix_len > prefix.prefixlen:
            assert len(same[prefix]) > 1  # too short to tell
            continue
        assert same[prefix.supernet(new_prefix=match.prefix_len)] == {match.locations}
        assert match.prefix_len == 0 or len(same[prefix.supernet(new_prefix=match.prefix_len - 1)]) > 1
