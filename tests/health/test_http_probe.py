"""An HTTP probe against real loopback endpoints, good, bad and hostile (health-checks.md §4.1 to §4.5)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network

import pytest

from r53lite.health.model import HealthCheck, ProbeResult
from r53lite.health.probes.http import (
    BAD_REQUEST,
    BAD_RESPONSE,
    BROKEN,
    NO_ADDRESS,
    NO_RESPONSE,
    NOT_CONNECTED,
    HttpProbe,
    host_header,
    target_url,
)

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
ADDRESS = ip_address("127.0.0.1")

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Endpoint:
    """A raw TCP endpoint on loopback that keeps every request head it got."""

    def __init__(self, speak: Speak) -> None:
        self.port = 0
        self.requests: list[str] = []
        self._speak = speak

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await self._speak(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def endpoint(speak: Speak) -> AsyncIterator[Endpoint]:
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []
    served = Endpoint(speak)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        tasks.add(asyncio.create_task(served.handle(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:  # a task cancelled before its first step has closed nothing
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        await server.wait_closed()


def listening() -> socket.socket:
    """Return a listening socket that accepts nothing and has room for one connection."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    return listener


@asynccontextmanager
async def http_probe(
    response_limit_s: float = 2.0, addresses: Sequence[str] | None = None
) -> AsyncIterator[HttpProbe]:
    async def resolve(host: str) -> Sequence[str]:
        if addresses is None:
            raise OSError(f"no address for {host}")
        return addresses

    probe = HttpProbe(LOOPBACK, response_limit_s=response_limit_s, resolve=resolve)
    try:
        yield probe
    finally:
        await probe.close()


