"""The door's edges: EDNS versions and options, cookies above all."""

from __future__ import annotations

from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from r53lite.answering.access import AccessList
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.control.snapshot import Snapshot
from r53lite.health.table import HealthTable
from tests.answering.edges import (
    AA,
    CLIENT,
    ZONE,
    ask,
    make_door,
    opt,
    option,
    question,
    rcode_of,
    request,
    with_opt,
)
from tests.support import load_snapshot


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return load_snapshot(tmp_path, example_test_zone=ZONE)


@pytest.fixture
def door(snapshot: Snapshot) -> Dispatch:
    return make_door(snapshot)


def test_rfc6891_6_1_3_an_unknown_version_is_badvers_without_an_answer(door: Dispatch) -> None:
    for qname in ("www.example.test", "www.other.test"):
        reply = ask(door, with_opt(b"\xff", body=question(qname), version=1))
        assert (rcode_of(reply), reply.edns, reply.flags & AA) == ("BADVERS", 0, 0)
        assert not reply.answer + reply.authority + reply.additional


@pytest.mark.parametrize("code", [9, 12, 14, 65001])
def test_options_we_have_no_use_for_do_not_come_back(door: Dispatch, code: int) -> None:
    reply = ask(door, with_opt(option(code, b"x" * 8)), is_stream=True)
    assert (rcode_of(reply), reply.options) == ("NOERROR", ())


def test_rfc5001_nsid_comes_back_only_if_configured_and_asked_for(snapshot: Snapshot) -> None:
    named, nameless = make_door(snapshot, nsid=b"ns1"), make_door(snapshot)
    (nsid,) = ask(named, with_opt(option(3))).options
    assert isinstance(nsid, dns.edns.NSIDOption)
    assert nsid.nsid == b"ns1"
    assert ask(named, with_opt()).options == ()
    assert ask(nameless, with_opt(option(3))).options == ()


def test_rfc7828_keepalive_is_answered_over_tcp_alone(door: Dispatch) -> None:
    assert ask(door, with_opt(option(11)), is_stream=False).options == ()
    (keepalive,) = ask(door, with_opt(option(11)), is_stream=True).options
    assert keepalive.to_wire() == (125).to_bytes(2, "big")


def test_a_cookie_comes_back_with_a_server_cookie_that_is_then_kept(door: Dispatch) -> None:
    (first,) = ask(door, with_opt(option(10, CLIENT))).options
    assert isinstance(first, dns.edns.CookieOption)
    assert (first.client, len(first.server)) == (CLIENT, 16)
    (again,) = ask(door, with_opt(option(10, CLIENT + first.server))).options
    assert again == first
    reply = ask(door, with_opt(option(10, CLIENT + b"not from here..."), body=question("www.other.test")))
    assert first in reply.options
    assert rcode_of(reply) == "REFUSED"


def test_rfc7873_5_2_3_a_server_that_requires_cookies_says_badcookie_over_udp(snapshot: Snapshot) -> None:
    door = make_door(snapshot, is_cookie_required=True)
    asked = with_opt(option(10, CLIENT))
    refused = ask(door, asked)
    (cookie,) = refused.options
    assert isinstance(cookie, dns.edns.CookieOption)

    assert (rcode_of(refused), refused.answer, len(refused.question)) == ("BADCOOKIE", [], 1)
    assert rcode_of(ask(door, with_opt(option(10, CLIENT + cookie.server)))) == "NOERROR"
    assert rcode_of(ask(door, with_opt(option(10, CLIENT + bytes(16))))) == "BADCOOKIE"
    assert rcode_of(ask(door, asked, is_stream=True)) == "NOERROR"
    assert rcode_of(ask(door, with_opt())) == "NOERROR"


