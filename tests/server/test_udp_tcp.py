"""A running server on real sockets: both transports, both families, and what broken clients leave behind."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import dns.flags
import dns.message
import pytest

from r53lite.config.settings import ApiSettings, Endpoint, RecursionSettings, Settings
from r53lite.server.runtime import Server
from tests.clients import UdpClient, ask_tcp, ask_udp, make_query, texts, until

ZONE = """
$TTL 300
@     IN SOA ns1 admin 7 3600 600 86400 60
@     NS ns1
ns1   A 127.0.0.1
www   A 192.0.2.1
*.w   TXT "wild"
sub   NS ns.sub
ns.sub A 127.0.0.9
""" + "".join(f"many AAAA 2001:db8::{number:x}\n" for number in range(1, 61))
WWW = ["www.example.test. A 192.0.2.1"]
DATAGRAMS, BATCH = 20_000, 100  # a batch fits the smallest default receive buffer
CONNECTIONS = 200


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / "example.test.zone").write_text(ZONE, encoding="utf-8")
    settings = Settings(
        listen=(Endpoint("127.0.0.1", 0), Endpoint("::1", 0)),
        recursion=RecursionSettings(enabled=False),
        api=ApiSettings(listen=None),
    )
    running = Server(settings, [tmp_path])
    await running.start()
    yield running
    await running.stop()


def count_descriptors() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


async def test_udp_and_tcp_answer_on_one_port_over_ipv4_and_ipv6(server: Server) -> None:
    assert [endpoint.address for endpoint in server.endpoints] == ["127.0.0.1", "::1"]
    for address, port in server.endpoints:
        over_udp = await ask_udp(address, port, make_query("www.example.test"))
        (over_tcp,) = await ask_tcp(address, port, make_query("www.example.test"))
        assert texts(over_udp) == texts(over_tcp) == WWW
        assert over_udp.flags & dns.flags.AA


async def test_pipelined_requests_over_tcp_are_all_answered(server: Server) -> None:
    names = [f"n{number}.w.example.test" for number in range(50)]

    replies = await ask_tcp(*server.endpoints[0], *(make_query(name, "TXT") for name in names))

    assert [texts(reply) for reply in replies] == [[f'{name}. TXT "wild"'] for name in names]


async def test_a_large_rrset_is_truncated_over_udp_and_complete_over_tcp(server: Server) -> None:
    query = make_query("many.example.test", "AAAA")

    over_udp = await ask_udp(*server.endpoints[0], query)
    (over_tcp,) = await ask_tcp(*server.endpoints[0], query)

    assert over_udp.flags & dns.flags.TC
    assert over_udp.question == over_tcp.question
    assert over_udp.edns == 0
    assert not over_tcp.flags & dns.flags.TC
    assert len(texts(over_tcp)) == 60


async def test_a_silent_connection_is_no_obstacle_to_others(server: Server) -> None:
    address, port = server.endpoints[0]
    _, writer = await asyncio.open_connection(address, port)

    (reply,) = await ask_tcp(address, port, make_query("www.example.test"))

    assert texts(reply) == WWW
    writer.close()
    await writer.wait_closed()


@pytest.mark.timeout(60)
async def test_garbage_leaves_no_failure_descriptor_or_task_behind(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await ask_tcp(*server.endpoints[0], make_query("www.example.test"))
    await until(lambda: len(asyncio.all_tasks()) <= 2)  # this test and the watcher of the files
    await until(lambda: not len(server._tcp_pool))
    descriptors, tasks = count_descriptors(), len(asyncio.all_tasks())
    draw = random.Random(53)

    for address, port in server.endpoints:
        await send_garbage(address, port, draw, DATAGRAMS // 2)
        await break_connections(address, port, draw, CONNECTIONS // 2)

    await until(lambda: len(asyncio.all_tasks()) == tasks)
    await until(lambda: count_descriptors() == descriptors)
    assert {udp._dispatch.failures for udp in server._udp} == {0}  # one door for all sockets
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    for endpoint in server.endpoints:
        assert texts(await ask_udp(*endpoint, make_query("www.example.test"))) == WWW
        assert [texts(reply) for reply in await ask_tcp(*endpoint, make_query("www.example.test"))] == [WWW]


async def send_garbage(address: str, port: int, draw: random.Random, count: int) -> None:
    """Send datagrams in batches; the question after each batch says that the server has read it."""
    seeds = [
        make_query("www.example.test", subnet="198.51.100.0/24"),
        make_query("x.y.sub.example.test", "ANY", is_recursive=True),
        make_query("many.example.test", "AAAA"),
        make_query("a.b.w.example.test", "TXT"),
    ]
    with UdpClient(address, port) as client, UdpClient(address, port) as witness:
        for _ in range(0, count, BATCH):
            for _ in range(BATCH):
                client.send(make_garbage(draw, seeds))
            reply = dns.message.from_wire(await witness.ask(make_query("www.example.test")))
            assert texts(reply) == WWW


def make_garbage(draw: random.Random, seeds: list[bytes]) -> bytes:
    """Return random octets, a header with random counts, or a query cut, stretched or with octets changed."""
    kind = draw.randrange(5)
    if kind == 0:
        return draw.randbytes(draw.randrange(300))
    if kind == 1:  # opcode and flags of a query, so that the decoder reads on
        counts = [draw.choice((0, 1, 1, 2, 65535)) for _ in range(4)]
        return struct.pack("!HH4H", draw.getrandbits(16), 0, *counts) + draw.randbytes(draw.randrange(80))
    octets = bytearray(draw.choice(seeds))
    if kind == 2:
        return bytes(octets[: draw.randrange(len(octets))])
    if kind == 3:
        return bytes(octets) + draw.randbytes(draw.randrange(1, 40))
    for _ in range(draw.randint(1, 6)):
        octets[draw.randrange(2, len(octets))] = draw.choice((0, 0xC0, 0xFF, draw.randrange(256)))
    return bytes(octets)


async def break_connections(address: str, port: int, draw: random.Random, count: int) -> None:
    """Open connections, twenty at once, and break each in one of five ways."""
    for _ in range(0, count, 20):
        await asyncio.gather(*(break_connection(address, port, draw, kind % 5) for kind in range(20)))


async def break_connection(address: str, port: int, draw: random.Random, kind: int) -> None:
    """Half a length; a length without body; an immediate close; a reset; garbage with a length that fits."""
    garbage = draw.randbytes(draw.randrange(1, 200))
    sent = (b"\x00", b"\x00\x40", b"", b"\x00\x40half", len(garbage).to_bytes(2, "big") + garbage)[kind]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, (address, port))
        if kind == 3:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await loop.sock_sendall(client, sent)
