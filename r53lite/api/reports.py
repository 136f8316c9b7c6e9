"""How does a program ask a running server for odds and explanations?

`GET /r53lite/v1/odds` and `GET /r53lite/v1/explain`, with the parameters `name`, `type` (A), `from`
(127.0.0.1), `region`, `down` and `up` (ids with commas between, or repeated); odds also take `each_failure`.
The health state is the published one, but for what is stated. 400 tells what is wrong with a question, 404
that no zone holds the name, 422 that there are too many outcomes. Reports are made one after the other, off
the event loop: odds of thousands of outcomes take seconds, and answers do not wait for them.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from aiohttp import web

from r53lite.answering.asking import DEFAULT_CLIENT, Ask, AskError, NotOurNameError, parse_ask, stated_health
from r53lite.answering.explain_report import report_explanation
from r53lite.answering.odds_report import report_odds
from r53lite.control.snapshot import Snapshot
from r53lite.health.table import HealthTable
from r53lite.routing.context import NO_TARGETS, TargetView
from r53lite.routing.odds import TooManyOutcomesError

ODDS_PATH = "/r53lite/v1/odds"
EXPLAIN_PATH = "/r53lite/v1/explain"
_PARAMETERS = frozenset(("name", "type", "from", "region", "down", "up"))
_ODDS_PARAMETERS = _PARAMETERS | {"each_failure"}
_LISTS = {"down", "up"}
_FLAGS = {"": True, "1": True, "true": True, "0": False, "false": False}

Report = Callable[[web.Request], dict[str, object]]


class Reports:
    """Odds and explanations of one server.

    Args:
        snapshot: returns what is served now.
        health: returns the published health table.
        draw: a whole number from 0 to n-1, uniform, for the answers that are explained.
        clock: monotonic seconds, for the age of a status.
        targets: returns the addresses of outside names.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Callable[[], HealthTable],
        draw: Callable[[int], int] = random.randrange,
        clock: Callable[[], float] = time.monotonic,
        targets: Callable[[], TargetView] = lambda: NO_TARGETS,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._draw = draw
        self._clock = clock
        self._targets = targets
        self._turn = asyncio.Lock()

    def add_routes(self, app: web.Application) -> None:
        """Add the two reports to an application."""
        app.router.add_get(ODDS_PATH, self._handle_odds)
        app.router.add_get(EXPLAIN_PATH, self._handle_explain)

    async def _handle_odds(self, request: web.Request) -> web.Response:
        return await self._answer(self._odds, request)

    async def _handle_explain(self, request: web.Request) -> web.Response:
        return await self._answer(self._explain, request)

    def _odds(self, request: web.Request) -> dict[str, object]:
        ask, snapshot, health = self._read(request, _ODDS_PARAMETERS)
        is_each_failure = "each_failure" in request.query and _flag(request, "each_failure")
        return report_odds(snapshot, ask, health, self._targets(), is_each_failure=is_each_failure)

    def _explain(self, request: web.Request) -> dict[str, object]:
        ask, snapshot, health = self._read(request, _PARAMETERS)
        return report_explanation(snapshot, ask, health, self._draw, self._clock(), self._targets())

    def _read(self, request: web.Request, allowed: frozenset[str]) -> tuple[Ask, Snapshot, HealthTable]:
        """Read the parameters of a question; all that follows sees one snapshot and one table."""
        query = request.query
        unknown = sorted(set(query) - allowed)
        if unknown:
            raise AskError(f"unknown parameter {unknown[0]!r}; expected {', '.join(sorted(allowed))}")
        repeated = sorted(one for one in set(query) - _LISTS if len(query.getall(one)) > 1)
        if repeated:
            raise AskError(f"parameter {repeated[0]!r} is there twice")
        if "name" not in query:
            raise AskError("the parameter 'name' is missing")
        ask = parse_ask(
            query["name"],
            query.get("type", "A"),
            query.get("from", DEFAULT_CLIENT),
            query.get("region"),
            query.getall("down", []),
            query.getall("up", []),
        )
        snapshot = self._snapshot()
        return ask, snapshot, stated_health(ask, snapshot, self._health())

    async def _answer(self, report: Report, request: web.Request) -> web.Response:
        """Answer with a report, or with what is wrong with the question."""
        try:
            async with self._turn:
                return web.json_response(await asyncio.to_thread(report, request))
        except AskError as error:
            return web.json_response({"error": str(error)}, status=400)
        except NotOurNameError as error:
            return web.json_response({"error": str(error)}, status=404)
        except TooManyOutcomesError as error:
            return web.json_response({"error": str(error)}, status=422)


def _flag(request: web.Request, name: str) -> bool:
    text = request.query[name].lower()
    if text not in _FLAGS:
        raise AskError(f"{name} is {text!r}; expected 1 or 0")
    return _FLAGS[text]
