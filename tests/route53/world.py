"""A whole server over UDP whose health is set by the test, and what it answers.

Zone `r.test` comes from a policy file, clients from the networks below; one server serves a module. Draws are
seeded, so that nothing here depends on luck; a question is asked often enough to see every answer, first by
the clear path, then replayed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import dns.edns
import dns.message
import dns.rcode

from r53lite.config.settings import ApiSettings, Endpoint, RecursionSettings, Settings
from r53lite.config.target_settings import TargetRule
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.server.runtime import Server
from tests.clients import UdpClient, make_query

APEX = """
  - {name: "@", type: SOA, ttl: 900, values: [ns1 admin 1 7200 900 1209600 300]}
  - {name: "@", type: NS, ttl: 900, values: [ns1]}
  - {name: ns1, type: A, ttl: 900, values: [192.0.2.53]}
"""
LOCATIONS = """
networks:
  - {cidr: 198.51.100.0/24, region: eu-west-1, country: IE, coordinates: [53.35, -6.26]}
  - {cidr: 203.0.113.0/24, region: us-west-1, country: US, subdivision: CA, coordinates: [37.35, -121.96]}
  - {cidr: 203.0.113.128/25, region: us-east-1, country: US, subdivision: VA, coordinates: [38.95, -77.45]}
  - {cidr: 192.0.2.0/25, region: ap-southeast-2, country: AU, coordinates: [-33.87, 151.21]}
  - {cidr: 192.0.2.128/26, country: US}
  - {cidr: 192.0.2.192/26, region: cn-north-1, country: CN}
"""
IRELAND, CALIFORNIA, VIRGINIA = "198.51.100.0/24", "203.0.113.0/25", "203.0.113.128/25"
AUSTRALIA, USA, CHINA, NOWHERE = "192.0.2.0/25", "192.0.2.128/26", "192.0.2.192/26", "100.64.0.0/24"
ASKS = 40
SEED = 4711


class Answer(NamedTuple):
    """One reply: values sorted, the TTL and type of the last RRset, and the scope where a subnet was sent."""

    rcode: str
    values: tuple[str, ...] = ()
    ttl: int | None = None
    rrtype: str = ""
    scope: int | None = None


class TestedServer(Server):
    """A server whose health table is what the test says."""

    __test__ = False
    forced = HealthTable()

    @property
    def health_table(self) -> HealthTable:
        """Return the health that the test has set."""
        return self.forced


class World:
    """A running server and a client of it."""

    def __init__(self, server: TestedServer, client: UdpClient) -> None:
        self.server = server
        self._client = client

    def down(self, *checks: str) -> None:
        """Make exactly these checks unhealthy."""
        known = self.server.snapshot.health_checks
        assert set(checks) <= set(known), f"no such check: {set(checks) - set(known)}"
        statuses = {check: HealthStatus(check not in checks, "set", 1, 0.0, None) for check in known}
        self.server.forced = self.server.forced.with_statuses(statuses)

    async def reply(self, name: str, rrtype: str = "A", subnet: str = "") -> dns.message.Message:
        """Ask once."""
        owner = "r.test" if name == "@" else f"{name}.r.test"
        return dns.message.from_wire(await self._client.ask(make_query(owner, rrtype, subnet=subnet)))

    async def ask(self, name: str, rrtype: str = "A", subnet: str = "") -> Answer:
        """Ask once; return what matters of the reply."""
        reply = await self.reply(name, rrtype, subnet)
        scope = next(
            (option.scopelen for option in reply.options if isinstance(option, dns.edns.ECSOption)), None
        )
        rcode = dns.rcode.to_text(reply.rcode())
        if not reply.answer:
            return Answer(rcode, scope=scope)
        last = reply.answer[-1]
        values = tuple(sorted(rdata.to_text() for rdata in last))
        return Answer(rcode, values, last.ttl, dns.rdatatype.to_text(last.rdtype), scope)

    async def answers(self, name: str, rrtype: str = "A", subnet: str = "", asks: int = ASKS) -> set[str]:
        """Ask many times; return every value that came, or the rcode of replies without one."""
        found: set[str] = set()
        for _ in range(asks):
            answer = await self.ask(name, rrtype, subnet)
            empty = "NODATA" if answer.rcode == "NOERROR" else answer.rcode
            found.update(answer.values or (empty,))
        return found


def policy_text(records: str, checks: Iterable[str], more: str = "") -> str:
    """Return a policy file of the zone, its checks included; nothing is probed."""
    lines = [f"  {check}: {{type: HTTP, ip: 127.0.0.1, disabled: true}}" for check in checks]
    section = "\n".join(("health_checks:", *lines)) if lines else ""
    return f"zone: r.test\nrecords:{APEX}{records}\n{section}\n{more}"


def make_server(
    directory: Path, text: str, targets: tuple[TargetRule, ...] = (), locations: str = LOCATIONS
) -> TestedServer:
    """Return a server of a policy file on a free port, with seeded draws; not started."""
    (directory / "r.test.yaml").write_text(text, encoding="utf-8")
    (directory / "locations.yaml").write_text(locations, encoding="utf-8")
    settings = Settings(
        listen=(Endpoint("127.0.0.1", 0),),
        seed=SEED,
        recursion=RecursionSettings(enabled=False),
        api=ApiSettings(listen=None),
        targets=targets,
    )
    return TestedServer(settings, [directory])


@asynccontextmanager
async def running(
    directory: Path, text: str, targets: tuple[TargetRule, ...] = (), locations: str = LOCATIONS
) -> AsyncIterator[World]:
    """Serve a policy file."""
    server = make_server(directory, text, targets, locations)
    await server.start()
    try:
        with UdpClient(*server.endpoints[0]) as client:
            yield World(server, client)
    finally:
        await server.stop()
