"""The limits of TCP: time, numbers, memory, descriptors."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest

from r53lite.config.settings import TcpSettings
from r53lite.server import tcp, tcp_pool
from r53lite.server.tcp_connection import MAX_OUTPUT_BYTES, READ_BYTES, WRITE_BATCH_BYTES
from r53lite.server.tcp_pool import client_key
from tests.server.tcp_harness import Bench, Client, frame, serving, turns

LIMITS = TcpSettings(idle_timeout_s=10, message_timeout_s=5, write_timeout_s=4)


async def connected(bench: Bench, client: Client, request: bytes = b"hello") -> None:
    """Ask once, so that the server knows the client."""
    await client.send(request)
    assert await client.receive() == b"re:" + request


# --- time ---------------------------------------------------------------------------------------------------


async def test_an_idle_connection_is_closed_and_one_that_asks_is_not() -> None:
    async with serving(LIMITS) as bench, bench.client() as idle, bench.client() as busy:
        await connected(bench, idle)
        await connected(bench, busy)
        bench.pass_time(9.9)
        assert len(bench.pool) == 2
        await connected(bench, busy)
        bench.pass_time(0.1)
        assert await idle.receive() is None
        await connected(bench, busy)
        assert bench.pool.timed_out == 1


async def test_a_connection_that_never_asks_is_closed() -> None:
    async with serving(LIMITS) as bench, bench.client() as client:
        await turns(lambda: len(bench.pool) == 1)
        bench.pass_time(10)
        assert await client.receive() is None


async def test_a_client_that_waits_for_recursion_is_not_idle() -> None:
    async with serving(LIMITS) as bench, bench.client() as client:
        await client.send(b"slow")
        await turns(lambda: bool(bench.door.waiting))
        bench.pass_time(60)
        bench.door.release(b"slow")
        assert await client.receive() == b"at last"
        bench.pass_time(9.9)  # idle from its answer on, not from its question
        assert len(bench.pool) == 1
        bench.pass_time(0.1)
        assert await client.receive() is None


@pytest.mark.parametrize("first", [b"", frame(b"whole")])
async def test_octets_now_and_then_do_not_prolong_the_time_for_a_message(first: bytes) -> None:
    async with serving(LIMITS) as bench, bench.client() as client:
        await client.send_raw(first + frame(b"longer than six octets")[:3])
        await turns(lambda: [len(connection._input) for connection in bench.connections] == [3])
        for count in range(4, 8):
            bench.pass_time(1)
            await client.send_raw(b"x")
            await turns(lambda expected=count: len(bench.connections[0]._input) == expected)  # type: ignore[misc]
        bench.pass_time(0.9)
        assert len(bench.pool) == 1
        bench.pass_time(0.1)
        await turns(lambda: not bench.connections)


async def test_the_time_for_a_message_begins_anew_with_each_message() -> None:
    async with serving(LIMITS) as bench, bench.client() as client:
        for number in range(6):
            await client.send_raw(frame(b"q")[1:] + frame(b"q")[:1] if number else frame(b"q")[:1])
            await turns(lambda expected=number: len(bench.door.requests) == expected)  # type: ignore[misc]
            await turns(lambda: [len(connection._input) for connection in bench.connections] == [1])
            bench.pass_time(4)
        assert len(bench.pool) == 1


async def test_a_client_that_does_not_read_is_cut_and_costs_bounded_memory() -> None:
    async with serving(LIMITS) as bench, bench.client(receive_buffer_bytes=4096) as client:
        await client.send(*[b"big 60000"] * 2000)
        await turns(lambda: any(connection._output for connection in bench.connections))
        (connection,) = bench.connections
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(bench.door.requests) < 50
        assert len(connection._output) <= WRITE_BATCH_BYTES + 65537
        assert len(connection._input) <= READ_BYTES
        bench.pass_time(3.9)
        assert len(bench.pool) == 1
        bench.pass_time(0.1)
        assert not len(bench.pool)
        with pytest.raises(ConnectionResetError):
            await client.receive_all()


async def test_reading_a_little_now_and_then_does_not_prolong_the_time_for_replies() -> None:
    async with serving(LIMITS) as bench, bench.client(receive_buffer_bytes=4096) as client:
        await client.send(*[b"big 60000"] * 20)
        await turns(lambda: any(connection._output for connection in bench.connections))
        for _ in range(4):
            await asyncio.get_running_loop().sock_recv(client.socket, 500)
            assert len(bench.pool) == 1
            bench.pass_time(1)
        assert not len(bench.pool)


async def test_a_client_that_reads_on_gets_everything() -> None:
    async with serving(LIMITS) as bench, bench.client(receive_buffer_bytes=4096) as client:
        sending = asyncio.ensure_future(client.send(*[b"big 60000"] * 100, b"last"))
        await turns(lambda: any(connection._output for connection in bench.connections))
        assert {len(await client.receive() or b"") for _ in range(100)} == {60_000}
        assert await client.receive() == b"re:last"
        await sending
        bench.pass_time(9)
        await connected(bench, client)


async def test_late_answers_cannot_fill_the_memory_of_a_client_that_does_not_read() -> None:
    count = MAX_OUTPUT_BYTES // 60_000 + 2
    async with (
        serving(TcpSettings(max_pending_per_connection=count + 1)) as bench,
        bench.client(receive_buffer_bytes=4096) as client,
    ):
        slow = [b"slow %d" % number for number in range(count)]
        await client.send(*slow, *[b"big 60000"] * 20)
        await turns(lambda: len(bench.door.waiting) == count)
        await turns(lambda: any(connection._output for connection in bench.connections))
        for request in slow:
            bench.door.release(request, b"x" * 60_000)
        await turns(lambda: not bench.connections)


async def test_the_time_that_the_server_does_not_read_is_not_the_clients() -> None:
    async with (
        serving(TcpSettings(message_timeout_s=5, max_pending_per_connection=1)) as bench,
        bench.client() as client,
    ):
        await client.send_raw(frame(b"slow") + frame(b"fast")[:3])
        await turns(lambda: bool(bench.door.waiting))
        bench.pass_time(60)
        bench.door.release(b"slow")
        assert await client.receive() == b"at last"
        bench.pass_time(4)
        await client.send_raw(frame(b"fast")[3:])
        assert await client.receive() == b"re:fast"


async def test_a_client_that_never_closes_after_the_end_is_cut() -> None:
    async with serving(LIMITS) as bench, bench.client() as client:
        await client.send(b"silent")
        assert await client.receive() is None
        await client.send(b"anything")
        bench.pass_time(4.9)
        assert len(bench.pool) == 1
        bench.pass_time(0.1)
        assert not len(bench.pool)


async def test_the_timer_runs_while_there_are_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_pool, "SWEEP_S", 0.001)
    async with serving(LIMITS) as bench:
        for _ in range(2):
            async with bench.client() as client:
                await connected(bench, client)
                bench.clock.now += 10
                assert await client.receive() is None
                await turns(lambda: bench.pool._timer is None)


# --- numbers ------------------------------------------------------------------------------------------------


async def test_a_connection_is_not_read_while_its_share_waits_for_recursion() -> None:
    async with serving(TcpSettings(max_pending_per_connection=2)) as bench, bench.client() as client:
        await client.send(b"slow 1", b"slow 2", b"fast", b"slow 3", b"slow 4")
        await turns(lambda: len(bench.door.waiting) == 2)
        await client.send(b"last")
        assert bench.door.requests == [b"slow 1", b"slow 2"]
        bench.door.release(b"slow 2")
        assert [await client.receive(), await client.receive()] == [b"at last", b"re:fast"]
        assert bench.door.waiting == [b"slow 1", b"slow 3"]
        for request in (b"slow 1", b"slow 3"):
            bench.door.release(request)
        await turns(lambda: bench.door.waiting == [b"slow 4"])
        assert [await client.receive() for _ in range(3)] == [b"at last", b"at last", b"re:last"]


async def test_when_too_many_wait_in_all_each_connection_may_have_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_pool, "MAX_PENDING", 3)
    async with serving() as bench, bench.client() as first, bench.client() as second:
        await first.send(*[b"slow %d" % number for number in range(5)])
        await turns(lambda: len(bench.door.waiting) == 3)
        await second.send(b"fast", b"slow 8", b"slow 9")
        assert await second.receive() == b"re:fast"
        await turns(lambda: bench.door.waiting[3:] == [b"slow 8"])
        for number in (0, 1, 2, 8):
            bench.door.release(b"slow %d" % number)
        await turns(lambda: sorted(bench.door.waiting) == [b"slow 3", b"slow 4", b"slow 9"])


async def test_at_the_limit_the_connection_that_asked_longest_ago_goes() -> None:
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(serving(TcpSettings(max_connections=3)))
        first, second, third, fourth, fifth = [bench.client() for _ in range(5)]
        for client in (first, second, third):
            await stack.enter_async_context(client)
            await connected(bench, client)
        await connected(bench, first)
        await stack.enter_async_context(fourth)
        await connected(bench, fourth)
        assert await second.receive() is None
        await third.send_raw(b"\x00")  # an octet is no request
        await turns(lambda: any(connection._input for connection in bench.connections))
        await stack.enter_async_context(fifth)
        await connected(bench, fifth)
        assert await third.receive() is None
        for client in (first, fourth, fifth):
            await connected(bench, client)
        assert bench.pool.reclaimed == 2


async def test_a_connection_that_is_owed_a_reply_goes_last() -> None:
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(serving(TcpSettings(max_connections=2)))
        asking, idle, new, newer = [bench.client() for _ in range(4)]
        await stack.enter_async_context(asking)
        await asking.send(b"slow")
        await turns(lambda: bool(bench.door.waiting))
        await stack.enter_async_context(idle)
        await connected(bench, idle)
        await stack.enter_async_context(new)
        await connected(bench, new)
        assert await idle.receive() is None
        await new.send(b"slow too")
        await turns(lambda: len(bench.door.waiting) == 2)
        await stack.enter_async_context(newer)  # now the oldest of those that are owed one
        await connected(bench, newer)
        assert await asking.receive() is None
        await turns(lambda: bench.door.waiting == [b"slow too"])


async def test_a_client_at_its_limit_loses_its_own_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_pool, "client_key", lambda address: address)  # loopback is not counted
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(serving(TcpSettings(max_connections_per_client=2)))
        first, second, third = [bench.client() for _ in range(3)]
        for client in (first, second):
            await stack.enter_async_context(client)
            await connected(bench, client)
            bench.clock.now += 1
        await connected(bench, first)
        await stack.enter_async_context(third)
        await connected(bench, third)
        assert await second.receive() is None
        await connected(bench, first)
        assert bench.pool.reclaimed == 1


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", None),
        ("127.200.0.9", None),
        ("::1", None),
        ("2001:db8:0:1::1", bytes.fromhex("20010db800000001")),
        ("2001:db8:0:1:ffff::2", bytes.fromhex("20010db800000001")),
        ("fe80::1%eth0", bytes.fromhex("fe80000000000000")),
    ],
)
def test_what_a_client_is_counted_by(address: str, expected: object) -> None:
    assert client_key(address) == expected


# --- descriptors --------------------------------------------------------------------------------------------


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Let no further file be opened in this process."""
    gc.collect()  # what an earlier test has dropped is not to be closed meanwhile
    lowest_free = os.dup(0)
    os.close(lowest_free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_descriptors_an_idle_connection_makes_room(caplog: pytest.LogCaptureFixture) -> None:
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(serving())
        idle, new = bench.client(), bench.client()
        await stack.enter_async_context(idle)
        await connected(bench, idle)
        with no_descriptors_left():
            await stack.enter_async_context(new)
            await connected(bench, new)
        assert await idle.receive() is None
    assert caplog.records == []


async def test_without_descriptors_or_connections_accepting_rests_and_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "ACCEPT_RETRY_S", 0.001)
    caplog.set_level(logging.WARNING)
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(serving())
        client = bench.client()
        with no_descriptors_left():
            await stack.enter_async_context(client)
            await turns(lambda: bench.listener._retry is not None)
            first = bench.listener._retry
            await turns(lambda: bench.listener._retry is not first)  # it has tried again, and rests again
        await connected(bench, client)
    (record,) = caplog.records
    assert record.exc_info is None
    assert (
        record.getMessage() == "cannot accept a TCP connection: [Errno 24] Too many open files; trying again"
    )


async def test_a_connection_that_broke_while_it_waited_does_not_stop_accepting() -> None:
    async with serving() as bench:
        broken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        broken.setblocking(False)
        await asyncio.get_running_loop().sock_connect(broken, ("127.0.0.1", bench.listener.port))
        broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        broken.close()
        async with bench.client() as client:
            await connected(bench, client)
