"""The odds are exact: known fractions, sums, and what really is drawn."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest

from r53lite.answering import odds_report
from r53lite.answering.authoritative import Result
from r53lite.answering.odds_report import Odds, odds_of
from r53lite.dns.name import parse_name
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rrtypes import A, parse_rrtype
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.routing.context import UNKNOWN, ClientLocation, Context
from r53lite.routing.odds import (
    Outcome,
    Situation,
    TooManyOutcomesError,
    merged_outcomes,
    outcomes,
)
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.registry import select
from tests.routing.odds_cases import APEX, check_group, check_group_over_udp, group_at, make_world
from tests.statistics import chi_square_tail, p_value
from tests.support import load_snapshot

GROUPS_IN_CI = 25  # `make soak` takes 200
GROUPS_OVER_UDP = 10
DRAWS_OVER_UDP = 2000  # `make soak` takes 20,000
ONE = Fraction(1)


def odds(directory: Path, records: str, name: str = "w", *down: str, rrtype: str = "A") -> Odds:
    """Return the odds of a name of a zone with some records; checks a, b, c, d exist."""
    checks = "".join(f"  {check}: {{type: HTTP, ip: 127.0.0.1}}\n" for check in "abcd")
    text = f"zone: t.test\nrecords:\n{APEX}{records}\nhealth_checks:\n{checks}"
    snapshot = load_snapshot(directory, t_test_yaml=text)
    health = HealthTable({check: HealthStatus(False, "", 1, 0.0, None) for check in down})
    return odds_of(
        snapshot, parse_name(f"{name}.t.test"), parse_rrtype(rrtype), Situation(health, ClientLocation())
    )


def weighted(*sets: str, ttl: int = 9) -> str:
    lines = "".join(f"      - {{{one}}}\n" for one in sets)
    return f"  - name: w\n    type: A\n    ttl: {ttl}\n    policy: weighted\n    sets:\n{lines}"


def multivalue(count: int, checked: int = 0) -> str:
    lines = ""
    for number in range(count):
        check = ", health_check: a" if number < checked else ""
        lines += f"      - {{id: s{number}, values: [192.0.2.{number}]{check}}}\n"
    return f"  - name: w\n    type: A\n    ttl: 9\n    policy: multivalue\n    sets:\n{lines}"


def by_path(found: Odds) -> dict[str, Fraction]:
    return {"+".join(share.answered.path): share.probability for share in found.shares}


def test_weights_1_and_255_give_exactly_their_share(tmp_path: Path) -> None:
    found = odds(
        tmp_path,
        weighted("id: a, weight: 1, values: [192.0.2.1]", "id: b, weight: 255, values: [192.0.2.2]"),
    )

    assert by_path(found) == {"a": Fraction(1, 256), "b": Fraction(255, 256)}
    assert [share.answered.ttl for share in found.shares] == [9, 9]


def test_routing_policies_2_2_10_20_20_with_the_third_unhealthy(tmp_path: Path) -> None:
    sets = (
        "id: a, weight: 10, values: [192.0.2.1], health_check: a",
        "id: b, weight: 20, values: [192.0.2.2], health_check: b",
        "id: c, weight: 20, values: [192.0.2.3], health_check: c",
    )

    assert by_path(odds(tmp_path, weighted(*sets), "w", "c")) == {"a": Fraction(1, 3), "b": Fraction(2, 3)}


def test_alias_trees_3_4_row_10_the_zero_weight_takes_over(tmp_path: Path) -> None:
    sets = (
        "id: ten, weight: 10, values: [192.0.2.1], health_check: a",
        "id: zero, weight: 0, values: [192.0.2.2], health_check: b",
    )
    assert by_path(odds(tmp_path, weighted(*sets), "w", "a")) == {"zero": Fraction(1)}
    both = odds(tmp_path, weighted(*sets), "w", "a", "b")
    assert by_path(both) == {"ten": Fraction(1)}
    assert both.shares[0].dead == {"a"}


def test_all_weights_zero_are_even(tmp_path: Path) -> None:
    sets = [f"id: s{number}, weight: 0, values: [192.0.2.{number}]" for number in range(3)]
    assert set(by_path(odds(tmp_path, weighted(*sets))).values()) == {Fraction(1, 3)}


def test_equal_answers_of_a_path_are_merged_and_others_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last resort draws again where chance gave `maybe` no data, so that `a` and `b` are reached by two
    ways each; they are of one value, and of unlike weights.
    """
    sets = (
        "id: a, weight: 1, ttl: 9, values: [192.0.2.1], health_check: a",
        "id: b, weight: 3, ttl: 9, values: [192.0.2.1], health_check: b",
        "id: maybe, weight: 4, alias: {target: m}, health_check: c",
    )
    below = (
        "  - {name: m, type: A, policy: weighted, sets: [{id: gone, weight: 1, alias: {target: nowhere}},"
        " {id: there, weight: 1, ttl: 9, values: [192.0.2.2]}]}\n"
    )
    walked: list[list[Outcome[Result]]] = []

    def walk(
        run: Callable[[Context], Result], situation: Situation, pause: Callable[[], object]
    ) -> list[Outcome[Result]]:
        walked.append(outcomes(run, situation, pause=pause))
        return walked[-1]

    monkeypatch.setattr(odds_report, "outcomes", walk)
    records = weighted(*sets).replace("    ttl: 9\n", "", 1) + below
    found = odds(tmp_path, records, "w", "a", "b", "c")
    assert by_path(found) == {
        "a": Fraction(3, 16),
        "b": Fraction(9, 16),
        "maybe+there": Fraction(1, 4),
    }
    assert {share.answered.path: share.dead for share in found.shares} == {
        ("a",): {"a"},
        ("b",): {"b"},
        ("maybe", "there"): {"c"},
    }
    assert [len(found) for found in walked] == [5]


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_multivalue_answer_of_all_is_one_outcome_whatever_its_order(tmp_path: Path, count: int) -> None:
    (share,) = odds(tmp_path, multivalue(count)).shares
    assert (share.probability, len(share.answered.values)) == (ONE, count)


