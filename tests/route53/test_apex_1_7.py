"""The apex SOA and NS must stay (records-and-changes.md §1.7): at the start and under a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.errors import ZoneDataError
from tests.route53.world import APEX, Answer, make_server, policy_text, running

_, SOA, NS, HOST = APEX.splitlines(keepends=True)
PLAIN = "  - {name: plain, type: A, ttl: 1, values: [192.0.2.1]}\n"
NO_SOA = "zone has no SOA record"
NO_NS = "zone 'r.test.' has no NS record at its apex (RFC 1034 §4.2.1)"


def without(*records: str) -> str:
    """Return the policy file without some of its records."""
    text = policy_text(PLAIN, ())
    for record in records:
        text = text.replace(record, "")
    return text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(without(SOA), [f"0: {NO_SOA}"], id="no SOA"),
        pytest.param(without(NS), [f"3: {NO_NS}"], id="no NS: the line of the SOA"),
        pytest.param(without(SOA, NS), [f"0: {NO_NS}", f"0: {NO_SOA}"], id="neither"),
        pytest.param(
            without().replace(SOA, SOA.replace('"@"', "sub")),
            ["3: SOA owner 'sub.r.test.' is not the zone 'r.test.'"],
            id="the SOA of another name",
        ),
        pytest.param(
            without().replace(NS, NS.replace('"@"', "sub")), [f"3: {NO_NS}"], id="the NS of another name"
        ),
    ],
)
async def test_1_7_a_zone_without_its_apex_records_is_refused(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    server = make_server(tmp_path, text)

    with pytest.raises(ZoneDataError) as caught:
        await server.start()

    faults = [f"{fault.line}: {fault.reason}" for fault in caught.value.faults if fault.is_error]
    assert sorted(faults) == expected
    assert server.endpoints == []


@pytest.mark.parametrize("record", [SOA, NS], ids=["SOA", "NS"])
async def test_1_7_a_running_zone_keeps_its_apex_records(tmp_path: Path, record: str) -> None:
    async with running(tmp_path, without()) as world:
        (tmp_path / "r.test.yaml").write_text(without(record, PLAIN), encoding="utf-8")
        report = await world.server.reload()
        assert report.is_refused
        assert (await world.ask("plain")).values == ("192.0.2.1",)
        assert (await world.ask("@", "NS")).values == ("ns1.r.test.",)
        assert (await world.ask("@", "SOA")).rrtype == "SOA"


async def test_1_7_the_apex_records_may_change(tmp_path: Path) -> None:
    async with running(tmp_path, without()) as world:
        text = without().replace("values: [ns1]", "values: [ns1, ns.example.]").replace("7200", "7201")
        (tmp_path / "r.test.yaml").write_text(text, encoding="utf-8")
        assert not (await world.server.reload()).is_refused
        assert await world.ask("@", "NS") == Answer("NOERROR", ("ns.example.", "ns1.r.test."), 900, "NS")
        (soa,) = (await world.ask("@", "SOA")).values
        assert soa == "ns1.r.test. admin.r.test. 1 7201 900 1209600 300"
