"""Where nothing is healthy, or nothing that may be left (routing-policies.md §2.7 and §2.8, alias-trees.md
§3.2 and §3.3), asked of a server over UDP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.route53.world import IRELAND, NOWHERE, VIRGINIA, World, policy_text, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

ETH = "evaluate_target_health: true"
TWELVE = ", ".join(f"{{id: m{n}, values: [192.0.2.{100 + n}], health_check: a}}" for n in range(12))


def pair(name: str, first: int, check: str) -> str:
    """Return a weighted group of two leaves; their checks are the given one with 1 and 2 behind."""
    return f"""
  - {{name: {name}, type: A, ttl: 60, policy: weighted, sets: [
      {{id: one, weight: 1, values: [192.0.2.{first}], health_check: {check}1}},
      {{id: two, weight: 1, values: [192.0.2.{first + 1}], health_check: {check}2}}]}}"""


def over(name: str, primary: str, secondary: str = "ttl: 60, values: [192.0.2.9], health_check: c") -> str:
    """Return a failover group."""
    return f"""
  - {{name: {name}, type: A, policy: failover, sets: [
      {{id: p, failover: primary, {primary}}}, {{id: s, failover: secondary, {secondary}}}]}}"""


RECORDS = f"""
{pair("left", 1, "l")}
{pair("right", 3, "r")}
  - name: twelve
    type: A
    ttl: 60
    policy: multivalue
    sets: [{TWELVE}]
  - {{name: unchecked, type: A, ttl: 60, policy: multivalue, sets: [
      {{id: a, values: [192.0.2.1], health_check: a}},
      {{id: b, values: [192.0.2.2]}},
      {{id: c, values: [192.0.2.3], health_check: c}}]}}
{over("never-over", "alias: {target: left}")}
{over("own-check", "alias: {target: left}, health_check: a")}
{over("evaluates", f"alias: {{target: left, {ETH}}}")}
{
    over(
        "own-checks",
        f"alias: {{target: left, {ETH}}}, health_check: a",
        f"alias: {{target: right, {ETH}}}, health_check: b",
    )
}
  - {{name: near, type: A, policy: latency, sets: [
      {{id: us, region: us-east-1, alias: {{target: left, {ETH}}}, health_check: a}},
      {{id: eu, region: eu-west-1, alias: {{target: right, {ETH}}}, health_check: b}}]}}
  - {{name: by-weight, type: A, policy: weighted, sets: [
      {{id: l, weight: 10, alias: {{target: left, {ETH}}}}},
      {{id: r, weight: 0, alias: {{target: right, {ETH}}}}}]}}
{over("two-levels", f"alias: {{target: by-weight, {ETH}}}")}
{over("pinned", "alias: {target: by-weight}")}
  - {{name: to-near, type: A, alias: {{target: near, {ETH}}}}}
  - {{name: europe, type: A, ttl: 60, policy: geolocation, sets: [
      {{id: eu, location: {{continent: EU}}, values: [192.0.2.11], health_check: c}}]}}
  - {{name: to-europe, type: A, alias: {{target: europe, {ETH}}}}}
  - {{name: offices, type: A, ttl: 60, policy: cidr, sets: [
      {{id: o, cidr: {{collection: c, location: office}}, values: [192.0.2.12], health_check: c}}]}}
  - {{name: data-wins, type: A, policy: weighted, sets: [
      {{id: e, weight: 1, alias: {{target: to-europe, {ETH}}}}},
      {{id: o, weight: 1, alias: {{target: offices, {ETH}}}}},
      {{id: l, weight: 2, alias: {{target: left, {ETH}}}}},
      {{id: r, weight: 0, alias: {{target: right, {ETH}}}}}]}}
  - {{name: nearest-with-data, type: A, policy: latency, sets: [
      {{id: us, region: us-east-1, alias: {{target: to-europe, {ETH}}}}},
      {{id: eu, region: eu-west-1, alias: {{target: right, {ETH}}}}}]}}
{over("no-data-at-all", f"alias: {{target: to-europe, {ETH}}}", f"alias: {{target: offices, {ETH}}}")}
"""
CHECKS = ("a", "b", "c", "l1", "l2", "r1", "r2")
LEAVES = "l1 l2 r1 r2"
COLLECTIONS = "cidr_collections: {c: {office: [198.51.100.0/24]}}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    text = policy_text(RECORDS, CHECKS, COLLECTIONS)
    async with running(tmp_path_factory.mktemp("last-resorts"), text) as world:
        yield world


async def check(server: World, name: str, down: str, subnet: str, expected: str) -> None:
    """Check every answer of a name: `expected` has the last octets of the addresses, a space apart."""
    server.down(*down.split())
    values = {f"192.0.2.{octet}" if octet.isdigit() else octet for octet in expected.split()}
    assert await server.answers(name, subnet=subnet) == values


# --- §2.7 multivalue ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("down", "expected"), [("a c", "2"), ("a", "2 3"), ("", "1 2 3")])
async def test_2_7_a_member_without_a_check_is_healthy(server: World, down: str, expected: str) -> None:
    await check(server, "unchecked", down, "", expected)
    assert len((await server.ask("unchecked")).values) == len(expected.split())


async def test_2_7_of_more_than_eight_that_are_all_down_eight_answer(server: World) -> None:
    server.down("a")
    seen: set[str] = set()
    for _ in range(60):
        answer = await server.ask("twelve")
        assert len(answer.values) == 8
        seen.update(answer.values)
    assert seen == {f"192.0.2.{100 + number}" for number in range(12)}


# --- §2.8 failover aliases ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "down", "expected"),
    [
        pytest.param("evaluates", "l1 l2", "9", id="evaluates health: over to the secondary"),
        pytest.param("never-over", "l1 l2", "1 2", id="does not: stays, all below are down"),
        pytest.param("never-over", "l1", "2", id="does not: healthy ones are still preferred below"),
        pytest.param("never-over", "l1 l2 c", "1 2", id="does not: stays, the secondary is down too"),
        pytest.param("own-check", "l1 l2", "1 2", id="its own check is up: stays"),
        pytest.param("own-check", "a", "9", id="its own check is down: over to the secondary"),
    ],
)
async def test_2_8_a_primary_alias_fails_over_only_if_it_evaluates_health(
    server: World, name: str, down: str, expected: str
) -> None:
    await check(server, name, down, "", expected)


# --- §3.3 the last resort, level by level -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "down", "subnet", "expected"),
    [
        pytest.param("own-checks", "a b", "", "1 2", id="primary by its own check"),
        pytest.param("own-checks", "a b l1", "", "2", id="primary; below it the healthy one"),
        pytest.param("own-checks", "a b l2", "", "1", id="primary; below it the other healthy one"),
        pytest.param("own-checks", "a b l1 l2", "", "1 2", id="primary; last resort below as well"),
        pytest.param("own-checks", "a l1", "", "3 4", id="no last resort: the secondary is healthy"),
        pytest.param("near", "a b l1 r1", VIRGINIA, "2", id="nearest; below it the healthy one"),
        pytest.param("near", "a b l1 r1", IRELAND, "4", id="nearest of another client"),
        pytest.param("to-near", "a b l1 r1", IRELAND, "4", id="through an alias"),
        pytest.param("near", "a r1 r2", IRELAND, "3 4", id="nearest, though only the other's target is up"),
    ],
)
async def test_3_3_a_level_taken_as_healthy_leaves_the_level_below_its_health(
    server: World, name: str, down: str, subnet: str, expected: str
) -> None:
    await check(server, name, down, subnet, expected)


@pytest.mark.parametrize(
    ("name", "down", "expected"),
    [
        pytest.param("by-weight", LEAVES, "1 2", id="the alias with a weight, by weight below"),
        pytest.param("by-weight", "l1 l2", "3 4", id="no last resort: weight 0 takes over"),
        pytest.param("by-weight", "l1 l2 r1", "4", id="no last resort: one leaf is left"),
        pytest.param("two-levels", LEAVES, "9", id="all below is down: an ancestor's sibling"),
        pytest.param("two-levels", f"{LEAVES} c", "1 2", id="all is down: from the root"),
        pytest.param("two-levels", "l1 l2 r2 c", "3", id="one leaf is left"),
        pytest.param("pinned", LEAVES, "1 2", id="a branch that cannot be left"),
        pytest.param("pinned", "l1 l2 r2", "3", id="a branch that cannot be left has one leaf"),
    ],
)
async def test_3_3_the_last_resort_of_a_group_of_aliases(
    server: World, name: str, down: str, expected: str
) -> None:
    await check(server, name, down, "", expected)


@pytest.mark.parametrize(
    ("name", "down", "subnet", "expected"),
    [
        pytest.param("data-wins", f"{LEAVES} c", NOWHERE, "1 2", id="by weight, of those with data"),
        pytest.param("data-wins", f"{LEAVES} c", IRELAND, "1 2 11 12", id="all have data"),
        pytest.param("data-wins", LEAVES, IRELAND, "11 12", id="no last resort"),
        pytest.param("nearest-with-data", f"{LEAVES} c", VIRGINIA, "3 4", id="the nearest has no data"),
        pytest.param("nearest-with-data", f"{LEAVES} c", IRELAND, "3 4", id="the nearest has data"),
        pytest.param("no-data-at-all", "c", NOWHERE, "NODATA", id="none has data"),
        pytest.param("no-data-at-all", "c", IRELAND, "11", id="both have data: the primary"),
    ],
)
async def test_3_3_a_branch_without_data_loses_to_a_sibling_in_the_last_resort(
    server: World, name: str, down: str, subnet: str, expected: str
) -> None:
    await check(server, name, down, subnet, expected)
