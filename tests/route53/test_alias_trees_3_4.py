"""Every row of the scenario table of alias-trees.md §3.4, asked of a server over UDP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.route53.world import CALIFORNIA, IRELAND, VIRGINIA, World, policy_text, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

US, AP = ("192.0.2.1", "192.0.2.2"), ("192.0.2.3", "192.0.2.4")


def latency_tree(name: str, us: str, *, us_evaluates: str = "true") -> str:
    """Return latency aliases over two weighted groups, one for each region."""
    return f"""
  - {{name: {name}, type: A, policy: latency, sets: [
      {{id: us, region: us-east-1, alias: {{target: {us}, evaluate_target_health: {us_evaluates}}}}},
      {{id: ap, region: ap-southeast-2, alias: {{target: ap, evaluate_target_health: true}}}}]}}"""


TWELVE = ", ".join(
    f"{{id: m{number}, values: [192.0.2.{100 + number}], health_check: us-{'a' if number > 9 else 'b'}}}"
    for number in range(12)
)
RECORDS = f"""
  - {{name: us, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 1, values: [{US[0]}], health_check: us-a}},
      {{id: b, weight: 3, values: [{US[1]}], health_check: us-b}}]}}
  - {{name: us-half, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 1, values: [{US[0]}], health_check: us-a}},
      {{id: b, weight: 3, values: [{US[1]}]}}]}}
  - {{name: ap, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 1, values: [{AP[0]}], health_check: ap-a}},
      {{id: b, weight: 3, values: [{AP[1]}], health_check: ap-b}}]}}
{latency_tree("row1", "us")}
{latency_tree("row2", "us-half")}
{latency_tree("row3", "us", us_evaluates="false")}
  - {{name: row5, type: A, policy: weighted, sets: [
      {{id: own, weight: 1, health_check: own, alias: {{target: us, evaluate_target_health: true}}}},
      {{id: ap, weight: 1, alias: {{target: ap, evaluate_target_health: true}}}}]}}
  - {{name: row6, type: A, policy: failover, sets: [
      {{id: p, failover: primary, alias: {{target: us, evaluate_target_health: true}}}},
      {{id: s, failover: secondary, ttl: 5, values: [192.0.2.9]}}]}}
  - {{name: row8, type: A, ttl: 60, policy: geolocation, sets: [
      {{id: ca, location: {{country: US, subdivision: CA}}, values: [192.0.2.11], health_check: us-a}},
      {{id: us, location: {{country: US}}, values: [192.0.2.12], health_check: us-b}},
      {{id: na, location: {{continent: NA}}, values: [192.0.2.13], health_check: ap-a}},
      {{id: all, location: {{country: "*"}}, values: [192.0.2.14], health_check: ap-b}}]}}
  - {{name: row10, type: A, ttl: 60, policy: weighted, sets: [
      {{id: ten, weight: 10, values: [192.0.2.21], health_check: us-a}},
      {{id: zero, weight: 0, values: [192.0.2.22], health_check: us-b}}]}}
  - name: row12
    type: A
    ttl: 60
    policy: multivalue
    sets: [{TWELVE}]
"""
CHECKS = ("us-a", "us-b", "ap-a", "ap-b", "own")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running(tmp_path_factory.mktemp("trees"), policy_text(RECORDS, CHECKS)) as world:
        yield world


async def test_row_1_both_leaves_of_the_near_region_down_gives_the_other_region(server: World) -> None:
    server.down("us-a", "us-b")
    assert await server.answers("row1", subnet=VIRGINIA) == set(AP)


async def test_row_1_all_up_gives_the_near_region(server: World) -> None:
    server.down()
    assert await server.answers("row1", subnet=VIRGINIA) == set(US)
    assert await server.answers("row1", subnet="192.0.2.0/25") == set(AP)


async def test_row_2_a_leaf_without_a_check_always_answers(server: World) -> None:
    for down in ((), ("us-a",)):
        server.down(*down)
        expected = {US[1]} if down else set(US)
        assert await server.answers("row2", subnet=VIRGINIA) == expected


async def test_row_3_without_evaluating_the_branch_is_never_left(server: World) -> None:
    server.down("us-a", "us-b")
    assert await server.answers("row3", subnet=VIRGINIA) == set(US)


async def test_row_4_all_four_down_gives_the_near_region_by_weight(server: World) -> None:
    server.down("us-a", "us-b", "ap-a", "ap-b")
    assert await server.answers("row1", subnet=VIRGINIA) == set(US)


async def test_row_5_an_alias_whose_own_check_fails_is_skipped(server: World) -> None:
    server.down("own")
    assert await server.answers("row5") == set(AP)


async def test_row_6_a_primary_alias_gives_the_healthy_member_of_its_target(server: World) -> None:
    server.down("us-a")
    assert await server.answers("row6") == {US[1]}
    assert (await server.ask("row6")).ttl == 60


async def test_row_7_with_none_healthy_the_secondary_answers(server: World) -> None:
    server.down("us-a", "us-b")
    assert await server.answers("row6") == {"192.0.2.9"}
    assert (await server.ask("row6")).ttl == 5


async def test_row_8_health_falls_to_the_larger_region(server: World) -> None:
    server.down("us-a", "us-b")
    assert await server.answers("row8", subnet=CALIFORNIA) == {"192.0.2.13"}
    assert await server.answers("row8", subnet=IRELAND) == {"192.0.2.14"}


async def test_row_9_all_down_gives_the_smallest_region(server: World) -> None:
    server.down("us-a", "us-b", "ap-a", "ap-b")
    assert await server.answers("row8", subnet=CALIFORNIA) == {"192.0.2.11"}


async def test_row_10_weight_zero_takes_over(server: World) -> None:
    server.down("us-a")
    assert await server.answers("row10") == {"192.0.2.22"}


async def test_row_11_both_down_gives_the_weighted_one(server: World) -> None:
    server.down("us-a", "us-b")
    assert await server.answers("row10") == {"192.0.2.21"}


async def test_row_12_eight_of_the_ten_healthy_ones(server: World) -> None:
    server.down("us-a")
    seen: set[str] = set()
    for _ in range(60):
        answer = await server.ask("row12")
        assert len(answer.values) == 8
        seen.update(answer.values)
    assert seen == {f"192.0.2.{100 + number}" for number in range(10)}


async def test_row_13_a_check_that_nobody_knows_counts_as_healthy(server: World) -> None:
    server.down()
    statuses = {"us-b": server.server.forced.statuses["us-b"]}  # all others are gone
    server.server.forced = server.server.forced.with_statuses(statuses)
    assert await server.answers("row10") == {"192.0.2.21"}
