"""Every rule of routing-policies.md §2.1 to §2.8 (and the types of §1.1), asked of a server over UDP."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.route53.world import (
    AUSTRALIA,
    CALIFORNIA,
    CHINA,
    IRELAND,
    NOWHERE,
    USA,
    VIRGINIA,
    Answer,
    World,
    policy_text,
    running,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

EIGHT = ", ".join(f"{{id: m{number}, values: [192.0.2.{100 + number}]}}" for number in range(8))
TYPES = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CAA": '0 issue "ca.example.net"',
    "CNAME": "target.example.",
    "MX": "10 mail.example.",
    "NAPTR": '100 10 "U" "E2U+sip" "!^.*$!sip:a@example.net!" .',
    "PTR": "host.example.",
    "SPF": '"v=spf1 -all"',
    "SRV": "1 2 3 host.example.",
    "TXT": '"text"',
    "TLSA": "3 1 1 " + "00" * 32,
    "SSHFP": "1 2 " + "00" * 32,
    "SVCB": "1 host.example.",
    "HTTPS": "1 host.example.",
}
OF_EVERY_TYPE = "".join(
    f"\n  - {{name: type-{rrtype.lower()}, type: {rrtype}, ttl: 7, policy: {policy}, sets: [\n"
    f"      {{id: only, {field}, values: ['{value}']}}]}}"
    for rrtype, value in TYPES.items()
    for policy, field in (("weighted", "weight: 1"),)
)
RECORDS = f"""
  - {{name: simple, type: A, ttl: 60, values: [192.0.2.1, 192.0.2.2, 192.0.2.3], health_check: a}}
  - {{name: shares, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 10, values: [192.0.2.1], health_check: a}},
      {{id: b, weight: 20, values: [192.0.2.2], health_check: b}},
      {{id: c, weight: 20, values: [192.0.2.3], health_check: c}}]}}
  - {{name: zero, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 1, values: [192.0.2.1], health_check: a}}, {{id: z, weight: 0, values: [192.0.2.2]}}]}}
  - {{name: zeros, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 0, values: [192.0.2.1], health_check: a}},
      {{id: b, weight: 0, values: [192.0.2.2], health_check: b}}]}}
  - {{name: several, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 1, values: [192.0.2.1, 192.0.2.2, 192.0.2.3]}}]}}
  - {{name: near, type: A, ttl: 60, policy: latency, sets: [
      {{id: us, region: us-east-1, values: [192.0.2.1], health_check: a}},
      {{id: eu, region: eu-west-1, values: [192.0.2.2], health_check: b}},
      {{id: ap, region: ap-southeast-2, values: [192.0.2.3], health_check: c}}]}}
  - {{name: china, type: A, ttl: 60, policy: latency, sets: [
      {{id: hk, region: ap-east-1, values: [192.0.2.1]}},
      {{id: cn, region: cn-north-1, values: [192.0.2.2]}}]}}
  - {{name: geo, type: A, ttl: 60, policy: geolocation, sets: [
      {{id: ca, location: {{country: US, subdivision: CA}}, values: [192.0.2.1], health_check: a}},
      {{id: us, location: {{country: US}}, values: [192.0.2.2], health_check: b}},
      {{id: na, location: {{continent: NA}}, ttl: 5, values: [192.0.2.3], health_check: c}},
      {{id: ie, location: {{country: IE}}, values: [192.0.2.4], health_check: d}},
      {{id: all, location: {{country: "*"}}, values: [192.0.2.5], health_check: e}}]}}
  - {{name: no-default, type: A, ttl: 60, policy: geolocation, sets: [
      {{id: us, location: {{country: US}}, values: [192.0.2.2]}}]}}
  - {{name: biased, type: A, ttl: 60, policy: geoproximity, sets: [
      {{id: va, at: {{region: us-east-1}}, values: [192.0.2.1], health_check: a}},
      {{id: ldn, at: {{coordinates: [51.5, -0.12]}}, bias: -99, values: [192.0.2.2], health_check: b}}]}}
  - {{name: unbiased, type: A, ttl: 60, policy: geoproximity, sets: [
      {{id: va, at: {{region: us-east-1}}, values: [192.0.2.1], health_check: a}},
      {{id: ldn, at: {{coordinates: [51.5, -0.12]}}, values: [192.0.2.2], health_check: b}}]}}
  - {{name: zones, type: A, ttl: 60, policy: geoproximity, sets: [
      {{id: chicago, at: {{local_zone_group: us-east-1-chi-1}}, values: [192.0.2.1]}},
      {{id: ldn, at: {{coordinates: [51.5, -0.12]}}, values: [192.0.2.2]}}]}}
  - {{name: tie, type: A, ttl: 60, policy: geoproximity, sets: [
      {{id: b, at: {{region: us-east-1}}, values: [192.0.2.1]}},
      {{id: a, at: {{region: us-east-1}}, values: [192.0.2.2]}}]}}
  - {{name: cidr, type: A, ttl: 60, policy: cidr, sets: [
      {{id: wide, cidr: {{collection: c, location: wide}}, values: [192.0.2.1], health_check: a}},
      {{id: deep, cidr: {{collection: c, location: deep}}, values: [192.0.2.2], health_check: b}},
      {{id: six, cidr: {{collection: c, location: six}}, values: [192.0.2.3], health_check: c}},
      {{id: all, cidr: {{collection: c, location: "*"}}, values: [192.0.2.4], health_check: d}}]}}
  - {{name: cidr-nodata, type: A, ttl: 60, policy: cidr, sets: [
      {{id: deep, cidr: {{collection: c, location: deep}}, values: [192.0.2.2]}}]}}
  - {{name: eight, type: A, ttl: 60, policy: multivalue, sets: [{EIGHT}]}}
  - {{name: multi, type: A, policy: multivalue, sets: [
      {{id: a, ttl: 30, values: [192.0.2.1], health_check: a}},
      {{id: b, ttl: 20, values: [192.0.2.2], health_check: b}},
      {{id: c, ttl: 40, values: [192.0.2.1]}}]}}
  - {{name: two, type: A, policy: multivalue, ttl: 60, sets: [
      {{id: a, values: [192.0.2.1], health_check: a}}, {{id: b, values: [192.0.2.2], health_check: b}}]}}
  - {{name: over, type: A, ttl: 60, policy: failover, sets: [
      {{id: s, failover: secondary, values: [192.0.2.2], health_check: b}},
      {{id: p, failover: primary, values: [192.0.2.1], health_check: a}}]}}
  - {{name: over-unchecked, type: A, ttl: 60, policy: failover, sets: [
      {{id: s, failover: secondary, values: [192.0.2.2]}},
      {{id: p, failover: primary, values: [192.0.2.1], health_check: a}}]}}
  - {{name: no-primary, type: A, ttl: 60, policy: failover, sets: [
      {{id: s, failover: secondary, values: [192.0.2.2], health_check: b}}]}}
  - {{name: no-secondary, type: A, ttl: 60, policy: failover, sets: [
      {{id: p, failover: primary, values: [192.0.2.1], health_check: a}}]}}
  - {{name: "*.any", type: A, ttl: 60, policy: latency, sets: [
      {{id: us, region: us-east-1, values: [192.0.2.1]}},
      {{id: eu, region: eu-west-1, values: [192.0.2.2]}}]}}
  - {{name: "*.any", type: TXT, ttl: 60, policy: weighted, sets: [{{id: t, weight: 1, values: [t]}}]}}
  - {{name: exists.any, type: TXT, ttl: 60, values: [t]}}
  - {{name: chased, type: CNAME, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 1, values: [near], health_check: a}}, {{id: b, weight: 1, values: [over]}}]}}
{OF_EVERY_TYPE}
"""
COLLECTIONS = """
cidr_collections:
  c:
    wide: [198.51.0.0/16]
    deep: [198.51.100.0/24]
    unused: [198.51.101.0/24]
    six: ["2001:db8::/32"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    text = policy_text(RECORDS, "abcde", COLLECTIONS)
    async with running(tmp_path_factory.mktemp("policies"), text) as world:
        yield world


async def check(server: World, name: str, down: str, subnet: str, expected: str) -> None:
    """Check every answer of a name: `expected` has the last octets of the addresses, a space apart."""
    server.down(*down)
    values = {f"192.0.2.{octet}" if octet.isdigit() else octet for octet in expected.split()}
    assert await server.answers(name, subnet=subnet) == values


# --- §2.1 simple --------------------------------------------------------------------------------------------


async def test_2_1_simple_gives_all_values_whatever_their_health(server: World) -> None:
    server.down("a")
    assert (await server.ask("simple")).values == ("192.0.2.1", "192.0.2.2", "192.0.2.3")


async def test_2_1_simple_gives_its_values_in_random_order(server: World) -> None:
    firsts = Counter([(await server.reply("simple")).answer[0][0].to_text() for _ in range(60)])
    assert len(firsts) == 3


# --- §2.2 weighted ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "down", "expected"),
    [
        pytest.param("shares", "", "1 2 3", id="all healthy"),
        pytest.param("shares", "c", "1 2", id="the unhealthy one is out"),
        pytest.param("shares", "abc", "1 2 3", id="last resort: all"),
        pytest.param("zero", "", "1", id="zero never while another is healthy"),
        pytest.param("zero", "a", "2", id="zero takes over"),
        pytest.param("zeros", "", "1 2", id="all zero: evenly"),
        pytest.param("zeros", "a", "2", id="all zero: healthy ones"),
        pytest.param("zeros", "ab", "1 2", id="all zero, all down: all"),
    ],
)
async def test_2_2_weighted(server: World, name: str, down: str, expected: str) -> None:
    await check(server, name, down, "", expected)


