"""The guard itself: traffic that leaves the loopback fails the test."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import GuardedSocket, TrafficGuardError, is_permitted


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::2", "example.com"])
def test_an_address_outside_the_loopback_is_not_permitted(address: str) -> None:
    assert not is_permitted((address, 53))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.53.0.3", "::1", "localhost"])
def test_a_loopback_address_is_permitted(address: str) -> None:
    assert is_permitted((address, 53))


def test_sending_outside_raises_before_a_packet_leaves() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(TrafficGuardError):
        sender.sendto(b"x", ("192.0.2.1", 9))
    assert GuardedSocket.escapes
    GuardedSocket.escapes.clear()


def test_connecting_outside_raises_before_a_packet_leaves() -> None:
    with socket.socket() as stream, pytest.raises(TrafficGuardError):
        stream.connect(("192.0.2.1", 9))
    GuardedSocket.escapes.clear()
