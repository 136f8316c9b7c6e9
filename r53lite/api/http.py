"""How do programs see over HTTP whether a server is well, and tell it to reload? In JSON.

`GET /healthz` tells the state. `POST /r53lite/v1/reload` loads the zone files that changed and answers when
that is over: 200 with a report, or 422 where the change was refused, with the faults.

`HttpListener` binds any aiohttp application to one address and ends it quickly; `HttpPort` is the server's
own HTTP port on top of it. Every response of `HttpPort`, errors included, is JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

SHUTDOWN_LIMIT_S = 0.2  # our choice: handlers never wait, and Ctrl-C is to end a process within 2 s
KEEPALIVE_S = 15.0  # our choice: idle connections of scripts and probes go soon

RELOAD_PATH = "/r53lite/v1/reload"

logger = logging.getLogger("r53lite.api")


class HttpListener:
    """An aiohttp application on one address and port.

    Args:
        app: what answers.
        address: the address to bind.
        port: the port to bind; 0 lets the system choose, `port` then tells which.
    """

    def __init__(self, app: web.Application, address: str, port: int) -> None:
        self.address = address
        self.port = port
        self._app = app
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            OSError: the address cannot be bound; nothing is left open.
        """
        runner = web.AppRunner(
            self._app, access_log=None, shutdown_timeout=SHUTDOWN_LIMIT_S, keepalive_timeout=KEEPALIVE_S
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self.address, self.port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self.port = int(runner.addresses[0][1])
        self._runner = runner

    async def stop(self) -> None:
        """Close the port and every connection; requests under way get `SHUTDOWN_LIMIT_S` to end."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


class HttpPort:
    """The HTTP port of a server.

    Args:
        address: the address to bind. port: the port to bind; 0 lets the system choose. ready: says whether
        every socket answers and every first probe is under way. state: facts for `/healthz`, JSON values:
        `zones` (a count) and `health_checks` (id → `healthy`, `reason`). reload: loads what changed and
        returns a report whose `status` is `ok` or `refused`; None where there is nothing to reload. extend:
        adds routes.
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        ready: Callable[[], bool],
        state: Callable[[], dict[str, object]],
        extend: Callable[[web.Application], None] | None = None,
        reload: Callable[[], Awaitable[dict[str, object]]] | None = None,
    ) -> None:
        self._ready = ready
        self._state = state
        self._reload = reload
        app = web.Application(middlewares=[_answer_errors_in_json])
        app.router.add_get("/healthz", self._handle_healthz)
        if extend is not None:
            extend(app)
        if reload is not None:
            app.router.add_post(RELOAD_PATH, self._handle_reload)
        self._listener = HttpListener(app, address, port)

    @property
    def port(self) -> int:
        """The port that is bound, or was asked for before `start`."""
        return self._listener.port

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            OSError: the address cannot be bound.
        """
        await self._listener.start()

    async def stop(self) -> None:
        """Close the port and every connection."""
        await self._listener.stop()

    async def _handle_healthz(self, _request: web.Request) -> web.Response:
        if not self._ready():
            return web.json_response({"status": "starting"}, status=503)
        return web.json_response({"status": "ok", **self._state()})

    async def _handle_reload(self, _request: web.Request) -> web.Response:
        if not self._ready() or self._reload is None:
            return web.json_response({"status": "starting"}, status=503)
        report = await self._reload()
        return web.json_response(report, status=422 if report["status"] == "refused" else 200)


@web.middleware
async def _answer_errors_in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None  # RFC 9110 §15.5.6
        return web.json_response({"error": error.reason}, status=error.status, headers=headers)
    except Exception:  # the boundary of one request: a bug in it must not end the connection unanswered
        logger.exception("http request %s %r raised", request.method, request.path)
        return web.json_response({"error": "Internal Server Error"}, status=500)