async def test_2_2_weights_10_20_20_without_the_third_are_one_and_two_thirds(server: World) -> None:
    server.down("c")
    counts = Counter([(await server.ask("shares")).values[0] for _ in range(600)])
    assert abs(counts["192.0.2.1"] - 200) < 60  # over five standard deviations of 11.5


async def test_2_2_every_value_of_the_chosen_set_is_answered(server: World) -> None:
    assert (await server.ask("several")).values == ("192.0.2.1", "192.0.2.2", "192.0.2.3")


# --- §2.3 latency -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("down", "subnet", "expected"),
    [
        ("", VIRGINIA, "1"),
        ("", IRELAND, "2"),
        ("", AUSTRALIA, "3"),
        ("", NOWHERE, "1"),
        ("b", IRELAND, "1"),
        ("ab", IRELAND, "3"),
        ("abc", IRELAND, "2"),
    ],
)
async def test_2_3_latency(server: World, down: str, subnet: str, expected: str) -> None:
    await check(server, "near", down, subnet, expected)


async def test_2_3_beijing_always_wins_for_china(server: World) -> None:
    await check(server, "china", "", CHINA, "2")


# --- §2.4 geolocation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("down", "subnet", "expected"),
    [
        pytest.param("", CALIFORNIA, "1", id="the state"),
        pytest.param("", VIRGINIA, "2", id="a state without a set: the country"),
        pytest.param("", USA, "2", id="no known state: the country"),
        pytest.param("", IRELAND, "4", id="another country"),
        pytest.param("", AUSTRALIA, "5", id="a country without a set: the default"),
        pytest.param("", NOWHERE, "5", id="no location known: the default"),
        pytest.param("a", CALIFORNIA, "2", id="state down: the country"),
        pytest.param("ab", CALIFORNIA, "3", id="country down: the continent"),
        pytest.param("abc", CALIFORNIA, "5", id="continent down: the default"),
        pytest.param("abce", CALIFORNIA, "1", id="all of the chain down: the smallest"),
        pytest.param("b", VIRGINIA, "3", id="never sideways to another state"),
        pytest.param("b", USA, "3", id="no known state, country down: the continent"),
        pytest.param("bc", USA, "5", id="no known state, continent down: the default"),
        pytest.param("d", IRELAND, "5", id="never sideways to another country"),
        pytest.param("e", AUSTRALIA, "5", id="default down: the default"),
    ],
)
async def test_2_4_geolocation(server: World, down: str, subnet: str, expected: str) -> None:
    await check(server, "geo", down, subnet, expected)


