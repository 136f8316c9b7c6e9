"""What do the rows with routing policies ask, and which targets do the health checks see?

One zone, `policy.example.`, whose names are answered by policy in the peers' own ways: `www` by weight
40/40/20, `pool` with every healthy target of five, `api` by the client's network, and `spare` by weight
among one live target and one dead (the live one has the greater weight: below a half of the sum gdnsd shows
all). Each live target is an HTTP server of the benchmark on an address of
127.0.0.0/8; at the dead one's nobody listens, so an answer that shows it comes from a server whose health is
not live.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from benchmarks.process import BenchmarkError, free_port
from benchmarks.zones import CLIENTS, Question, Run

POLICY = "policy.example."
WEIGHTED = f"www.{POLICY}"
MULTIVALUE = f"pool.{POLICY}"
LATENCY = f"api.{POLICY}"
SPARE = f"spare.{POLICY}"

LIVE = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
DEAD = "127.0.0.6"
WEIGHTS = {LIVE[0]: 40, LIVE[1]: 40, LIVE[2]: 20}
REGIONS = {"us-east-1": LIVE[0], "eu-west-1": LIVE[1], "ap-southeast-2": LIVE[2]}
TTL = 60
CHECK_INTERVAL_S = 10  # Route 53's fast interval, gdnsd's default


def client_networks() -> Iterator[tuple[str, str]]:
    """Yield 256 networks and the region of each, in turn."""
    regions = list(REGIONS)
    return ((f"10.{n}.0.0/16", regions[n % len(regions)]) for n in range(256))


def client_subnets() -> Iterator[str]:
    """Yield the subnets of clients, as resolvers send them: each a /24."""
    return (f"10.{n * 7919 >> 8 & 255}.{n * 7919 & 255}.0/24" for n in range(CLIENTS))


def weighted_questions(_run: Run) -> Iterator[Question]:
    """Yield the weighted name."""
    yield Question(WEIGHTED)


def multivalue_questions(_run: Run) -> Iterator[Question]:
    """Yield the multivalue name."""
    yield Question(MULTIVALUE)


def latency_questions(_run: Run) -> Iterator[Question]:
    """Yield the latency name for every client subnet."""
    return (Question(LATENCY, "A", subnet) for subnet in client_subnets())


class _Healthy(BaseHTTPRequestHandler):
    """Say 200 to any GET."""

    def do_GET(self) -> None:  # the name is http.server's
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *_args: object) -> None:  # noqa: A002  # the name is http.server's
        """Print nothing."""


class Targets:
    """The live targets: a small HTTP server at each of their addresses, on one port."""

    def __init__(self) -> None:
        """Bind the addresses.

        Raises:
            BenchmarkError: no port is free on all of them.
        """
        self._servers: list[ThreadingHTTPServer] = []
        for _ in range(16):
            self.port = free_port()
            try:
                for address in LIVE:
                    self._servers.append(ThreadingHTTPServer((address, self.port), _Healthy))
            except OSError:
                self._close()
            else:
                return
        raise BenchmarkError(f"no port is free on all of {', '.join(LIVE)}")

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.shutdown()
        self._close()

    def _close(self) -> None:
        for server in self._servers:
            server.server_close()
        self._servers.clear()
