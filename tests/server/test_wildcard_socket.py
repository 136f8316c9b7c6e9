"""A socket on every address answers from the address that was asked."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from r53lite.dns import wire
from r53lite.dns.name import parse_name
from r53lite.server.udp import UdpListener
from tests.support import load_snapshot, make_dispatch


@pytest.mark.parametrize(("listen", "target"), [("0.0.0.0", "127.0.0.5"), ("::", "::1")])
async def test_the_reply_leaves_from_the_address_the_request_came_to(
    tmp_path: Path, listen: str, target: str
) -> None:
    zone = "@ 60 SOA ns a 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n"
    listener = UdpListener(make_dispatch(load_snapshot(tmp_path, a_test_zone=zone)), listen, 0)
    listener.start()
    loop = asyncio.get_running_loop()
    client = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        client.setblocking(False)
        client.connect((target, listener.port))  # connected: a reply from elsewhere is not delivered
        client.send(wire.encode_query(9, parse_name("ns.a.test"), 1))
        async with asyncio.timeout(5):
            reply = await loop.sock_recv(client, 4096)
    finally:
        client.close()
        await listener.stop()
    assert wire.decode_message(reply).answer[0].rdatas == (b"\xc0\x00\x02\x01",)
