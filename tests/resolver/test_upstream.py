"""Exchanges over real loopback sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from r53lite.dns.name import parse_name
from r53lite.dns.rrtypes import A
from r53lite.dns.wire import encode_query
from r53lite.resolver.upstream import Upstream, UpstreamError, is_reply_to

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
QUERY = encode_query(7, parse_name("www.example.com."), A)
Answer = Callable[[bytes], list[bytes]]


def make_reply(query: bytes) -> bytes:
    """Return a query as its own reply: QR set."""
    return query[:2] + bytes((query[2] | 0x80,)) + query[3:]


@contextlib.asynccontextmanager
async def serve_udp(answer: Answer) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answer datagrams on a free loopback port; yield the port and what was received."""
    seen: list[bytes] = []
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind(("127.0.0.1", 0))

        def handle() -> None:
            query, client = server.recvfrom(65535)
            seen.append(query)
            for reply in answer(query):
                server.sendto(reply, client)

        loop.add_reader(server, handle)
        try:
            yield server.getsockname()[1], seen
        finally:
            loop.remove_reader(server)


@contextlib.asynccontextmanager
async def serve_tcp(answer: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """Answer one message for each connection with raw bytes, then close it; yield the port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            length = int.from_bytes(await reader.readexactly(2), "big")
            writer.write(answer(await reader.readexactly(length)))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def framed(message: bytes) -> bytes:
    """Return a message behind its length."""
    return len(message).to_bytes(2, "big") + message


def count_descriptors() -> int:
    """Count the open file descriptors of this process."""
    return len(
        list(next(path for path in map(Path, ("/proc/self/fd", "/dev/fd")) if path.exists()).iterdir())
    )


async def test_a_datagram_is_answered_under_a_random_id() -> None:
    async with serve_udp(lambda query: [make_reply(query)]) as (port, seen):
        upstream = Upstream(LOOPBACK, port, draw_id=lambda: 0xABCD)

        reply = await upstream.exchange("127.0.0.1", QUERY, 5.0, over_tcp=False)

    assert seen == [b"\xab\xcd" + QUERY[2:]]
    assert reply == make_reply(seen[0])
    assert upstream.port == port


async def test_datagrams_that_do_not_match_are_passed_over() -> None:
    def answer(query: bytes) -> list[bytes]:
        reply = make_reply(query)
        wrong_id = bytes((reply[0] ^ 1,)) + reply[1:]
        return [b"", b"x" * 11, query, wrong_id, reply.replace(b"www", b"ww1"), reply]

    async with serve_udp(answer) as (port, seen):
        reply = await Upstream(LOOPBACK, port).exchange("127.0.0.1", QUERY, 5.0, over_tcp=False)

    assert reply == make_reply(seen[0])


async def test_a_silent_server_is_given_up_in_time() -> None:
    async with serve_udp(lambda _: []) as (port, _):
        with pytest.raises(UpstreamError, match=r"did not answer within 0\.1 s") as caught:
            await Upstream(LOOPBACK, port).exchange("127.0.0.1", QUERY, 0.12, over_tcp=False)

    assert caught.value.is_silence


@pytest.mark.parametrize("over_tcp", [False, True])
async def test_a_closed_port_fails_long_before_the_time_is_up(over_tcp: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if over_tcp else socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    async with asyncio.timeout(10.0):
        with pytest.raises(UpstreamError, match=r"^could not be reached: connection refused$") as caught:
            await Upstream(LOOPBACK, port).exchange("127.0.0.1", QUERY, 25.0, over_tcp)

    assert not caught.value.is_silence


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_nothing_is_sent_outside_the_networks(address: str) -> None:
    async with serve_udp(lambda query: [make_reply(query)]) as (port, seen):
        upstream = Upstream((ip_network("192.0.2.0/24"), ip_network("::/0")), port)
        with pytest.raises(UpstreamError, match="outside the networks"):
            await upstream.exchange(address, QUERY, 1.0, over_tcp=False)
        await asyncio.sleep(0)

    assert seen == []


async def test_a_message_is_exchanged_over_tcp() -> None:
    async with serve_tcp(lambda query: framed(make_reply(query))) as port:
        reply = await Upstream(LOOPBACK, port, draw_id=lambda: 5).exchange(
            "127.0.0.1", QUERY, 5.0, over_tcp=True
        )

    assert reply == make_reply(b"\x00\x05" + QUERY[2:])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "closed the connection"),
        (b"\x00\x50short", "closed the connection"),
        (framed(b"\x00" * 40), "answered another question over TCP"),
    ],
)
async def test_a_broken_tcp_reply_is_an_error(raw: bytes, reason: str) -> None:
    async with serve_tcp(lambda _: raw) as port:
        with pytest.raises(UpstreamError, match=reason):
            await Upstream(LOOPBACK, port).exchange("127.0.0.1", QUERY, 5.0, over_tcp=True)


async def wait_for(is_true: Callable[[], bool]) -> None:
    """Let the loop turn until something is true."""
    async with asyncio.timeout(5.0):
        while not is_true():  # noqa: ASYNC110 - a descriptor's closing sets no event
            await asyncio.sleep(0)


async def test_a_cancelled_datagram_exchange_leaves_no_socket() -> None:
    async with serve_udp(lambda _: []) as (port, seen):
        before = count_descriptors()
        task = asyncio.create_task(
            Upstream(LOOPBACK, port).exchange("127.0.0.1", QUERY, 20.0, over_tcp=False)
        )
        await wait_for(lambda: bool(seen))
        assert count_descriptors() == before + 1

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await wait_for(lambda: count_descriptors() == before)


async def test_a_cancelled_tcp_exchange_closes_its_connection() -> None:
    connected, disconnected = asyncio.Event(), asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        connected.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        disconnected.set()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server, asyncio.timeout(10.0):
        port = server.sockets[0].getsockname()[1]
        task = asyncio.create_task(Upstream(LOOPBACK, port).exchange("127.0.0.1", QUERY, 20.0, over_tcp=True))
        await connected.wait()

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await disconnected.wait()


def test_an_error_without_a_question_is_a_reply_and_a_success_without_one_is_not() -> None:
    assert is_reply_to(QUERY[:2] + b"\x80\x01" + b"\x00" * 8, QUERY)
    assert not is_reply_to(QUERY[:2] + b"\x80\x00" + b"\x00" * 8, QUERY)


def test_letter_case_of_the_question_does_not_matter_and_its_type_does() -> None:
    reply = make_reply(QUERY)

    assert is_reply_to(reply.replace(b"www", b"WwW"), QUERY)
    assert not is_reply_to(make_reply(encode_query(7, parse_name("www.example.com."), 16)), QUERY)
