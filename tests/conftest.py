"""What every test gets: a guard that keeps all traffic on loopback, and properties without chance.

A property tries the same examples in each run; `make soak` tries others, and more of them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True)
settings.register_profile("chance", max_examples=1500, deadline=None, print_blob=True)
settings.load_profile("fixed")

_LOOPBACK = IPv4Network("127.0.0.0/8")


class TrafficGuardError(BaseException):
    """A test sent or connected outside 127.0.0.0/8 and ::1; no `except Exception` may hide it."""


def is_permitted(address: object) -> bool:
    """Say whether a socket address is one that tests may send to."""
    if not isinstance(address, tuple):
        return True  # a Unix socket stays on this machine
    try:
        ip = ip_address(str(address[0]).partition("%")[0])
    except ValueError:
        return bool(address[0] == "localhost")
    return ip == IPv6Address("::1") if ip.version == 6 else ip in _LOOPBACK


class GuardedSocket(socket.socket):
    """A socket that refuses to leave the loopback."""

    escapes: list[object] = []  # noqa: RUF012  # shared on purpose: read at the end of each test

    def _guard(self, address: object) -> None:
        if not is_permitted(address):
            self.escapes.append(address)
            raise TrafficGuardError(f"a test would send to {address!r}")

    def connect(self, address: Any) -> None:
        """Connect on loopback only."""
        self._guard(address)
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        """Connect on loopback only."""
        self._guard(address)
        return super().connect_ex(address)

    def sendto(self, data: Any, *args: Any) -> int:
        """Send on loopback only."""
        self._guard(args[-1])
        return super().sendto(data, *args)


@pytest.fixture(autouse=True)
def traffic_guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail any test that sends or connects outside 127.0.0.0/8 and ::1, even where it was swallowed."""
    GuardedSocket.escapes.clear()
    monkeypatch.setattr(socket, "socket", GuardedSocket)
    yield
    escapes = list(GuardedSocket.escapes)
    GuardedSocket.escapes.clear()
    assert not escapes, f"traffic outside the loopback: {escapes}"