def says(data: bytes) -> Speak:
    """Send these bytes, then wait for the other side to close."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await reader.read()

    return speak


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close without a word."""


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a header that never ends, byte by byte, without a pause that a read limit would notice."""
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not reader.at_eof():
        writer.write(b"x")
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.01)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send header fields without end, as fast as they are taken."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n" * 1000)
        await writer.drain()


def response(status: str, *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", *fields, "", ""]).encode("latin-1")


async def probe_once(speak: Speak, response_limit_s: float = 2.0) -> tuple[ProbeResult, list[str]]:
    async with endpoint(speak) as served, http_probe(response_limit_s) as probe:
        result = await probe(HealthCheck("a", ip="127.0.0.1", port=served.port))
        return result, served.requests


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200 OK", ProbeResult(True, "Success: HTTP Status Code 200, OK")),
        ("204", ProbeResult(True, "Success: HTTP Status Code 204")),
        ("301 Moved", ProbeResult(True, "Success: HTTP Status Code 301, Moved")),
        ("399 Odd", ProbeResult(True, "Success: HTTP Status Code 399, Odd")),
        ("400 Bad Request", ProbeResult(False, "Failure: HTTP Status Code 400, Bad Request")),
        ("503 Service Unavailable", ProbeResult(False, "Failure: HTTP Status Code 503, Service Unavailable")),
        ("101 Switching Protocols", ProbeResult(False, "Failure: HTTP Status Code 101, Switching Protocols")),
        ("200 a\x1b[31m\x00b\xff", ProbeResult(True, "Success: HTTP Status Code 200, a?[31m?b?")),
    ],
)
async def test_status_decides(status: str, expected: ProbeResult) -> None:
    result, _ = await probe_once(says(response(status)))
    assert result == expected


async def test_request_is_route_53s() -> None:
    _, requests = await probe_once(says(response("200 OK")))
    lines = requests[0].lower().split("\r\n")
    assert lines[0] == "get / http/1.1"
    assert any(line.startswith("host: 127.0.0.1:") for line in lines)
    assert "user-agent: amazon-route53-health-check-service (r53lite)" in lines
    assert "connection: close" in lines


async def test_redirect_is_not_followed_and_no_cookie_is_kept() -> None:
    speak = says(response("302 Found", "Location: /other", "Set-Cookie: a=b"))
    async with endpoint(speak) as served, http_probe() as probe:
        check = HealthCheck("a", ip="127.0.0.1", port=served.port)
        assert (await probe(check)).is_success
        assert (await probe(check)).is_success
        assert len(served.requests) == 2
        assert "cookie" not in served.requests[1].lower()


async def test_body_is_not_waited_for() -> None:
    result, _ = await probe_once(says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nfirst"))
    assert result.is_success


@pytest.mark.parametrize("speak", [says(b""), says(b"HTTP/1.1 200 OK\r\nX: y\r\n"), drip])
async def test_response_that_does_not_arrive_in_time_fails(speak: Speak) -> None:
    result, _ = await probe_once(speak, response_limit_s=0.1)
    assert result == ProbeResult(False, NO_RESPONSE)


@pytest.mark.parametrize(
    "speak",
    [
        says(b"SSH-2.0-OpenSSH_9.2\r\n"),
        says(b"\x00\xff" * 100),
        says(b"HTTP/1.1 20000 OK\r\n\r\n"),
        says(response("200 OK", "X: " + "y" * 20_000)),
        says(response("200 OK", *[f"X{number}: {'y' * 300}" for number in range(60)])),
        says(response("200 " + "y" * 20_000)),
        flood,
    ],
)
async def test_response_that_is_not_http_or_too_big_fails(speak: Speak) -> None:
    result, _ = await probe_once(speak)
    assert result == ProbeResult(False, BAD_RESPONSE)


async def test_header_of_almost_the_limit_passes() -> None:
    result, _ = await probe_once(says(response("200 OK", *["X: " + "y" * 150] * 100)))
    assert result.is_success


async def test_broken_connection_fails_and_is_not_tried_again() -> None:
    result, requests = await probe_once(hang_up)
    assert result == ProbeResult(False, BROKEN)
    assert len(requests) == 1


async def test_refused_connection_fails() -> None:
    async with endpoint(hang_up) as served:
        port = served.port
    async with http_probe() as probe:
        result = await probe(HealthCheck("a", ip="127.0.0.1", port=port))
    assert result == ProbeResult(False, "Failure: Connection failed: Connection refused")


async def test_connection_that_does_not_stand_in_time_fails() -> None:
    with listening() as full, contextlib.ExitStack() as fillers:
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        probe = HttpProbe(LOOPBACK, connect_limit_s=0.1)
        result = await probe(HealthCheck("a", ip="127.0.0.1", port=full.getsockname()[1]))
        await probe.close()
    assert result == ProbeResult(False, NOT_CONNECTED)


@pytest.mark.parametrize("ip", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0"])
async def test_address_outside_the_networks_fails_at_once(ip: str) -> None:
    async with http_probe() as probe:
        result = await probe(HealthCheck("a", ip=ip))
    assert not result.is_success
    assert "outside the networks that probes may enter" in result.reason


async def test_mapped_address_counts_as_the_ipv4_address_it_reaches() -> None:
    probe = HttpProbe((ip_network("::/0"),))
    assert "outside the networks" in (await probe(HealthCheck("a", ip="::ffff:127.0.0.1"))).reason


async def test_check_by_name_uses_the_first_permitted_address_and_tells_it() -> None:
    async with (
        endpoint(says(response("200 OK"))) as served,
        http_probe(addresses=["192.0.2.1", "127.0.0.1"]) as probe,
    ):
        result = await probe(HealthCheck("a", host="www.example.com", port=served.port))
        assert result == ProbeResult(True, "Success: HTTP Status Code 200, OK. Resolved IP: 127.0.0.1")
        assert f"Host: www.example.com:{served.port}\r\n" in served.requests[0]


async def test_check_by_name_whose_addresses_are_all_outside_fails_at_once() -> None:
    async with http_probe(addresses=["192.0.2.1", "192.0.2.2"]) as probe:
        result = await probe(HealthCheck("a", host="www.example.com"))
    reason = "Failure: 192.0.2.1, 192.0.2.2 is outside the networks that probes may enter"
    assert result == ProbeResult(False, reason)


@pytest.mark.parametrize("addresses", [None, [], ["not an address"]])
async def test_name_without_address_fails(addresses: list[str] | None) -> None:
    async with http_probe(addresses=addresses) as probe:
        assert await probe(HealthCheck("a", host="www.example.com")) == ProbeResult(False, NO_ADDRESS)


async def test_name_is_resolved_by_the_machine_unless_told_otherwise() -> None:
    async with endpoint(says(response("200 OK"))) as served:
        probe = HttpProbe(LOOPBACK)
        result = await probe(HealthCheck("a", host="localhost", port=served.port))
        await probe.close()
    assert result.is_success


async def test_name_with_a_label_that_is_too_long_fails() -> None:
    assert await HttpProbe(LOOPBACK)(HealthCheck("a", host="a" * 64 + ".test")) == ProbeResult(
        False, NO_ADDRESS
    )


async def test_host_that_cannot_stand_in_a_header_fails() -> None:
    with listening() as served:
        async with http_probe() as probe:
            check = HealthCheck("a", ip="127.0.0.1", host="a\r\nX: y", port=served.getsockname()[1])
            assert await probe(check) == ProbeResult(False, BAD_REQUEST)


async def test_ipv6_endpoint_gets_its_address_in_brackets_as_host() -> None:
    address = ip_address("::1")
    check = HealthCheck("a", ip="::1", port=8080, path="/x")
    assert str(target_url(check, address)) == "http://[::1]:8080/x"
    assert host_header(check, address) == "[::1]:8080"


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("www.example.com", 80, "www.example.com"),
        ("www.example.com", 8080, "www.example.com:8080"),
        (None, 80, "127.0.0.1"),
        (None, 8080, "127.0.0.1:8080"),
    ],
)
def test_host_header_has_the_port_unless_it_is_80(host: str | None, port: int, expected: str) -> None:
    assert host_header(HealthCheck("a", ip="127.0.0.1", host=host, port=port), ADDRESS) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("health", "/health"),
        ("/a/../b//c?x=%41&y=1+2", "/a/../b//c?x=%41&y=1+2"),
        ("/with space#mark", "/with%20space%23mark"),
        ("/ä", "/%C3%A4"),
    ],
)
def test_path_is_sent_as_written(path: str, expected: str) -> None:
    assert target_url(HealthCheck("a", path=path), ADDRESS).raw_path_qs == expected
