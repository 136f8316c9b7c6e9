"""How does a command that serves run until somebody ends it?"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine


async def run_until_stopped(
    start: Callable[[], Coroutine[None, None, None]],
    stop: Callable[[], Coroutine[None, None, None]],
    on_hangup: Callable[[], None] | None = None,
) -> None:
    """Start, wait for SIGINT or SIGTERM, stop; a signal during the start ends it too.

    Args:
        start: opens everything. stop: closes it. on_hangup: what SIGHUP does; None lets it end the process.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    if on_hangup is not None:
        loop.add_signal_handler(signal.SIGHUP, on_hangup)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    starting = loop.create_task(start())
    waiting = loop.create_task(stopped.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await waiting
        else:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
    finally:
        waiting.cancel()
        await stop()
