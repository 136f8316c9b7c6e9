"""The shares of routing-policies.md §2.2 and §2.7, counted exactly over UDP.

Query n draws the number n modulo the limit, so as many queries as there are numbers draw each of them once:
the shares come out as whole counts, and nothing is left to luck.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from r53lite.answering.seeded import SeededDraw
from r53lite.server import runtime
from tests.route53.world import World, policy_text, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

ETH = "evaluate_target_health: true"
RECORDS = f"""
  - {{name: one-of-256, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 1, values: [192.0.2.1]}}, {{id: b, weight: 255, values: [192.0.2.2]}}]}}
  - {{name: fifths, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 10, values: [192.0.2.1], health_check: a}},
      {{id: b, weight: 20, values: [192.0.2.2], health_check: b}},
      {{id: c, weight: 20, values: [192.0.2.3], health_check: c}}]}}
  - {{name: zeros, type: A, ttl: 60, policy: weighted, sets: [
      {{id: a, weight: 0, values: [192.0.2.1]}},
      {{id: b, weight: 0, values: [192.0.2.2]}},
      {{id: c, weight: 0, values: [192.0.2.3]}}]}}
  - {{name: distinct, type: A, ttl: 60, policy: multivalue, sets: [
      {{id: a, values: [192.0.2.1]}},
      {{id: b, values: [192.0.2.2]}},
      {{id: c, values: [192.0.2.3], health_check: c}}]}}
  - {{name: equal, type: A, ttl: 60, policy: multivalue, sets: [
      {{id: a, values: [192.0.2.1]}},
      {{id: b, values: [192.0.2.2]}},
      {{id: c, values: [192.0.2.1], health_check: c}}]}}
  - {{name: aliases, type: A, policy: weighted, sets: [
      {{id: a, weight: 1, alias: {{target: only-a, {ETH}}}}},
      {{id: b, weight: 3, alias: {{target: only-b, {ETH}}}}},
      {{id: z, weight: 0, alias: {{target: only-c, {ETH}}}}}]}}
  - {{name: only-a, type: A, ttl: 60, values: [192.0.2.1], health_check: a}}
  - {{name: only-b, type: A, ttl: 60, values: [192.0.2.2], health_check: b}}
  - {{name: only-c, type: A, ttl: 60, values: [192.0.2.3], health_check: c}}
"""


class EveryDraw(SeededDraw):
    """Draws every number in turn, another one for each query."""

    def __call__(self, limit: int) -> int:
        """Return the number of the query at hand, modulo the limit."""
        return self.number % limit


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "SeededDraw", EveryDraw)
        async with running(tmp_path_factory.mktemp("shares"), policy_text(RECORDS, "abc")) as world:
            yield world


async def firsts(server: World, name: str, asks: int) -> dict[int, int]:
    """Ask as often as there are numbers to draw; count the last octet of each first record."""
    counts = Counter([(await server.reply(name)).answer[0][0].to_text() for _ in range(asks)])
    return {int(address.rpartition(".")[2]): count for address, count in counts.items()}


async def test_2_2_weights_1_and_255_are_one_in_256_and_the_rest(server: World) -> None:
    assert await firsts(server, "one-of-256", 256) == {1: 1, 2: 255}


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        pytest.param("", {1: 10, 2: 20, 3: 20}, id="all healthy"),
        pytest.param("c", {1: 10, 2: 20}, id="one third and two thirds"),
        pytest.param("ab", {3: 20}, id="one is left"),
        pytest.param("abc", {1: 10, 2: 20, 3: 20}, id="last resort: by weight again"),
    ],
)
async def test_2_2_shares_are_of_the_healthy_weights(
    server: World, down: str, expected: dict[int, int]
) -> None:
    server.down(*down)
    assert await firsts(server, "fifths", sum(expected.values())) == expected


async def test_2_2_all_weights_zero_share_evenly(server: World) -> None:
    assert await firsts(server, "zeros", 30) == {1: 10, 2: 10, 3: 10}


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        pytest.param("c", {1: 1, 2: 3}, id="healthy ones"),
        pytest.param("ab", {3: 4}, id="weight 0 takes over"),
        pytest.param("abc", {1: 1, 2: 3}, id="last resort: those with a weight"),
    ],
)
async def test_2_2_weighted_aliases_follow_the_same_rules(
    server: World, down: str, expected: dict[int, int]
) -> None:
    server.down(*down)
    assert await firsts(server, "aliases", 4) == expected


async def test_2_7_the_first_record_is_uniform_over_the_healthy_sets(server: World) -> None:
    server.down()
    assert await firsts(server, "distinct", 6) == {1: 2, 2: 2, 3: 2}
    server.down("c")
    assert await firsts(server, "distinct", 6) == {1: 3, 2: 3}


async def test_2_7_the_first_record_is_uniform_over_sets_where_values_are_equal(server: World) -> None:
    """A value that two sets have comes first twice as often, though it appears once."""
    server.down()
    assert await firsts(server, "equal", 6) == {1: 4, 2: 2}
    assert (await server.ask("equal")).values == ("192.0.2.1", "192.0.2.2")
    server.down("c")
    assert await firsts(server, "equal", 6) == {1: 3, 2: 3}
