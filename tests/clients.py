"""Clients for tests of running servers: one exchange over UDP or TCP, and waiting for a fact."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address

import dns.edns
import dns.flags
import dns.message

TIMEOUT_S = 5.0
POLL_S = 0.01


def make_query(name: str, rrtype: str = "A", *, is_recursive: bool = False, subnet: str = "") -> bytes:
    """Return a query in dnspython's own encoding, with EDNS; `subnet` such as 198.51.100.0/24."""
    options: list[dns.edns.Option] = []
    if subnet:
        address, _, length = subnet.partition("/")
        options.append(dns.edns.ECSOption(address, int(length)))
    flags = dns.flags.RD if is_recursive else dns.flags.Flag(0)
    query = dns.message.make_query(name, rrtype, use_edns=0, payload=1232, options=options, flags=flags)
    return query.to_wire()


class UdpClient:
    """A connected UDP socket that asks one question at a time."""

    def __init__(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect((address, port))

    def __enter__(self) -> UdpClient:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, datagram: bytes) -> None:
        """Send and expect nothing."""
        self._socket.send(datagram)

    async def receive(self) -> bytes:
        """Return the next datagram."""
        async with asyncio.timeout(TIMEOUT_S):
            return await asyncio.get_running_loop().sock_recv(self._socket, 65535)

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the first reply with its id."""
        async with asyncio.timeout(TIMEOUT_S):
            self._socket.send(request)
            while True:
                reply = await asyncio.get_running_loop().sock_recv(self._socket, 65535)
                if reply[:2] == request[:2]:
                    return reply


async def ask_udp(address: str, port: int, request: bytes) -> dns.message.Message:
    """Ask over UDP and decode the reply as dnspython does."""
    with UdpClient(address, port) as client:
        return dns.message.from_wire(await client.ask(request))


async def ask_tcp(address: str, port: int, *requests: bytes) -> list[dns.message.Message]:
    """Send all requests over one connection at once, then read as many replies."""
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection(address, port)
        try:
            writer.write(b"".join(len(request).to_bytes(2, "big") + request for request in requests))
            replies = []
            for _ in requests:
                length = int.from_bytes(await reader.readexactly(2), "big")
                replies.append(dns.message.from_wire(await reader.readexactly(length)))
            return replies
        finally:
            writer.close()
            await writer.wait_closed()


async def until(is_so: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Wait until something outside our events is so; a TimeoutError says that it never was."""
    async with asyncio.timeout(timeout_s):
        while not is_so():  # noqa: ASYNC110  # files, descriptors and tasks set no event
            await asyncio.sleep(POLL_S)


def texts(message: dns.message.Message) -> list[str]:
    """Return the answer section as sorted lines without the TTL: `owner TYPE rdata`."""
    return sorted(
        f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}"
        for rrset in message.answer
        for rdata in rrset
    )


def free_port() -> int:
    """Return a port that UDP and TCP can have on 127.0.0.1 at this moment."""
    for _ in range(100):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free for UDP and TCP")
