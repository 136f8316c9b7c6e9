"""What do the lab's policies send clients to? Small web servers that can be told to be down.

`GET /` says the name. `GET /health` answers 200, and 503 from `POST /down` until `POST /up`: the server
itself stays reachable, so that the same curl brings it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiohttp import web

from r53lite.api.http import HttpListener


class Backend:
    """One web backend.

    Args:
        name: what it calls itself.
        address: the address to bind.
        port: the port to bind; 0 lets the system choose.
    """

    def __init__(self, name: str, address: str, port: int) -> None:
        self.name = name
        self.is_up = True
        app = web.Application()
        app.router.add_get("/", self._handle_name)
        app.router.add_get("/health", self._handle_health)
        app.router.add_post("/down", self._handle_down)
        app.router.add_post("/up", self._handle_up)
        self._listener = HttpListener(app, address, port)

    @property
    def address(self) -> str:
        """The address it is bound to."""
        return self._listener.address

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

    async def _handle_name(self, _request: web.Request) -> web.Response:
        return web.Response(text=f"{self.name}\n")

    async def _handle_health(self, _request: web.Request) -> web.Response:
        return self._tell_state(200 if self.is_up else 503)

    async def _handle_down(self, _request: web.Request) -> web.Response:
        self.is_up = False
        return self._tell_state(200)

    async def _handle_up(self, _request: web.Request) -> web.Response:
        self.is_up = True
        return self._tell_state(200)

    def _tell_state(self, status: int) -> web.Response:
        return web.Response(text=f"{self.name}: {'up' if self.is_up else 'down'}\n", status=status)


async def start_backends(places: Iterable[tuple[str, str]], port: int) -> list[Backend]:
    """Start a backend at every place, all or none.

    Args:
        places: name and address of each.
        port: the port all of them bind.

    Returns:
        The backends, in the order of `places`.

    Raises:
        OSError: an address cannot be bound; those already started are stopped.
    """
    started: list[Backend] = []
    try:
        for name, address in places:
            backend = Backend(name, address, port)
            await backend.start()
            started.append(backend)
    except BaseException:
        await stop_backends(started)
        raise
    return started


async def stop_backends(backends: Iterable[Backend]) -> None:
    """Stop all of these backends at once."""
    await asyncio.gather(*(backend.stop() for backend in backends))
