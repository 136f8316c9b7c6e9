"""How are thousands of questions put to a server in a second?

A window of queries is kept in flight: over one UDP socket, told apart by their ids and sent again when no
reply comes, and over one TCP connection for those that ask for it.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence

ADDRESS = "127.0.0.1"
WINDOW = 48
TRY_AGAIN_S = 1.0
MAX_TRIES = 5
TCP_TIMEOUT_S = 10.0
TCP_BURST = 100


class NoReplyError(Exception):
    """A server that stays silent."""


def ask_udp(port: int, queries: Sequence[bytes], try_again_s: float = TRY_AGAIN_S) -> list[bytes]:
    """Ask all queries and return the replies in their order; the first two octets (the id) are set here.

    Raises:
        NoReplyError: a query had no reply after five tries.
    """
    replies: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((ADDRESS, port))
        udp.setblocking(False)
        for start in range(0, len(queries), 60_000):  # ids do not repeat within a stretch
            replies += _ask_stretch(udp, queries[start : start + 60_000], try_again_s)
    return replies


def _ask_stretch(udp: socket.socket, queries: Sequence[bytes], try_again_s: float) -> list[bytes]:
    replies: list[bytes | None] = [None] * len(queries)
    sent_at: dict[int, float] = {}
    tries = [0] * len(queries)
    following = 0
    while sent_at or following < len(queries):
        while following < len(queries) and len(sent_at) < WINDOW:
            _send(udp, queries, following, sent_at, tries)
            following += 1
        if not select.select([udp], [], [], try_again_s)[0]:
            for number in list(sent_at):
                _send(udp, queries, number, sent_at, tries)
            continue
        while (reply := _receive(udp)) is not None:
            number = int.from_bytes(reply[:2], "big")
            if sent_at.pop(number, None) is not None:
                replies[number] = reply
    return [reply for reply in replies if reply is not None]


def _send(
    udp: socket.socket, queries: Sequence[bytes], number: int, sent_at: dict[int, float], tries: list[int]
) -> None:
    tries[number] += 1
    if tries[number] > MAX_TRIES:
        raise NoReplyError(f"no reply over UDP to {queries[number].hex()}")
    sent_at[number] = time.monotonic()
    try:
        udp.send(number.to_bytes(2, "big") + queries[number][2:])
    except (BlockingIOError, ConnectionRefusedError):
        return  # sent again later


def _receive(udp: socket.socket) -> bytes | None:
    try:
        return udp.recv(65535)
    except (BlockingIOError, ConnectionRefusedError):
        return None


def ask_tcp(port: int, queries: Sequence[bytes]) -> list[bytes]:
    """Ask all queries over one connection, some at a time, and return the replies in order of the queries.

    Raises:
        NoReplyError: the server closed the connection.
    """
    replies: list[bytes] = []
    if not queries:
        return replies
    with socket.create_connection((ADDRESS, port), TCP_TIMEOUT_S) as tcp, tcp.makefile("rb") as stream:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(queries), TCP_BURST):
            burst = queries[start : start + TCP_BURST]
            numbered = [number.to_bytes(2, "big") + query[2:] for number, query in enumerate(burst)]
            tcp.sendall(b"".join(len(query).to_bytes(2, "big") + query for query in numbered))
            found = {}
            for _ in burst:
                reply = stream.read(int.from_bytes(stream.read(2), "big"))
                if not reply:
                    raise NoReplyError(f"connection closed; asked {burst[0].hex()}")
                found[int.from_bytes(reply[:2], "big")] = reply
            replies += [found[number] for number in range(len(burst))]  # RFC 7766 §6.2.1.1: any order
    return replies
