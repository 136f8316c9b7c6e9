"""Requests and replies of one TCP connection: framing, order, half-closed clients, resets, silence."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import struct

import pytest

from tests.server.tcp_harness import Bench, frame, serving, turns


async def test_a_request_may_come_octet_by_octet() -> None:
    async with serving() as bench, bench.client() as client:
        octets = frame(b"first") + frame(b"second")
        for count, octet in enumerate(octets, 1):
            await client.send_raw(bytes([octet]))
            await turns(lambda expected=count: seen(bench) == expected)  # type: ignore[misc]
        assert [await client.receive(), await client.receive()] == [b"re:first", b"re:second"]


def seen(bench: Bench) -> int:
    """Return how many octets of requests the server has read."""
    answered = sum(len(frame(request)) for request in bench.door.requests)
    return answered + sum(len(connection._input) for connection in bench.connections)


async def test_requests_of_one_segment_are_answered_with_one_write() -> None:
    requests = [b"q%d" % number for number in range(50)]
    async with serving() as bench, bench.client() as client:
        await client.send(*requests)
        octets = await asyncio.get_running_loop().sock_recv(client.socket, 65536)
    assert octets == b"".join(frame(b"re:" + request) for request in requests)


@pytest.mark.parametrize("seed", range(8))
async def test_the_borders_of_segments_mean_nothing(seed: int) -> None:
    draw = random.Random(seed)
    requests = [draw.randbytes(draw.choice((1, 2, 30, 255, 256, 9000))) for _ in range(20)]
    octets = b"".join(map(frame, requests))
    async with serving() as bench, bench.client() as client:
        sent = 0
        while sent < len(octets):
            part = octets[sent : sent + draw.choice((1, 2, 3, 300, 8192, 20_000))]
            await client.send_raw(part)
            sent += len(part)
            if draw.random() < 0.5:
                await turns(lambda expected=sent: seen(bench) == expected)  # type: ignore[misc]
        assert [await client.receive() for _ in requests] == [b"re:" + request for request in requests]


async def test_the_longest_message_is_answered() -> None:
    request = b"big 65535".ljust(65535)
    async with serving() as bench, bench.client() as client:
        await client.send(request)
        assert len(await client.receive() or b"") == 65535
        assert bench.door.requests == [request]


async def test_a_slow_answer_does_not_hold_up_later_ones() -> None:
    async with serving() as bench, bench.client() as client:
        await client.send(b"slow 1", b"fast 1", b"slow 2", b"fast 2")
        assert [await client.receive(), await client.receive()] == [b"re:fast 1", b"re:fast 2"]
        await client.send(b"fast 3")
        assert await client.receive() == b"re:fast 3"
        bench.door.release(b"slow 2", b"two")
        assert await client.receive() == b"two"
        bench.door.release(b"slow 1", b"one")
        assert await client.receive() == b"one"


async def test_a_client_that_has_shut_down_its_side_gets_what_it_asked_for() -> None:
    async with serving() as bench, bench.client() as client:
        await client.send(b"fast", b"slow 1", b"slow 2")
        await client.send_raw(frame(b"never whole")[:-1])
        client.socket.shutdown(socket.SHUT_WR)
        assert await client.receive() == b"re:fast"
        for request in (b"slow 2", b"slow 1"):
            bench.door.release(request, request)
        assert await client.receive_all() == [b"slow 2", b"slow 1"]
        await turns(lambda: not bench.connections)
        assert bench.door.requests == [b"fast", b"slow 1", b"slow 2"]


async def test_many_answers_reach_a_client_that_shut_down_its_side_before_it_reads() -> None:
    requests = [b"big 50000"] * 100  # 5 MB: more than the kernel's buffers hold
    async with serving() as bench, bench.client(receive_buffer_bytes=4096) as client:
        sending = asyncio.ensure_future(client.send(*requests))
        await turns(lambda: any(connection._output for connection in bench.connections))
        await sending
        client.socket.shutdown(socket.SHUT_WR)
        assert [len(reply) for reply in await client.receive_all()] == [50_000] * 100
        await turns(lambda: not bench.connections)


async def test_a_client_that_closes_is_forgotten() -> None:
    async with serving() as bench:
        async with bench.client() as client:
            await client.send(b"fast")
            await client.receive()
        await turns(lambda: not bench.connections)


@pytest.mark.parametrize("bad", [b"", b"silent"])
async def test_what_no_reply_may_be_sent_to_ends_the_connection_after_the_answers_owed(bad: bytes) -> None:
    async with serving() as bench, bench.client() as client:
        await client.send(b"fast 1", b"slow", b"fast 2", bad, b"never read")
        assert [await client.receive(), await client.receive()] == [b"re:fast 1", b"re:fast 2"]
        await client.send(b"nor this")  # it does not reset the connection, which would lose the last answer
        await turns(lambda: bool(bench.door.waiting))
        bench.door.release(b"slow")
        assert await client.receive_all() == [b"at last"]
        assert bench.door.requests == [b"fast 1", b"slow", b"fast 2", bad]
        await client.send(b"still talking")
        assert len(bench.pool) == 1
    await turns(lambda: not bench.connections)


async def test_silence_that_recursion_ends_in_ends_the_connection() -> None:
    async with serving() as bench, bench.client() as client:
        await client.send(b"slow")
        await turns(lambda: bool(bench.door.waiting))
        bench.door.release(b"slow", None)
        assert await client.receive_all() == []


async def test_a_reset_ends_what_waits_for_recursion(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as bench:
        async with bench.client() as client:
            await client.send(b"slow 1", b"slow 2", b"fast")
            assert await client.receive() == b"re:fast"
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await turns(lambda: not bench.connections and not bench.door.waiting and not bench.pool.pending)
    assert caplog.records == []


async def test_a_reply_to_a_client_that_has_gone_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as bench:
        async with bench.client() as client:
            await client.send(b"slow 1", b"slow 2", b"slow 3")
            await turns(lambda: len(bench.door.waiting) == 3)
        for request in bench.door.waiting:  # the first makes the client's kernel reset, the others meet that
            bench.door.release(request, b"x" * 60_000)
        await turns(lambda: not bench.connections and not bench.pool.pending)
    assert caplog.records == []


async def test_a_reset_while_replies_wait_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as bench:
        async with bench.client(receive_buffer_bytes=4096) as client:
            await client.send(b"slow", *[b"big 60000"] * 20)
            await turns(lambda: any(connection._output for connection in bench.connections))
        await turns(lambda: not bench.connections and not bench.pool.pending)
    assert caplog.records == []


async def test_recursion_that_is_stopped_elsewhere_ends_the_connection() -> None:
    async with serving() as bench, bench.client() as client:
        await client.send(b"slow")
        await turns(lambda: bool(bench.door.waiting))
        (task,) = bench.connections[0].tasks
        task.cancel()
        assert await client.receive_all() == []


async def test_a_bug_behind_the_door_is_logged_and_costs_one_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as bench, bench.client() as client, bench.client() as other:
        await client.send(b"slow")
        await turns(lambda: bool(bench.door.waiting))
        bench.door.fail(b"slow", KeyError("a bug"))
        assert await client.receive_all() == []
        await other.send(b"fast")
        assert await other.receive() == b"re:fast"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], KeyError)


async def test_stopping_closes_connections_and_ends_what_waits() -> None:
    async with serving() as bench, bench.client() as client, bench.client() as idle:
        await client.send(b"slow", b"fast")
        assert await client.receive() == b"re:fast"
        await turns(lambda: len(bench.connections) == 2)
        await bench.listener.stop()
        assert await client.receive_all() == []
        assert await idle.receive_all() == []
        assert bench.door.waiting == []
