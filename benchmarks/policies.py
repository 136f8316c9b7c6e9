"""What do the rows with routing policies ask, and which targets do the health checks see?

One zone, `policy.example.`, whose names are answered by policy in the peers' own ways:

- `www` by weight 40/40/20; `spare` by weight among one live target and one dead (the live one has the greater
  weight: below a half of the sum gdnsd shows all);
- `pool` with every healthy target of five, `many` with eight of twelve, all healthy;
- `api` by the region of the client's network, `shop` by its country, `office` by 1,000 blocks of clients;
- `tree` by failover to an alias by weight to aliases by weight: its primary branch is dead, its secondary is
  three levels deep.

Each live target is an HTTP server of the benchmark on an address of 127.0.0.0/8; at the dead one's nobody
listens, so an answer that shows it comes from a server whose health is not live. What is right is worked
out here, in arithmetic of its own, to hold r53lite and the peers against.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from types import TracebackType
from typing import NamedTuple, Self

from benchmarks.process import BenchmarkError, free_port
from benchmarks.zones import CLIENTS, Question, Run

POLICY = "policy.example."
WEIGHTED = f"www.{POLICY}"
MULTIVALUE = f"pool.{POLICY}"
MULTIVALUE_12 = f"many.{POLICY}"
LATENCY = f"api.{POLICY}"
GEO = f"shop.{POLICY}"
CIDR = f"office.{POLICY}"
TREE = f"tree.{POLICY}"
SPARE = f"spare.{POLICY}"

LIVE = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
DEAD = "127.0.0.6"
MANY = tuple(f"127.0.0.{n}" for n in range(10, 22))
WEIGHTS = {LIVE[0]: 40, LIVE[1]: 40, LIVE[2]: 20}
REGIONS = {"us-east-1": LIVE[0], "eu-west-1": LIVE[1], "ap-southeast-2": LIVE[2]}
TTL = 60
CHECK_INTERVAL_S = 10  # Route 53's fast interval, gdnsd's default

# `shop`: Virginia's own set is dead, so Virginians get the one of their country.
PLACES = {"virginia": DEAD, "usa": LIVE[0], "europe": LIVE[1], "elsewhere": LIVE[2]}
COUNTRIES = ("US, subdivision: VA", "US, subdivision: CA", "IE", "AU")  # of the networks, in turns
PLACES_OF = (("virginia", "usa", "elsewhere"), ("usa", "elsewhere"), ("europe", "elsewhere"), ("elsewhere",))

# `office`: ten locations, of which the last is dead, and the default.
OFFICES = {f"office{n}": MANY[n] for n in range(9)} | {"office9": DEAD}
OTHERS = MANY[9]
WIDE_BLOCKS = 900  # /19, every second of 10.0.0.0/8
NARROW_BLOCKS = 100  # /22, each in a wide one

# `tree`: two groups by weight, and their members by weight; a group weighs what its members do together.
BRANCHES: dict[str, dict[str, int]] = {"big": {LIVE[0]: 40, LIVE[1]: 20}, "small": {LIVE[2]: 30, LIVE[3]: 10}}


class Drawn(NamedTuple):
    """What is right for an answer that is drawn: so many addresses, each as often as its share says."""

    size: int
    shares: dict[str, float]


WEIGHTED_ANSWERS = Drawn(1, {address: weight / 100 for address, weight in WEIGHTS.items()})
TREE_ANSWERS = Drawn(1, {a: weight / 100 for members in BRANCHES.values() for a, weight in members.items()})
MULTIVALUE_12_ANSWERS = Drawn(8, dict.fromkeys(MANY, 8 / len(MANY)))


def client_networks() -> Iterator[tuple[str, str, str]]:
    """Yield 256 networks with the region and the country of each, in turn."""
    regions = list(REGIONS)
    for n in range(256):
        yield f"10.{n}.0.0/16", regions[n % len(regions)], COUNTRIES[n % len(COUNTRIES)]


def client_blocks() -> Iterator[tuple[IPv4Network, str]]:
    """Yield 1,000 blocks and the location of each: half of 10.0.0.0/8 is in one, a little in two."""
    offices = list(OFFICES)
    wide = [IPv4Network((10 << 24 | n << 14, 19)) for n in range(WIDE_BLOCKS)]
    narrow = [IPv4Network((10 << 24 | n << 17 | 4 << 10, 22)) for n in range(NARROW_BLOCKS)]
    for n, block in enumerate(wide):
        yield block, offices[n % 10]
    for n, block in enumerate(narrow):
        yield block, offices[(n + 5) % 10]


def block_chains() -> Iterator[tuple[str, list[str]]]:
    """Yield each block with the locations that its clients may be given, in order of preference; without
    the default.
    """
    blocks = dict(client_blocks())
    for block, office in blocks.items():
        wide = block if block.prefixlen == 19 else block.supernet(new_prefix=19)
        yield str(block), list(dict.fromkeys((office, blocks[wide])))


def client_subnets() -> Iterator[str]:
    """Yield the subnets of clients, as resolvers send them: each a /24."""
    return (f"10.{n * 7919 >> 8 & 255}.{n * 7919 & 255}.0/24" for n in range(CLIENTS))


# --- right answers ------------------------------------------------------------------------------------------


def latency_address(subnet: str) -> str:
    """Return the target of the region of a client's network."""
    return list(REGIONS.values())[_second_octet(subnet) % len(REGIONS)]


def geo_address(subnet: str) -> str:
    """Return the target of the smallest place around a client whose target lives."""
    places = PLACES_OF[_second_octet(subnet) % len(PLACES_OF)]
    return next(PLACES[place] for place in places if PLACES[place] != DEAD)


def cidr_address(subnet: str) -> str:
    """Return the target of the longest block around a client whose target lives, else the default one."""
    client = IPv4Network(subnet)
    around = [(block.prefixlen, office) for block, office in client_blocks() if client.subnet_of(block)]
    live = [OFFICES[office] for _, office in sorted(around, reverse=True) if OFFICES[office] != DEAD]
    return live[0] if live else OTHERS


def _second_octet(subnet: str) -> int:
    return int(subnet.split(".")[1])


LOCATED: dict[str, Callable[[str], str]] = {
    LATENCY: latency_address,
    GEO: geo_address,
    CIDR: cidr_address,
}
"""Name → what the answer to a client subnet must be."""


# --- questions ----------------------------------------------------------------------------------------------


def ask_one(qname: str) -> Callable[[Run], Iterator[Question]]:
    """Return what yields one name, once."""
    return lambda _run: iter((Question(qname),))


def ask_from_subnets(qname: str) -> Callable[[Run], Iterator[Question]]:
    """Return what yields one name for every client subnet."""
    return lambda _run: (Question(qname, "A", subnet) for subnet in client_subnets())


# --- targets ------------------------------------------------------------------------------------------------


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
                for address in (*LIVE, *MANY):
                    self._servers.append(ThreadingHTTPServer((address, self.port), _Healthy))
            except OSError:
                self._close()
            else:
                return
        raise BenchmarkError(f"no port is free on all of {', '.join((*LIVE, *MANY))}")

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
