"""How does a program ask a running server for odds and explanations?

`GET /r53lite/v1/odds` and `GET /r53lite/v1/explain`, with the parameters `name`, `type` (A), `from`
(127.0.0.1), `region`, `down` and `up` (ids with commas between, or repeated); odds also take `each_failure`.
The health state is the published one, but for what is stated. 400 tells what is wrong with a question, 404
that no zone holds the name, 422 that there are too many outcomes, 503 that the server stops.

Odds are made one after the other, in a thread: those of thousands of outcomes take seconds. Answers do not
wait for them, because the thread makes way every millisecond, nor does the end of the process.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from functools import partial

from aiohttp import web

from r53lite.answering.asking import DEFAULT_CLIENT, Ask, AskError, NotOurNameError, parse_ask, stated_health
from r53lite.answering.explain_report import report_explanation
from r53lite.answering.odds_report import report_odds
from r53lite.control.quiet import make_way
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

TURN_S = 0.001  # our choice: so long a batch of queries may wait for the thread that makes odds

Shape = dict[str, object]


class _ClosedError(Exception):
    """The server stops. Never leaves this module."""


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
        self._is_closed = False
        self._made_way_at = 0.0

    def close(self) -> None:
        """Give up what is being made, and make no more."""
        self._is_closed = True

    def add_routes(self, app: web.Application) -> None:
        """Add the two reports to an application."""
        app.router.add_get(ODDS_PATH, self._handle_odds)
        app.router.add_get(EXPLAIN_PATH, self._handle_explain)

    async def _handle_odds(self, request: web.Request) -> web.Response:
        return await _answer(self._odds(request))

    async def _handle_explain(self, request: web.Request) -> web.Response:
        return await _answer(self._explain(request))

    async def _odds(self, request: web.Request) -> Shape:
        """Make odds, when those asked for before are made."""
        is_each_failure = "each_failure" in request.query and _flag(request, "each_failure")
        self._read(request, _ODDS_PARAMETERS)  # what is wrong with a question is told at once
        async with self._turn:
            ask, snapshot, health = self._read(request, _ODDS_PARAMETERS)
            make = partial(report_odds, is_each_failure=is_each_failure, pause=self._pause)
            return await asyncio.to_thread(make, snapshot, ask, health, self._targets())

    async def _explain(self, request: web.Request) -> Shape:
        """Make an explanation: one walk, so it waits for no odds."""
        ask, snapshot, health = self._read(request, _PARAMETERS)
        return await asyncio.to_thread(
            report_explanation, snapshot, ask, health, self._draw, self._clock(), self._targets()
        )

    def _pause(self) -> None:
        """Let the event loop run, in the thread that makes odds.

        Raises:
            _ClosedError: the server stops.
        """
        if self._is_closed:
            raise _ClosedError
        now = time.perf_counter()
        if now - self._made_way_at > TURN_S:
            make_way()
            self._made_way_at = time.perf_counter()

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


async def _answer(report: Coroutine[None, None, Shape]) -> web.Response:
    """Answer with a report, or with what is wrong with the question."""
    try:
        return web.json_response(await report)
    except AskError as error:
        return web.json_response({"error": str(error)}, status=400)
    except NotOurNameError as error:
        return web.json_response({"error": str(error)}, status=404)
    except TooManyOutcomesError as error:
        return web.json_response({"error": str(error)}, status=422)
    except _ClosedError:
        return web.json_response({"error": "the server stops"}, status=503)


def _flag(request: web.Request, name: str) -> bool:
    text = request.query[name].lower()
    if text not in _FLAGS:
        raise AskError(f"{name} is {text!r}; expected 1 or 0")
    return _FLAGS[text]
