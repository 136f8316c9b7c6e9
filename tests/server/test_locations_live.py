"""The files behind locations.yaml under a running server, and latencies that its own probes measured."""

from __future__ import annotations

import logging
import weakref
from functools import partial
from pathlib import Path

import dns.edns
import dns.message
import pytest

from r53lite.config.settings import ApiSettings, Endpoint, RecursionSettings, Settings
from r53lite.errors import ZoneDataError
from r53lite.server.runtime import Server
from tests.clients import ask_udp, until
from tests.control.maxmind_files import city, maxmind_octets

ZONE = "$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n"
POLICIES = """
zone: example.test
records:
  - {name: geo, type: A, ttl: 60, policy: geolocation, sets: [
      {id: us, location: {country: US}, values: [127.0.0.1]},
      {id: all, location: {country: "*"}, values: [127.0.0.2]}]}
  - {name: near, type: A, ttl: 60, policy: latency, sets: [
      {id: east, region: us-east-1, values: [127.0.0.3], health_check: east},
      {id: west, region: us-west-2, values: [127.0.0.4], health_check: west}]}
health_checks:
  east: {type: HTTP, ip: 127.0.0.1, disabled: true}
  west: {type: HTTP, ip: 127.0.0.1, disabled: true}
"""
LIVE_WITHIN_S = 2.0


def make_server(directory: Path, locations: str) -> Server:
    """Write the files and return a server over them."""
    (directory / "example.test.zone").write_text(ZONE)
    (directory / "example.test.yaml").write_text(POLICIES)
    (directory / "locations.yaml").write_text(locations)
    settings = Settings(
        listen=(Endpoint("127.0.0.1", 0),),
        recursion=RecursionSettings(enabled=False),
        api=ApiSettings(listen=None),
    )
    return Server(settings, [directory])


async def ask(server: Server, name: str) -> tuple[str, int]:
    """Ask for a client in 198.51.100.0/24; return the address and the scope."""
    option = dns.edns.ECSOption("198.51.100.0", 24)
    query = dns.message.make_query(f"{name}.example.test.", "A", use_edns=0, options=[option])
    reply = await ask_udp(*server.endpoints[0], query.to_wire())
    (scoped,) = (option for option in reply.options if isinstance(option, dns.edns.ECSOption))
    return reply.answer[0][0].to_text(), scoped.scopelen


async def test_a_broken_database_is_refused_and_a_good_one_is_live_within_two_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "r53lite")
    path = tmp_path / "city.mmdb"
    path.write_bytes(maxmind_octets({"198.51.0.0/16": city("US")}))
    server = make_server(tmp_path, "maxmind: city.mmdb\n")
    await server.start()
    try:
        assert await ask(server, "geo") == ("127.0.0.1", 16)
        path.write_bytes(path.read_bytes()[:-1000])
        await until(lambda: "change refused" in caplog.text, LIVE_WITHIN_S)
        assert f"{path}: not a sound MaxMind DB file" in caplog.text
        assert await ask(server, "geo") == ("127.0.0.1", 16)
        version = server.snapshot.version
        path.write_bytes(maxmind_octets({"198.0.0.0/8": city("DE"), "12.0.0.0/8": city("US")}))
        await until(lambda: server.snapshot.version > version, LIVE_WITHIN_S)
        assert (await ask(server, "geo"))[0] == "127.0.0.2"
    finally:
        await server.stop()


async def test_a_missing_database_ends_the_start_with_its_path(tmp_path: Path) -> None:
    server = make_server(tmp_path, "maxmind: db/city.mmdb\n")
    with pytest.raises(ZoneDataError, match=r"db/city\.mmdb: cannot read"):
        await server.start()


@pytest.mark.parametrize(("latency", "expected"), [("measured", "127.0.0.4"), ("estimated", "127.0.0.3")])
async def test_measured_latencies_count_on_request(tmp_path: Path, latency: str, expected: str) -> None:
    server = make_server(tmp_path, f"latency: {latency}\n")
    await server.start()
    try:
        for _ in range(3):  # new, compiled, ready
            assert await ask(server, "near") == ("127.0.0.3", 0)
        server._health.measure("east", 0.2, 0.0)  # what the scheduler tells of a success
        server._health.measure("west", 0.02, 0.0)
        for _ in range(3):
            assert await ask(server, "near") == (expected, 0)
        before = server.snapshot
        server._health.measure("west", 0.0201, 10.0)
        assert server.snapshot is before
        (tmp_path / "example.test.zone").write_text(ZONE + "x A 192.0.2.2\n")
        await until(lambda: server.snapshot.version > before.version, LIVE_WITHIN_S)
        assert await ask(server, "near") == (expected, 0)  # a reload keeps what was measured
    finally:
        await server.stop()


def is_newer(server: Server, version: int) -> bool:
    """Say whether something else is served than at a version."""
    return server.snapshot.version > version


async def test_a_locations_file_that_appears_or_goes_counts_within_two_seconds(tmp_path: Path) -> None:
    server = make_server(tmp_path, "")
    path = tmp_path / "locations.yaml"
    path.unlink()
    await server.start()
    try:
        assert await ask(server, "geo") == ("127.0.0.2", 0)
        for _ in range(2):
            version = server.snapshot.version
            path.write_text("networks: [{cidr: 198.51.100.0/24, country: US}]\n")
            await until(partial(is_newer, server, version), LIVE_WITHIN_S)
            assert await ask(server, "geo") == ("127.0.0.1", 24)
            version = server.snapshot.version
            path.unlink()
            await until(partial(is_newer, server, version), LIVE_WITHIN_S)
            assert await ask(server, "geo") == ("127.0.0.2", 0)
        assert not (await server.reload()).is_refused
    finally:
        await server.stop()


async def test_the_locations_of_before_are_freed_though_nobody_asks(tmp_path: Path) -> None:
    server = make_server(tmp_path, "networks: [{cidr: 198.51.100.0/24, country: US}]\n")
    await server.start()
    try:
        for _ in range(3):
            assert await ask(server, "geo") == ("127.0.0.1", 24)
        before = weakref.ref(server.snapshot.locations)
        (tmp_path / "locations.yaml").write_text("networks: [{cidr: 198.51.0.0/16, country: US}]\n")
        await until(lambda: before() is None, LIVE_WITHIN_S)
        assert await ask(server, "geo") == ("127.0.0.1", 16)
    finally:
        await server.stop()