def test_rfc7873_5_4_a_cookie_can_be_asked_for_without_a_question(door: Dispatch) -> None:
    def ask_cookie(cookie: bytes) -> dns.message.Message:
        return ask(door, request(opt(option(10, cookie)), counts=(0, 0, 0, 1)))

    fresh = ask_cookie(CLIENT)
    (cookie,) = fresh.options
    assert isinstance(cookie, dns.edns.CookieOption)

    assert (rcode_of(fresh), fresh.question, fresh.answer) == ("NOERROR", [], [])
    assert rcode_of(ask_cookie(CLIENT + cookie.server)) == "NOERROR"
    assert rcode_of(ask_cookie(CLIENT + bytes(16))) == "BADCOOKIE"
    assert ask_cookie(CLIENT + bytes(16)).options == (cookie,)


@pytest.mark.parametrize("is_stream", [False, True])
def test_replayed_answers_hold_each_clients_own_cookie(door: Dispatch, is_stream: bool) -> None:
    """Requests that end in a cookie are kept without it; every reply must be the one a new door gives."""
    clients = [bytes([number]) * 8 for number in range(6)]
    plain = ask(door, with_opt(), is_stream=is_stream)
    for client in clients * 2:
        for cookie in (client, client + bytes(16)):
            reply = ask(door, with_opt(option(10, cookie)), is_stream=is_stream)
            (found,) = reply.options
            assert isinstance(found, dns.edns.CookieOption)
            assert found.client == client
            assert (reply.flags, reply.answer, reply.authority) == (
                plain.flags,
                plain.answer,
                plain.authority,
            )
            again = ask(door, with_opt(option(10, client + found.server)), is_stream=is_stream)
            assert again.options == reply.options


def test_a_request_cut_before_its_cookie_is_no_request_that_is_kept(door: Dispatch) -> None:
    for cookie in (CLIENT, CLIENT + bytes(16)):
        whole = with_opt(option(10, cookie))
        for _ in range(4):
            ask(door, whole)
        assert rcode_of(ask(door, whole[: -len(cookie)])) == "FORMERR"


def test_octets_that_look_like_a_cookie_at_the_end_are_no_cookie(door: Dispatch) -> None:
    """An unknown option, and a cookie before it, end in what a cookie option alone would look like."""
    for options in (
        option(65001, b"\x00\x0a\x00\x08" + CLIENT),
        option(10, b"11111111") + option(65001, b"\x00\x0a\x00\x08" + CLIENT),
        option(8, b"\x00\x01\x00\x00") + option(10, CLIENT),
    ):
        first = ask(door, with_opt(options))
        for _ in range(4):
            assert ask(door, with_opt(options)).to_wire() == first.to_wire()


def test_a_required_cookie_is_judged_in_replayed_answers_too(snapshot: Snapshot) -> None:
    door = make_door(snapshot, is_cookie_required=True)
    (cookie,) = ask(door, with_opt(option(10, CLIENT))).options
    assert isinstance(cookie, dns.edns.CookieOption)
    for _ in range(4):
        assert rcode_of(ask(door, with_opt(option(10, CLIENT + cookie.server)))) == "NOERROR"
        assert rcode_of(ask(door, with_opt(option(10, CLIENT + bytes(16))))) == "BADCOOKIE"
        assert rcode_of(ask(door, with_opt(option(10, CLIENT)))) == "BADCOOKIE"


def test_a_server_without_cookies_takes_no_notice_of_them(snapshot: Snapshot) -> None:
    door = Dispatch(lambda: snapshot, HealthTable, None, DispatchSettings(AccessList(())))
    assert ask(door, with_opt(option(10, CLIENT))).options == ()
    assert rcode_of(ask(door, request(opt(option(10, CLIENT)), counts=(0, 0, 0, 1)))) == "FORMERR"


def test_every_option_at_once_beside_the_longest_question_stays_within_512_octets(
    snapshot: Snapshot,
) -> None:
    door = make_door(snapshot, nsid=b"n" * 128)
    longest = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\x00\x00\x01\x00\x01"
    subnet = option(8, b"\x00\x02\x80\x00" + bytes(16))
    asked = with_opt(option(10, CLIENT) + option(3) + subnet, body=longest, payload_bytes=0)
    reply = door.answer(asked, "192.0.2.77", is_stream=False)
    assert isinstance(reply, bytes)
    assert len(reply) <= 512
    assert sorted(int(found.otype) for found in dns.message.from_wire(reply).options) == [3, 8, 10, 15]
