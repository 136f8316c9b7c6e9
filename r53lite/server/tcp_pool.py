"""Which TCP connections stay, and which must go?

One pool holds the connections of all TCP sockets of a server, so that its limits are those of the process.
Connections stand in the order of their last whole request. At a limit the new connection is taken and the
one that has not asked for longest goes, one that is owed a reply last; gdnsd does the same, and RFC 7766
§6.2.3 lets the time an idle connection may stay vary. Octets are no requests, so a client that sends one now
and then grows old as a silent one does. Refusing the newcomer, as NSD, Knot and BIND do, lets anybody who
opens enough connections shut out the rest.

One timer looks over all connections once a second and ends those whose time is up: a timer for each read
would cost more than the answer. Its coarseness is added to the timeouts, never taken from them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address
from itertools import islice

from r53lite.config.settings import TcpSettings
from r53lite.server.tcp_connection import Door, TcpConnection

SWEEP_S = 1.0  # our choice; a look over 1,000 connections takes 0.2 ms
MAX_PENDING = 2000  # replies of all connections that wait for recursion; as many as for UDP, 3 kB each
RECLAIM_LOOK = (
    16  # how many of the oldest are asked whether they are owed a reply: more would make accepting slow
)
_IPV6_CLIENT_BYTES = 8

logger = logging.getLogger("r53lite.server")


class TcpPool:
    """The connections of one server.

    Args:
        settings: the limits.
        clock: seconds that never go back.
    """

    def __init__(
        self, settings: TcpSettings | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings = settings or TcpSettings()
        self.clock = clock
        self.pending = 0  # tasks of all connections
        self.accepted = 0
        self.reclaimed = 0
        self.timed_out = 0
        self._connections: OrderedDict[TcpConnection, None] = OrderedDict()  # the longest silent first
        self._clients: dict[object, set[TcpConnection]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._connections)

    @property
    def pending_limit(self) -> int:
        """Return how many questions of one connection may wait for recursion now.

        When too many wait in all, each connection may still have one: what is in flight stays bounded, and a
        connection never waits for the end of another's.
        """
        return self.settings.max_pending_per_connection if self.pending < MAX_PENDING else 1

    def admit(self, accepted: socket.socket, address: str, door: Door) -> TcpConnection:
        """Take a connection; where a limit is reached, another ends for it."""
        key = client_key(address)
        if key is not None:
            siblings = self._clients.get(key, ())
            if len(siblings) >= self.settings.max_connections_per_client:
                self._reclaim(min(siblings, key=_age_key))
        if len(self._connections) >= self.settings.max_connections:
            self.reclaim_one()
        connection = TcpConnection(accepted, address, door, self, self.clock())
        self._connections[connection] = None
        if key is not None:
            self._clients.setdefault(key, set()).add(connection)
        self.accepted += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._tick)
        return connection

    def reclaim_one(self) -> bool:
        """End the connection that can be spared most; False where there is none."""
        if not self._connections:
            return False
        oldest = islice(self._connections, RECLAIM_LOOK)
        self._reclaim(min(oldest, key=_is_owed))  # the first of equals
        return True

    def _reclaim(self, connection: TcpConnection) -> None:
        self.reclaimed += 1
        connection.close("its place is needed")

    def note_request(self, connection: TcpConnection) -> float:
        """Note that a connection has asked something, and return the time."""
        self._connections.move_to_end(connection)
        return self.clock()

    def forget(self, connection: TcpConnection) -> None:
        """Take a closed connection out of all counts."""
        del self._connections[connection]
        key = client_key(connection.address)
        if key is not None:
            siblings = self._clients[key]
            siblings.discard(connection)
            if not siblings:
                del self._clients[key]

    def _tick(self) -> None:
        """Sweep, and again later for as long as there is a connection."""
        self._timer = None
        self.sweep()
        if self._connections:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._tick)

    def sweep(self) -> None:
        """End every connection whose time is up."""
        now = self.clock()
        ends = [(connection, connection.overdue(now)) for connection in self._connections]
        for connection, reason in ends:
            if reason is not None:
                self.timed_out += 1
                connection.close(reason)

    async def close(self) -> None:
        """End all connections and wait until what they had in flight has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        tasks = [task for connection in self._connections for task in connection.tasks]
        for connection in list(self._connections):
            connection.close("the server stops")
        await asyncio.gather(*tasks, return_exceptions=True)


def client_key(address: str) -> object:
    """Return what a client is counted by: its IPv4 address or IPv6 /64; None for loopback, not counted.

    Args:
        address: an IP address, a link-local one with its interface behind `%`.
    """
    if ":" not in address:
        return None if address.startswith("127.") else address
    if address == "::1":
        return None
    return ip_address(address.partition("%")[0]).packed[:_IPV6_CLIENT_BYTES]


def _is_owed(connection: TcpConnection) -> bool:
    return connection.owes_replies


def _age_key(connection: TcpConnection) -> tuple[bool, float]:
    return connection.owes_replies, connection.active_at
