"""Aliases, their targets and their health, rule by rule of alias-trees.md §3.1 to §3.3, over UDP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import dns.rcode
import pytest
import pytest_asyncio

from r53lite.config.target_settings import TargetRule
from r53lite.dns.name import parse_name
from r53lite.errors import ZoneDataError
from tests.clients import until
from tests.route53.world import IRELAND, NOWHERE, Answer, World, make_server, policy_text, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

ETH = "evaluate_target_health: true"
CHAIN = "".join(
    f"\n  - {{name: deep{number}, type: A, alias: {{target: {target}}}}}"
    for number, target in enumerate(("plain", *(f"deep{number}" for number in range(1, 32))), 1)
)
RECORDS = f"""
  - {{name: plain, type: A, ttl: 77, values: [192.0.2.1, 192.0.2.2]}}
  - {{name: "@", type: A, alias: {{target: plain}}}}
  - {{name: to-group, type: A, alias: {{target: group, {ETH}}}}}
  - {{name: group, type: A, policy: weighted, ttl: 33, sets: [
      {{id: a, weight: 1, values: [192.0.2.3], health_check: a}},
      {{id: b, weight: 1, values: [192.0.2.4], health_check: b}}]}}
  - {{name: many, type: A, policy: multivalue, ttl: 12, sets: [
      {{id: a, values: [192.0.2.5], health_check: a}}, {{id: b, values: [192.0.2.6], health_check: b}}]}}
  - {{name: to-many, type: A, policy: failover, sets: [
      {{id: p, failover: primary, alias: {{target: many, {ETH}}}}},
      {{id: s, failover: secondary, ttl: 5, values: [192.0.2.9]}}]}}
  - {{name: cname, type: CNAME, ttl: 44, values: [plain]}}
  - {{name: to-cname, type: CNAME, alias: {{target: cname}}}}
  - {{name: mx, type: MX, ttl: 9, values: [10 mail]}}
  - {{name: to-mx, type: MX, alias: {{target: mx}}}}
  - {{name: sub, type: DS, ttl: 7, values: [1 13 2 {"AB" * 32}]}}
  - {{name: signed, type: NS, ttl: 9, values: [ns.sub]}}
  - {{name: signed, type: DS, alias: {{target: sub}}}}
  - {{name: "*.wild", type: A, alias: {{target: plain}}}}
  - {{name: sub, type: NS, ttl: 9, values: [ns.sub]}}
  - {{name: ns.sub, type: A, ttl: 9, values: [192.0.2.8]}}
  - {{name: dangling, type: A, alias: {{target: nowhere, {ETH}}}}}
  - {{name: wrong-type, type: AAAA, alias: {{target: plain}}}}
  - {{name: below-cut, type: A, alias: {{target: ns.sub}}}}
  - {{name: by-wildcard, type: A, alias: {{target: x.wild}}}}
  - {{name: backs-out, type: A, policy: failover, sets: [
      {{id: p, failover: primary, alias: {{target: nowhere, {ETH}}}}},
      {{id: s, failover: secondary, ttl: 5, values: [192.0.2.9]}}]}}
  - {{name: stays, type: A, policy: failover, sets: [
      {{id: p, failover: primary, health_check: a, alias: {{target: nowhere}}}},
      {{id: s, failover: secondary, ttl: 5, values: [192.0.2.9]}}]}}
  - {{name: checked, type: A, ttl: 8, values: [192.0.2.10], health_check: a}}
  - {{name: to-checked, type: A, policy: failover, sets: [
      {{id: p, failover: primary, alias: {{target: checked, {ETH}}}}},
      {{id: s, failover: secondary, ttl: 5, values: [192.0.2.9]}}]}}
  - {{name: europe, type: A, ttl: 9, policy: geolocation, sets: [
      {{id: eu, location: {{continent: EU}}, values: [192.0.2.11]}}]}}
  - {{name: to-europe, type: A, policy: failover, sets: [
      {{id: p, failover: primary, alias: {{target: europe, {ETH}}}}},
      {{id: s, failover: secondary, ttl: 5, values: [192.0.2.9]}}]}}
  - {{name: only-europe, type: A, alias: {{target: europe, {ETH}}}}}
  - {{name: redrawn, type: A, policy: weighted, sets: [
      {{id: w, weight: 200, alias: {{target: group, {ETH}}}}},
      {{id: v, weight: 1, ttl: 33, values: [192.0.2.12]}},
      {{id: z, weight: 0, ttl: 33, values: [192.0.2.13]}}]}}
  - {{name: no-data-loses, type: A, policy: failover, sets: [
      {{id: p, failover: primary, health_check: a, alias: {{target: europe, {ETH}}}}},
      {{id: s, failover: secondary, health_check: b, ttl: 5, values: [192.0.2.9]}}]}}
  - {{name: leaky, type: A, policy: weighted, sets: [
      {{id: good, weight: 1, ttl: 60, values: [192.0.2.14]}},
      {{id: gone, weight: 1, alias: {{target: nowhere}}}}]}}
  - {{name: to-leaky, type: A, policy: failover, sets: [
      {{id: p, failover: primary, alias: {{target: leaky, {ETH}}}}},
      {{id: s, failover: secondary, ttl: 5, values: [192.0.2.9], health_check: b}}]}}
  - {{name: lb, type: A, alias: {{target: lb-1.us-east-1.elb.amazonaws.com., {ETH}}}}}
  - {{name: lb, type: AAAA, alias: {{target: lb-1.us-east-1.elb.amazonaws.com., {ETH}}}}}
  - {{name: bucket, type: A, alias: {{target: s3-website-eu-west-1.amazonaws.com.}}}}
  - {{name: unmapped, type: A, alias: {{target: other.example.}}}}
  - {{name: lb-or-not, type: A, policy: failover, sets: [
      {{id: p, failover: primary, alias: {{target: gone.s3.amazonaws.com., {ETH}}}}},
      {{id: s, failover: secondary, ttl: 5, values: [192.0.2.9]}}]}}
{CHAIN}
"""
TARGETS = (
    TargetRule("*.elb.amazonaws.com", (bytes([192, 0, 2, 80]), bytes([192, 0, 2, 81]))),
    TargetRule("s3-website-*.amazonaws.com", (), (parse_name("plain.r.test."),)),
    TargetRule("*.s3.amazonaws.com", (), (parse_name("missing.r.test."),)),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    directory = tmp_path_factory.mktemp("aliases")
    async with running(directory, policy_text(RECORDS, ("a", "b")), TARGETS) as world:
        yield world


async def test_an_alias_at_the_apex_answers_with_its_targets_values_and_ttl(server: World) -> None:
    assert await server.ask("@") == Answer("NOERROR", ("192.0.2.1", "192.0.2.2"), 77, "A")


async def test_the_answer_shows_no_trace_of_the_alias(server: World) -> None:
    reply = await server.reply("to-group")
    assert [(str(rrset.name), rrset.rdtype) for rrset in reply.answer] == [("to-group.r.test.", 1)]


async def test_an_alias_answers_only_its_own_type(server: World) -> None:
    assert await server.answers("to-group", "AAAA", asks=3) == {"NODATA"}


async def test_an_alias_to_a_group_follows_its_policy_and_ttl(server: World) -> None:
    server.down()
    assert await server.answers("to-group") == {"192.0.2.3", "192.0.2.4"}
    assert (await server.ask("to-group")).ttl == 33


async def test_a_multivalue_group_may_be_a_target(server: World) -> None:
    server.down("b")
    assert await server.ask("to-many") == Answer("NOERROR", ("192.0.2.5",), 12, "A")
    server.down("a", "b")
    assert await server.ask("to-many") == Answer("NOERROR", ("192.0.2.9",), 5, "A")


async def test_an_alias_of_type_cname_returns_the_targets_cname(server: World) -> None:
    reply = await server.reply("to-cname")
    assert reply.answer[0].to_text() == "to-cname.r.test. 44 IN CNAME plain.r.test."
    assert reply.answer[-1].name.to_text() == "plain.r.test."


async def test_other_types_can_be_aliases(server: World) -> None:
    assert await server.ask("to-mx", "MX") == Answer("NOERROR", ("10 mail.r.test.",), 9, "MX")


async def test_ds_at_a_delegation_can_be_an_alias(server: World) -> None:
    assert await server.ask("signed", "DS") == Answer("NOERROR", ("1 13 2 " + "ab" * 32,), 7, "DS")
    reply = await server.reply("signed")
    assert (reply.answer, reply.authority[0].to_text()) == ([], "signed.r.test. 9 IN NS ns.sub.r.test.")


async def test_a_wildcard_can_be_an_alias(server: World) -> None:
    reply = await server.reply("any.wild")
    assert str(reply.answer[0].name) == "any.wild.r.test."
    assert reply.answer[0].ttl == 77


@pytest.mark.parametrize(
    ("name", "rrtype"), [("dangling", "A"), ("wrong-type", "AAAA"), ("below-cut", "A"), ("by-wildcard", "A")]
)
async def test_a_dangling_alias_is_servfail(server: World, name: str, rrtype: str) -> None:
    for _ in range(4):
        reply = await server.reply(name, rrtype)
        assert (reply.rcode(), reply.answer) == (dns.rcode.SERVFAIL, [])


async def test_a_dangling_alias_that_evaluates_health_backs_out(server: World) -> None:
    server.down()
    assert await server.answers("backs-out") == {"192.0.2.9"}


async def test_a_dangling_alias_that_does_not_evaluate_health_stays(server: World) -> None:
    server.down()
    assert await server.answers("stays") == {"SERVFAIL"}
    server.down("a")
    assert await server.answers("stays") == {"192.0.2.9"}


async def test_a_draw_of_a_dangling_alias_that_does_not_evaluate_health_makes_its_group_no_less_healthy(
    server: World,
) -> None:
    """What is drawn below an alias does not settle whether its target is healthy (§3.2)."""
    server.down("b")
    assert await server.answers("to-leaky") == {"192.0.2.14", "SERVFAIL"}
    server.down()
    assert await server.answers("to-leaky") == {"192.0.2.14", "SERVFAIL"}


async def test_health_of_a_simple_target_is_the_aliases_to_judge(server: World) -> None:
    server.down("a")
    assert await server.answers("checked") == {"192.0.2.10"}
    assert await server.answers("to-checked") == {"192.0.2.9"}


async def test_a_target_with_nothing_for_the_client_is_backed_out_of(server: World) -> None:
    server.down()
    assert await server.answers("to-europe", subnet=IRELAND) == {"192.0.2.11"}
    assert await server.answers("to-europe", subnet=NOWHERE) == {"192.0.2.9"}


async def test_a_target_with_nothing_for_the_client_and_no_sibling_is_nodata(server: World) -> None:
    assert await server.answers("only-europe", subnet=NOWHERE) == {"NODATA"}


async def test_a_weighted_alias_without_health_is_drawn_no_second_time(server: World) -> None:
    server.down("a", "b")
    assert await server.answers("redrawn") == {"192.0.2.12"}


async def test_in_the_last_resort_a_branch_without_data_loses_to_a_sibling(server: World) -> None:
    server.down("a", "b")
    assert await server.answers("no-data-loses", subnet=NOWHERE) == {"192.0.2.9"}
    assert await server.answers("no-data-loses", subnet=IRELAND) == {"192.0.2.11"}


async def test_an_alias_to_a_load_balancer_answers_its_addresses_with_ttl_60(server: World) -> None:
    assert await server.ask("lb") == Answer("NOERROR", ("192.0.2.80", "192.0.2.81"), 60, "A")


async def test_an_alias_to_a_load_balancer_without_such_addresses_is_nodata(server: World) -> None:
    assert await server.answers("lb", "AAAA") == {"NODATA"}


async def test_an_alias_to_a_name_that_the_server_resolves(server: World) -> None:
    await until(lambda: len(server.server.targets_table) == 4)
    assert await server.ask("bucket") == Answer("NOERROR", ("192.0.2.1", "192.0.2.2"), 60, "A")


async def test_an_outside_name_that_does_not_resolve_is_unusable(server: World) -> None:
    assert await server.answers("lb-or-not") == {"192.0.2.9"}
    assert await server.answers("unmapped") == {"SERVFAIL"}


async def test_thirty_two_aliases_in_a_row_are_followed(server: World) -> None:
    assert await server.ask("deep32") == Answer("NOERROR", ("192.0.2.1", "192.0.2.2"), 77, "A")


# --- what is refused ----------------------------------------------------------------------------------------


async def refused(directory: Path, records: str) -> list[str]:
    """Return the faults of a server that does not start, errors and warnings, as `line: reason`."""
    server = make_server(directory, policy_text(records, ()))
    with pytest.raises(ZoneDataError) as caught:
        await server.start()
    return [f"{fault.line}: {fault.reason}" for fault in caught.value.faults]


async def test_a_loop_is_refused_with_its_names(tmp_path: Path) -> None:
    records = """
  - {name: a, type: A, alias: {target: b}}
  - {name: b, type: A, policy: weighted, sets: [{id: x, weight: 1, alias: {target: c}}]}
  - {name: c, type: A, alias: {target: a}}