@pytest.mark.parametrize("count", [9, 10])
def test_few_samples_are_listed(tmp_path: Path, count: int) -> None:
    found = odds(tmp_path, multivalue(count))
    assert not found.samples
    assert len(found.shares) == comb(count, 8)
    assert {share.probability for share in found.shares} == {Fraction(1, comb(count, 8))}


def test_of_many_samples_each_value_has_its_marginal(tmp_path: Path) -> None:
    found = odds(tmp_path, multivalue(12))
    (sample,) = found.samples
    assert (sample.among, sample.wanted, sample.probability) == (12, 8, ONE)
    assert len(found.shares) == 12
    assert all(share.is_marginal and share.probability == Fraction(2, 3) for share in found.shares)


def test_a_value_of_two_sampled_sets_is_there_if_either_is(tmp_path: Path) -> None:
    records = multivalue(13).replace("192.0.2.1]", "192.0.2.0]")
    found = odds(tmp_path, records)
    total: dict[bytes, Fraction] = {}
    for share in found.shares:
        for value in share.answered.values:
            total[value] = total.get(value, Fraction()) + share.probability
    assert set(total.values()) == {Fraction(8, 13), 1 - Fraction(comb(11, 8), comb(13, 8))}


def test_two_ways_of_equal_probability_to_one_sampled_group_are_two_samples(tmp_path: Path) -> None:
    """Each of the halves takes eight of the twelve."""
    records = multivalue(12).replace("name: w", "name: pool")
    records += weighted("id: x, weight: 1, alias: {target: pool}", "id: y, weight: 1, alias: {target: pool}")
    found = odds(tmp_path, records.replace("    ttl: 9\n    policy: weighted", "    policy: weighted"))
    assert [(one.among, one.wanted, one.probability) for one in found.samples] == [
        (12, 8, Fraction(1, 2))
    ] * 2
    assert {share.answered.path[0] for share in found.shares} == {"x", "y"}
    assert len(found.shares) == 24
    assert all(share.is_marginal and share.probability == Fraction(1, 3) for share in found.shares)


def test_unhealthy_members_are_not_sampled(tmp_path: Path) -> None:
    found = odds(tmp_path, multivalue(12, checked=2), "w", "a")
    assert len(found.shares) == comb(10, 8)
    assert {len(share.answered.values) for share in found.shares} == {8}


def test_a_plain_name_has_one_answer_without_a_path(tmp_path: Path) -> None:
    (share,) = odds(tmp_path, "", "ns").shares
    assert (share.probability, share.answered.path, share.answered.ttl) == (ONE, (), 60)


def test_a_missing_name_and_a_missing_type_have_one_empty_answer(tmp_path: Path) -> None:
    for name, rrtype, rcode in (("gone", "A", 3), ("ns", "TXT", 0)):
        (share,) = odds(tmp_path, "", name, rrtype=rrtype).shares
        assert (share.probability, share.answered.values, share.answered.rcode) == (ONE, (), rcode)


