"""What a reply's OPT record holds beside the answer, and which requests end in a cookie."""

from __future__ import annotations

import struct

import pytest

from r53lite.answering.reply_options import ClientOptions, cookie_tail, ends_in_cookie
from r53lite.dns import rrtypes, wire
from r53lite.dns.cookies import ServerCookies
from r53lite.dns.edns import Edns
from r53lite.dns.message import Query
from r53lite.dns.name import parse_name

CLIENT = b"client 8"
NOW = 1_600_000_000


def option(code: int, content: bytes) -> bytes:
    return struct.pack("!HH", code, len(content)) + content


def request(options: bytes) -> bytes:
    opt = b"\x00" + struct.pack("!HHIH", rrtypes.OPT, 1232, 0, len(options)) + options
    return struct.pack("!6H", 7, 0, 1, 0, 0, 1) + parse_name("www.example.") + b"\x00\x01\x00\x01" + opt


def admitted(options: bytes) -> tuple[Query, bytes]:
    """Return a query as a server with cookies and a name admits it, and its request."""
    whole = request(options)
    server = ClientOptions(b"ns1", ServerCookies([bytes(16)]))
    return server.admit(wire.decode_query(whole), "192.0.2.1", is_stream=False, now=NOW), whole


@pytest.mark.parametrize(
    ("options", "tail", "is_alone"),
    [
        pytest.param(option(10, CLIENT), 8, True, id="a client's cookie"),
        pytest.param(option(10, CLIENT + bytes(16)), 24, True, id="with a server's"),
        pytest.param(option(10, CLIENT + bytes(8)), 0, False, id="with a server's of another length"),
        pytest.param(option(3, b"") + option(10, CLIENT), 8, False, id="behind another option"),
        pytest.param(option(10, CLIENT) + option(3, b""), 0, False, id="before another option"),
        pytest.param(option(65001, option(10, CLIENT)), 8, False, id="inside another option"),
        pytest.param(
            option(10, CLIENT) + option(65001, option(10, CLIENT)),
            8,
            False,
            id="a cookie, and one that is none",
        ),
    ],
)
def test_only_a_cookie_that_is_all_the_opt_record_holds_ends_a_request(
    options: bytes, tail: int, is_alone: bool
) -> None:
    query, whole = admitted(options)
    assert cookie_tail(whole) == tail
    assert ends_in_cookie(query, whole) is is_alone


@pytest.mark.parametrize("message", [b"", bytes(11), bytes(40), request(b"")])
def test_messages_without_a_cookie_end_in_none(message: bytes) -> None:
    assert cookie_tail(message) == 0


def test_a_server_without_cookies_judges_none() -> None:
    server = ClientOptions()
    assert server.judge(CLIENT, "192.0.2.1", is_stream=False, now=NOW) is None
    assert server.answer_cookie_query(Edns(0, 1232, False, cookie=CLIENT), "192.0.2.1", now=NOW) == (
        rrtypes.FORMERR,
        b"",
    )


@pytest.mark.parametrize(("is_required", "is_stream"), [(False, False), (True, False), (True, True)])
def test_a_cookie_that_has_to_be_ours_decides_over_udp_alone(is_required: bool, is_stream: bool) -> None:
    server = ClientOptions(b"", ServerCookies([bytes(16)]), is_required)
    fresh = ClientOptions(b"", ServerCookies([bytes(16)])).judge(CLIENT, "::1", is_stream=False, now=NOW)
    assert fresh is not None
    decides = is_required and not is_stream
    assert server.judge(CLIENT, "::1", is_stream=is_stream, now=NOW) == (None if decides else fresh)
    assert server.judge(fresh, "::1", is_stream=is_stream, now=NOW) == fresh