"""
    expected = "alias loop of type A: a.r.test. -> b.r.test. -> c.r.test. -> a.r.test."
    assert await refused(tmp_path, records) == [f"9: {expected}"]


async def test_an_alias_to_itself_is_a_loop(tmp_path: Path) -> None:
    records = "  - {name: a, type: A, alias: {target: a}}"
    assert await refused(tmp_path, records) == ["6: alias loop of type A: a.r.test. -> a.r.test."]


async def test_a_loop_of_two_types_is_none(tmp_path: Path) -> None:
    records = """
  - {name: a, type: A, ttl: 1, values: [192.0.2.1]}
  - {name: a, type: AAAA, alias: {target: b}}
  - {name: b, type: A, alias: {target: a}}
  - {name: b, type: AAAA, ttl: 1, values: ["2001:db8::1"]}
"""
    async with running(tmp_path, policy_text(records, ())) as world:
        assert (await world.ask("a", "AAAA")).values == ("2001:db8::1",)


async def test_thirty_three_aliases_in_a_row_are_refused(tmp_path: Path) -> None:
    records = "\n  - {name: plain, type: A, ttl: 1, values: [192.0.2.1]}" + CHAIN
    records += "\n  - {name: deep33, type: A, alias: {target: deep32}}"
    (fault,) = await refused(tmp_path, records)
    assert fault.endswith("more than 32 aliases in a row from 'deep33.r.test.' A; the limit is 32")


async def test_a_loop_of_a_thousand_aliases_is_refused(tmp_path: Path) -> None:
    records = "".join(
        f"\n  - {{name: a{number}, type: A, alias: {{target: a{(number + 1) % 1000}}}}}"
        for number in range(1000)
    )
    faults = await refused(tmp_path, records)
    assert any("alias loop of type A: a0.r.test. -> a1.r.test. -> " in fault for fault in faults)


async def test_only_addresses_can_lead_outside_the_zone(tmp_path: Path) -> None:
    records = "  - {name: a, type: TXT, alias: {target: b.example.}}"
    expected = "alias target 'b.example.' is outside the zone and of type TXT"
    assert await refused(tmp_path, records) == [f"6: {expected}; A and AAAA can lead outside the zone"]
