"""How is a listening socket made? Non-blocking; one on IPv6 takes no IPv4 (RFC 3493 §5.3)."""

from __future__ import annotations

import socket
from collections.abc import Iterable

Option = tuple[int, int, int]  # level, option, value


def bind_socket(kind: socket.SocketKind, address: str, port: int, options: Iterable[Option]) -> socket.socket:
    """Make a socket, set its options and bind it.

    Args:
        kind: SOCK_DGRAM or SOCK_STREAM.
        address: an IP address.
        port: the port; 0 lets the system choose.
        options: set before the socket is bound.

    Raises:
        OSError: the address or port cannot be had; nothing is left open.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        bound.setblocking(False)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option in options:
            bound.setsockopt(*option)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
