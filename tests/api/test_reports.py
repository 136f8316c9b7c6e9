"""Odds and explanations over HTTP: what is wrong with a question is said, and never a traceback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from r53lite.answering import odds_report
from r53lite.api import reports as api_reports
from r53lite.api.http import HttpPort
from r53lite.api.reports import Reports
from r53lite.health.table import HealthTable
from r53lite.routing import odds
from tests.routing.odds_cases import APEX
from tests.support import load_snapshot

ZONE = (
    f"zone: t.test\nrecords:\n{APEX}"
    "  - {name: w, type: A, ttl: 9, policy: weighted, sets: ["
    "{id: x, weight: 1, values: [192.0.2.1], health_check: a},"
    " {id: y, weight: 3, values: [192.0.2.2], health_check: b}]}\n"
    "health_checks:\n  a: {type: HTTP, ip: 127.0.0.1}\n  b: {type: HTTP, ip: 127.0.0.1}\n"
)


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    snapshot = load_snapshot(tmp_path, t_test_yaml=ZONE)
    return Reports(lambda: snapshot, HealthTable, lambda limit: limit - 1, lambda: 0.0)


@pytest.fixture
async def url(reports: Reports) -> AsyncIterator[str]:
    port = HttpPort("127.0.0.1", 0, ready=lambda: True, state=dict, extend=reports.add_routes)
    await port.start()
    yield f"http://127.0.0.1:{port.port}/r53lite/v1"
    await port.stop()


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json()


async def test_odds_of_a_stated_state_with_each_failure(url: str) -> None:
    status, shape = await get(f"{url}/odds?name=w.t.test&type=a&from=192.0.2.0/24&down=a&each_failure=1")

    assert status == 200
    assert (shape["client"], shape["health"]) == ("192.0.2.0/24", {"a": "unhealthy", "b": "healthy"})
    assert [answer["probability"] for answer in shape["answers"]] == ["1"]
    assert [failure["down"] for failure in shape["failures"]] == ["b"]


async def test_the_reason_of_one_answer(url: str) -> None:
    status, shape = await get(f"{url}/explain?name=w.t.test&region=eu-west-1")

    assert status == 200
    assert shape["location"] == {
        "region": "eu-west-1",
        "source": "stated region",
        "country": "IE",
        "continent": "EU",
        "coordinates": [53.35, -6.26],
    }
    assert shape["answer"]["values"] == ["192.0.2.2"]


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("type=A", 400, "missing"),
        ("name=w.t.test&nmae=x", 400, "unknown parameter 'nmae'"),
        ("name=w.t.test&name=x.t.test", 400, "parameter 'name' is there twice"),
        ("name=w..t.test", 400, "empty label"),
        ("name=w.t.test&type=AXFR", 400, "AXFR"),
        ("name=w.t.test&from=here", 400, "neither an IP address nor a network"),
        ("name=w.t.test&from=0.0.0.0/0", 400, "does not say where a client is"),
        ("name=w.t.test&region=eu-west-11", 400, "did you mean 'eu-west-1'?"),
        ("name=w.t.test&up=aa", 400, "did you mean 'a'?"),
        ("name=w.t.test&each_failure=perhaps", 400, "expected 1 or 0"),
        ("name=elsewhere.test", 404, "no zone holds 'elsewhere.test.'"),
    ],
)
async def test_what_is_wrong_with_a_question(url: str, query: str, status: int, word: str) -> None:
    found, shape = await get(f"{url}/odds?{query}")
    assert found == status
    assert word in shape["error"]


async def test_too_many_outcomes_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odds, "MAX_OUTCOMES", 1)
    monkeypatch.setattr(odds, "MAX_MERGED_OUTCOMES", 1)
    status, shape = await get(f"{url}/odds?name=w.t.test")
    assert (status, shape) == (422, {"error": "more than 1 outcomes"})


async def test_too_many_outcomes_of_all_failures_are_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(odds_report, "MAX_REPORT_OUTCOMES", 2)
    assert (await get(f"{url}/odds?name=w.t.test"))[0] == 200
    status, shape = await get(f"{url}/odds?name=w.t.test&each_failure=1")
    assert (status, shape) == (422, {"error": "more than 2 outcomes"})


async def test_who_asks_for_odds_does_not_hold_up_the_end_nor_other_questions(
    reports: Reports, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make_way() -> None:
        begun.set()
        assert go_on.wait(10)

    monkeypatch.setattr(api_reports, "make_way", make_way)
    asked = asyncio.create_task(get(f"{url}/odds?name=w.t.test"))
    assert await asyncio.to_thread(begun.wait, 10)
    waiting = asyncio.create_task(get(f"{url}/odds?name=w.t.test"))
    assert (await get(f"{url}/explain?name=w.t.test"))[0] == 200
    assert (await get(f"{url}/odds?name=w.t.test&type=none"))[0] == 400
    reports.close()
    go_on.set()
    assert await asked == (503, {"error": "the server stops"})
    assert (await waiting)[0] == 503