async def test_2_4_ttls_may_differ(server: World) -> None:
    server.down("a", "b")
    assert (await server.ask("geo", subnet=CALIFORNIA)).ttl == 5


async def test_2_4_nobodys_client_gets_no_data(server: World) -> None:
    server.down()
    reply = await server.reply("no-default", subnet=IRELAND)
    assert (reply.rcode(), reply.answer) == (0, [])
    assert "SOA" in reply.authority[0].to_text()
    await check(server, "no-default", "", USA, "2")


# --- §2.5 geoproximity --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "down", "subnet", "expected"),
    [
        pytest.param("unbiased", "", IRELAND, "2", id="the nearest"),
        pytest.param("unbiased", "", VIRGINIA, "1", id="the nearest, a region"),
        pytest.param("unbiased", "b", IRELAND, "1", id="the next nearest"),
        pytest.param("unbiased", "ab", IRELAND, "2", id="all down: the nearest"),
        pytest.param("unbiased", "", NOWHERE, "1", id="an unknown client is in us-east-1"),
        pytest.param("biased", "", IRELAND, "1", id="bias -99: a hundred times as far"),
        pytest.param("zones", "", VIRGINIA, "1", id="a Local Zone group"),
        pytest.param("tie", "", IRELAND, "2", id="a tie goes to the lowest SetIdentifier"),
    ],
)
async def test_2_5_geoproximity(server: World, name: str, down: str, subnet: str, expected: str) -> None:
    await check(server, name, down, subnet, expected)