def test_a_cname_group_is_followed_and_its_path_stands_in_front(tmp_path: Path) -> None:
    records = weighted("id: a, weight: 1, values: [192.0.2.1]", "id: b, weight: 3, values: [192.0.2.2]") + (
        "  - name: start\n    type: CNAME\n    ttl: 5\n    policy: weighted\n    sets:\n"
        "      - {id: here, weight: 1, values: [w]}\n"
        "      - {id: away, weight: 1, values: [elsewhere.test.]}\n"
    )
    found = odds(tmp_path, records, "start")
    assert by_path(found) == {"here+a": Fraction(1, 8), "here+b": Fraction(3, 8), "away": Fraction(1, 2)}
    (away,) = [share.answered for share in found.shares if share.answered.path == ("away",)]
    assert (away.values, away.leaving) == ((), parse_name("elsewhere.test"))


def test_weighted_aliases_that_are_all_down_do_not_multiply_the_outcomes(tmp_path: Path) -> None:
    leaf = (
        "  - {name: leaf, type: A, ttl: 9, policy: weighted,"
        " sets: [{id: x, weight: 1, values: [192.0.2.1], health_check: a}]}\n"
    )
    target = "alias: {target: leaf, evaluate_target_health: true}"
    aliases = [f"id: s{number}, weight: {number + 1}, {target}" for number in range(20)]
    records = weighted(*aliases, "id: last, weight: 7, ttl: 9, values: [192.0.2.2]").replace(
        "    ttl: 9\n", ""
    )

    assert by_path(odds(tmp_path, leaf + records, "w", "a")) == {"last": Fraction(1)}
    assert len(odds(tmp_path, leaf + records, "w").shares) == 21


def test_survival_is_judged_by_the_targets_answered(tmp_path: Path) -> None:
    alone = weighted("id: a, weight: 1, values: [192.0.2.1], health_check: a")
    healthy = odds(tmp_path, alone, "w")
    assert odds(tmp_path, alone, "w", "a").why_lost(healthy) == "a target that is down is answered"
    assert healthy.why_lost(healthy) is None


def test_a_failure_after_which_nothing_is_answered_is_not_survived(tmp_path: Path) -> None:
    gone = weighted(
        "id: a, weight: 1, ttl: 9, values: [192.0.2.1], health_check: a",
        "id: b, weight: 0, alias: {target: nowhere}",
    ).replace("    ttl: 9\n", "")
    healthy, failing = odds(tmp_path, gone, "w"), odds(tmp_path, gone, "w", "a")
    assert (healthy.nothing, failing.nothing) == (Fraction(0), Fraction(1))
    assert failing.why_lost(healthy) == "nothing is left to answer"
    assert failing.why_lost(failing) is None


def test_values_are_shown_as_text(tmp_path: Path) -> None:
    (share,) = odds(tmp_path, "", "ns").shares
    assert [format_rdata(share.answered.rrtype, value) for value in share.answered.values] == ["127.0.0.1"]


@pytest.mark.parametrize("number", range(GROUPS_IN_CI))
def test_what_is_drawn_agrees_with_the_odds(tmp_path: Path, number: int) -> None:
    world = make_world(5300 + number, tmp_path, 5, 5 * (number % 2))
    check_group(world, world.names[-1], 42 + number)


async def test_what_is_answered_over_udp_agrees_with_the_odds(tmp_path: Path) -> None:
    world = make_world(53, tmp_path, 5, 5)
    assert len(world.names) == GROUPS_OVER_UDP
    for number, name in enumerate(world.names):
        await check_group_over_udp(world, name, number, DRAWS_OVER_UDP)


