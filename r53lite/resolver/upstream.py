"""How do a query's bytes reach another server, and its reply's bytes come back?

Each exchange has its own UDP socket (asyncio-dgram; so the port is random too) or TCP connection and a random
message id (RFC 5452 §9). Datagrams that are no reply to the query are passed over until the time is up. Every
socket is closed when its exchange ends, however it ends.

Always true: nothing is sent to an address outside `networks`; every failure is an `UpstreamError`.

Carries out: RFC 5452 §9.1 and §9.2, RFC 7766 §8 (length before the message). Left out: TCP connections kept
open.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address

import asyncio_dgram

from r53lite.dns.address import Address, unmapped
from r53lite.errors import ResolutionError
from r53lite.system_errors import reason_of

Network = IPv4Network | IPv6Network

_HEADER_BYTES = 12
_QR_BIT = 0x80  # in the third octet
_ERROR_POLL_S = (
    0.05  # a waiting recv() of asyncio-dgram sleeps through "connection refused"; the next one raises it
)


class UpstreamError(ResolutionError):
    """An exchange brought no reply; `is_silence` says that the time was up, so another try may help."""

    def __init__(self, message: str, *, is_silence: bool = False) -> None:
        super().__init__(message)
        self.is_silence = is_silence


class Upstream:
    """Carries queries to other servers.

    Args:
        networks: where queries may go.
        port: the servers' port, 53 outside laboratories.
        draw_id: a random message id.
    """

    def __init__(
        self,
        networks: Iterable[Network],
        port: int,
        *,
        draw_id: Callable[[], int] = lambda: secrets.randbits(16),
    ) -> None:
        self._networks = tuple(networks)
        self._port = port
        self._draw_id = draw_id

    @property
    def port(self) -> int:
        """The port that every query goes to."""
        return self._port

    async def exchange(self, address: str, query: bytes, timeout_s: float, over_tcp: bool) -> bytes:
        """Send a query and return the reply.

        Args:
            address: of the server, in text form.
            query: a whole message; its id is replaced by a random one.
            timeout_s: for the whole exchange.
            over_tcp: whether TCP carries it.

        Returns:
            The reply as it came; its id and question are the query's.

        Raises:
            UpstreamError: the address is outside `networks` (nothing was sent), the time was up, or the
                network failed.
        """
        if not self._is_allowed(ip_address(address)):
            raise UpstreamError("is outside the networks that upstream queries may go to")
        query = self._draw_id().to_bytes(2, "big") + query[2:]
        carry = self._carry_over_tcp if over_tcp else self._carry_over_udp
        try:
            async with asyncio.timeout(timeout_s):
                return await carry(address, query)
        except TimeoutError as error:
            raise UpstreamError(f"did not answer within {timeout_s:.1f} s", is_silence=True) from error
        except asyncio.IncompleteReadError as error:
            raise UpstreamError("closed the connection before its reply was complete") from error
        except OSError as error:
            raise UpstreamError(f"could not be reached: {reason_of(error)}") from error
        except asyncio_dgram.TransportClosed as error:
            raise UpstreamError("could not be reached: the socket is closed") from error

    def _is_allowed(self, address: Address) -> bool:
        """Say whether queries may go to an address; the kernel sends an IPv4-mapped one over IPv4."""
        host = unmapped(address)
        return any(host in network for network in self._networks)

    async def _carry_over_udp(self, address: str, query: bytes) -> bytes:
        """Exchange datagrams until a reply to the query comes."""
        stream = await asyncio_dgram.connect((address, self._port))
        try:
            await stream.send(query)
            while True:
                reply = await _receive(stream)
                if is_reply_to(reply, query):
                    return reply
        finally:
            stream.close()

    async def _carry_over_tcp(self, address: str, query: bytes) -> bytes:
        """Exchange one message over a connection of its own."""
        reader, writer = await asyncio.open_connection(address, self._port)
        try:
            writer.write(len(query).to_bytes(2, "big") + query)
            length = int.from_bytes(await reader.readexactly(2), "big")
            reply = await reader.readexactly(length)
        finally:
            writer.transport.abort()  # everything was sent, and waiting for the peer's FIN helps nobody
        if not is_reply_to(reply, query):
            raise UpstreamError("answered another question over TCP")
        return reply


async def _receive(stream: asyncio_dgram.DatagramClient) -> bytes:
    """Wait for a datagram; a network error that comes meanwhile is raised as OSError."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ERROR_POLL_S):
                datagram: bytes = (await stream.recv())[0]
                return datagram


def is_reply_to(reply: bytes, query: bytes) -> bool:
    """Say whether a message is a response with the query's id and question.

    Letter case of the name does not matter; an error without a question passes (RFC 1035 §4.1.1 FORMERR).

    Source: RFC 5452 §9.1.
    """
    if len(reply) < _HEADER_BYTES or reply[:2] != query[:2] or not reply[2] & _QR_BIT:
        return False
    if reply[4:6] == b"\x00\x00":
        return reply[3] & 0x0F != 0
    end = _HEADER_BYTES
    while query[end]:
        end += 1 + query[end]
    end += 1
    return (
        reply[4:6] == b"\x00\x01"
        and reply[_HEADER_BYTES:end].lower() == query[_HEADER_BYTES:end].lower()
        and reply[end : end + 4] == query[end : end + 4]
    )