# --- §2.6 CIDR ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("down", "subnet", "expected"),
    [
        pytest.param("", "198.51.100.0/24", "2", id="the longest block"),
        pytest.param("", "198.51.100.77/32", "2", id="a block contains a longer prefix"),
        pytest.param("", "198.51.1.0/24", "1", id="the block around"),
        pytest.param("", "198.51.96.0/20", "1", id="a block longer than the subnet does not match"),
        pytest.param("", "198.0.0.0/8", "4", id="no block contains the subnet: the default"),
        pytest.param("", "198.51.101.0/24", "4", id="a location without a set: the default"),
        pytest.param("", "203.0.113.0/24", "4", id="no block: the default"),
        pytest.param("", "2001:db8:7::/48", "3", id="IPv6"),
        pytest.param("", "2001:db9::/48", "4", id="IPv6 outside"),
        pytest.param("b", "198.51.100.0/24", "1", id="unhealthy: the next shorter block"),
        pytest.param("ab", "198.51.100.0/24", "4", id="both unhealthy: the default"),
        pytest.param("abd", "198.51.100.0/24", "2", id="none healthy: the longest"),
    ],
)
async def test_2_6_cidr(server: World, down: str, subnet: str, expected: str) -> None:
    await check(server, "cidr", down, subnet, expected)


async def test_2_6_without_a_default_a_client_in_no_block_gets_no_data(server: World) -> None:
    await check(server, "cidr-nodata", "", "203.0.113.0/24", "NODATA")
    await check(server, "cidr-nodata", "", "198.51.100.0/24", "2")