# --- the judge itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statistic", "degrees", "tail"),
    [
        (3.841459, 1, 0.05),
        (11.0705, 5, 0.05),
        (10.8276, 1, 0.001),
        (124.342, 100, 0.05),
        (61.0983, 100, 0.9992),
    ],
)
def test_the_tail_of_chi_square_is_that_of_the_tables(statistic: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(tail, rel=1e-3)


def test_counts_that_do_not_fit_are_told_from_those_that_do() -> None:
    expected = {"a": 5000.0, "b": 5000.0}
    assert p_value({"a": 5040, "b": 4960}, expected) > 0.1
    assert p_value({"a": 5400, "b": 4600}, expected) < 1e-9
    assert p_value({"a": 9999, "c": 1}, expected) == 0


@pytest.mark.parametrize("down", ["", "c"])
def test_sets_without_data_are_drawn_no_more_often_than_their_answer_needs(tmp_path: Path, down: str) -> None:
    """Thirty aliases to groups without a set for the client: 30! orders of drawing, thirty answers."""
    names = [f"g{number}" for number in range(30)]
    records = "".join(
        f"  - {{name: {name}, type: A, ttl: 9, policy: geolocation, sets: ["
        "{id: eu, location: {continent: EU}, values: [192.0.2.1]}]}\n"
        for name in names
    )
    sets = ", ".join(
        f"{{id: {name}, weight: 1, alias: {{target: {name}, evaluate_target_health: true}}}}"
        for name in names
    )
    plain = "{id: plain, weight: 3, ttl: 9, values: [192.0.2.9], health_check: c}"
    records += f"  - {{name: none, type: A, policy: weighted, sets: [{sets}]}}\n"
    records += f"  - {{name: some, type: A, policy: weighted, sets: [{sets}, {plain}]}}\n"
    checks = "health_checks:\n  c: {type: HTTP, ip: 127.0.0.1}\n"
    snapshot = load_snapshot(tmp_path, t_test_yaml=f"zone: t.test\nrecords:\n{APEX}{records}{checks}")
    situation = Situation(
        HealthTable({check: HealthStatus(False, "", 1, 0.0, None) for check in down}), UNKNOWN
    )

    nothing = odds_of(snapshot, parse_name("none.t.test"), A, situation)
    assert {share.answered.path for share in nothing.shares} == {(name,) for name in names}
    assert {(share.probability, share.answered.values) for share in nothing.shares} == {(Fraction(1, 30), ())}
    (answer,) = odds_of(snapshot, parse_name("some.t.test"), A, situation).shares
    assert answer.answered.path == ("plain",)
    assert answer.probability == 1


@pytest.mark.parametrize("seed", range(60))
def test_merged_outcomes_have_the_same_chances(seed: int, tmp_path: Path) -> None:
    """What aliases lead to, gone through once, comes to the same as every way through the tree."""
    world = make_world(seed, tmp_path, leaves=5, trees=5)
    for name in world.names:
        group = group_at(world, name)

        def run(context: Context, group: RecordSetGroup = group) -> tuple[object, ...]:
            found = select(group, context)
            return found.ttl, found.rdatas, found.chosen, found.is_usable, context.scope_prefix_len

        try:
            whole = outcomes(run, world.situation, limit=3000)
            merged = merged_outcomes(run, world.situation)
        except TooManyOutcomesError:
            continue
        assert chances(merged) == chances(whole), name
        assert len(merged) <= len(whole)


def chances(found: list[Outcome[tuple[object, ...]]]) -> dict[tuple[object, ...], Fraction]:
    """Return the probability of each value."""
    total: dict[tuple[object, ...], Fraction] = {}
    for outcome in found:
        total[outcome.value] = total.get(outcome.value, Fraction()) + outcome.probability
    return total


def test_a_tree_of_a_million_ways_has_exact_odds(tmp_path: Path) -> None:
    """Three levels of forty by forty by forty are 64,000 ways to forty answers."""

    def level(name: str, target: str) -> str:
        sets = ", ".join(
            f"{{id: s{n}, weight: {n + 1}, alias: {{target: {target}, evaluate_target_health: true}}}}"
            for n in range(40)
        )
        return f"  - {{name: {name}, type: A, policy: weighted, sets: [{sets}]}}\n"

    sets = ", ".join(f"{{id: s{n}, weight: {n + 1}, values: [192.0.2.{n}]}}" for n in range(40))
    leaf = f"  - {{name: c, type: A, ttl: 9, policy: weighted, sets: [{sets}]}}\n"
    zone = f"zone: t.test\nrecords:\n{APEX}{level('a', 'b')}{level('b', 'c')}{leaf}"
    snapshot = load_snapshot(tmp_path, t_test_yaml=zone)
    odds = odds_of(snapshot, parse_name("a.t.test"), A, Situation(HealthTable(), UNKNOWN))
    assert odds.is_merged
    assert {(share.answered.values, share.probability) for share in odds.shares} == {
        ((bytes([192, 0, 2, n]),), Fraction(n + 1, 820)) for n in range(40)
    }
    assert {share.answered.path for share in odds.shares} == {()}
