"""Datagrams received and sent in batches are the ones that single calls would see."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator

import pytest

from r53lite.server import mmsg

pytestmark = pytest.mark.usefixtures("linux")


@pytest.fixture
def linux() -> None:
    """Linux is where batches are; elsewhere the server takes one datagram at a time."""
    assert mmsg.is_supported()


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind(("127.0.0.1", 0))
        yield server


@pytest.fixture
def make_client(bound: socket.socket) -> Iterator[Callable[[str], socket.socket]]:
    clients = []

    def make(address: str) -> socket.socket:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind((address, 0))
        client.connect(bound.getsockname())
        client.settimeout(5)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


Make = Callable[[str], socket.socket]


def test_nothing_is_received_where_nothing_came(bound: socket.socket) -> None:
    assert mmsg.DatagramBatch(bound).receive() == []


def test_datagrams_come_whole_with_their_senders(bound: socket.socket, make_client: Make) -> None:
    one, two = make_client("127.0.0.1"), make_client("127.0.0.2")
    sent = [b"a", b"b" * mmsg.SLOT_BYTES, b"c" * (mmsg.SLOT_BYTES + 1), b"d" * 60_000, b""]
    for octets in sent:
        one.send(octets)
    two.send(b"e")
    batch = mmsg.DatagramBatch(bound)
    assert batch.receive() == [*sent, b"e"]
    assert [batch.client(index) for index in (0, 5)] == ["127.0.0.1", "127.0.0.2"]
    assert batch.sender(5) == two.getsockname()


def test_a_batch_is_never_larger_than_its_limit(bound: socket.socket, make_client: Make) -> None:
    client = make_client("127.0.0.1")
    for number in range(mmsg.BATCH + 3):
        client.send(b"%d" % number)
    batch = mmsg.DatagramBatch(bound)
    assert batch.receive() == [b"%d" % number for number in range(mmsg.BATCH)]
    assert batch.receive() == [b"64", b"65", b"66"]


def test_replies_go_to_the_senders_they_answer(bound: socket.socket, make_client: Make) -> None:
    clients = [make_client(f"127.0.0.{number}") for number in (1, 2, 3)]
    batch = mmsg.DatagramBatch(bound)
    for indexes, replies in (((2, 0), [b"two", b"zero"]), (None, [b"0", b"1", b"2"])):
        for client in clients:
            client.send(b"?")
        assert batch.receive() == [b"?"] * 3
        batch.send(replies, indexes)
        for index, reply in zip(range(3) if indexes is None else indexes, replies, strict=True):
            assert clients[index].recv(100) == reply


def test_a_reply_that_cannot_be_sent_does_not_stop_the_others(
    bound: socket.socket, make_client: Make
) -> None:
    clients = [make_client("127.0.0.1"), make_client("127.0.0.2")]
    for client in clients:
        client.send(b"?")
    batch = mmsg.DatagramBatch(bound)
    batch.receive()
    batch._name_view[2:4] = bytes(2)  # port 0: sendmmsg refuses it (EINVAL)
    batch.send([b"nowhere", b"here"], None)
    assert clients[1].recv(100) == b"here"


@pytest.mark.parametrize("order", [None, (1, 0)])
@pytest.mark.parametrize(("family", "anywhere", "targets"), [
    (socket.AF_INET, "0.0.0.0", ("127.0.0.5", "127.0.0.6")),
    (socket.AF_INET6, "::", ("::1", "::1")),
])  # fmt: skip
async def test_a_wildcard_sockets_replies_leave_from_where_requests_came_to(
    family: socket.AddressFamily, anywhere: str, targets: tuple[str, str], order: tuple[int, int] | None
) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        level, option = (socket.IPPROTO_IP, 8) if family == socket.AF_INET else (socket.IPPROTO_IPV6, 49)
        server.setsockopt(level, option, 1)
        server.bind((anywhere, 0))
        batch = mmsg.DatagramBatch(server, is_wildcard=True)
        clients = [socket.socket(family, socket.SOCK_DGRAM) for _ in targets]
        try:
            for client, target in zip(clients, targets, strict=True):
                client.setblocking(False)
                client.connect(
                    (target, server.getsockname()[1])
                )  # what comes from elsewhere is not delivered
                client.send(target.encode())
            assert batch.receive() == [target.encode() for target in targets]
            assert all(len(batch.source(index)) == 1 for index in (0, 1))
            batch.send([b"0", b"1"] if order is None else [b"1", b"0"], order)
            for number, client in enumerate(clients):
                async with asyncio.timeout(5):
                    reply = await asyncio.get_running_loop().sock_recv(client, 100)
                assert reply == b"%d" % number
        finally:
            for client in clients:
                client.close()