@pytest.mark.parametrize(
    ("name", "subnet", "scope"),
    [
        pytest.param("cidr", "198.51.100.0/24", 24, id="a block"),
        pytest.param("cidr", "198.51.200.0/24", 17, id="a block around another"),
        pytest.param("cidr", "10.0.0.0/24", 1, id="no block"),
        pytest.param("cidr", "0.0.0.0/0", 0, id="a subnet of no bits"),
        pytest.param("cidr-nodata", "10.0.0.0/24", 1, id="only the blocks of the sets count"),
        pytest.param("cidr-nodata", "198.51.101.0/24", 24, id="beside the block"),
        pytest.param("shares", "198.51.100.0/24", 0, id="location plays no part"),
        pytest.param("near", IRELAND, 24, id="latency"),
        pytest.param("near", CALIFORNIA, 24, id="latency, beside clients nobody knows"),
    ],
)
async def test_1_10_the_scope_is_the_shortest_that_holds(
    server: World, name: str, subnet: str, scope: int
) -> None:
    server.down()
    for _ in range(5):
        assert (await server.ask(name, subnet=subnet)).scope == scope


# --- §2.7 multivalue ----------------------------------------------------------------------------------------


async def test_2_7_eight_sets_all_come_and_each_comes_first(server: World) -> None:
    firsts = set()
    for _ in range(120):
        reply = await server.reply("eight")
        assert len(reply.answer[0]) == 8
        firsts.add(reply.answer[0][0].to_text())
    assert len(firsts) == 8


async def test_2_7_equal_values_appear_once_and_the_least_ttl_counts(server: World) -> None:
    server.down()
    assert await server.ask("multi") == Answer("NOERROR", ("192.0.2.1", "192.0.2.2"), 20, "A")


@pytest.mark.parametrize(("down", "expected"), [("", "1 2"), ("a", "2"), ("ab", "1 2")])
async def test_2_7_only_healthy_ones_unless_none_is(server: World, down: str, expected: str) -> None:
    await check(server, "two", down, "", expected)
    assert len((await server.ask("two")).values) == len(expected.split())


# --- §2.8 failover ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "down", "expected"),
    [
        pytest.param("over", "", "1", id="primary healthy"),
        pytest.param("over", "b", "1", id="primary healthy, secondary not"),
        pytest.param("over", "a", "2", id="primary down"),
        pytest.param("over", "ab", "1", id="both down: the primary"),
        pytest.param("over-unchecked", "a", "2", id="a secondary without a check"),
        pytest.param("no-primary", "", "2", id="no primary"),
        pytest.param("no-primary", "b", "2", id="no primary, secondary down"),
        pytest.param("no-secondary", "a", "1", id="no secondary, primary down"),
    ],
)
async def test_2_8_failover(server: World, name: str, down: str, expected: str) -> None:
    await check(server, name, down, "", expected)


# --- §1.1, §1.6, §1.10: types, wildcards, chains ------------------------------------------------------------


@pytest.mark.parametrize("rrtype", TYPES)
async def test_1_1_every_type_can_stand_under_a_policy(server: World, rrtype: str) -> None:
    answer = await server.ask(f"type-{rrtype.lower()}", rrtype)
    assert (answer.rcode, answer.ttl, answer.rrtype, len(answer.values)) == ("NOERROR", 7, rrtype, 1)


async def test_1_6_policies_work_on_wildcards(server: World) -> None:
    await check(server, "x.y.any", "", IRELAND, "2")
    reply = await server.reply("x.y.any", subnet=IRELAND)
    assert str(reply.answer[0].name) == "x.y.any.r.test."
    assert await server.answers("x.any", "TXT", asks=3) == {'"t"'}


async def test_1_6_a_name_that_exists_blocks_the_wildcard(server: World) -> None:
    assert await server.answers("exists.any", asks=3) == {"NODATA"}


async def test_1_10_each_hop_of_a_chain_has_its_own_policy(server: World) -> None:
    server.down()
    assert await server.answers("chased", subnet=IRELAND) == {"192.0.2.2", "192.0.2.1"}
    server.down("a")
    assert await server.answers("chased", subnet=IRELAND) == {"192.0.2.2"}
