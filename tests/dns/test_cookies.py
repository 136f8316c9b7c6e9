"""Server cookies: RFC 9018's own examples, lifetimes, secrets that change, and the table of judgements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import cookies
from r53lite.dns.cookies import ServerCookies, siphash24

SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
CLIENT = bytes.fromhex("2464c4abcf10c957")
ADDRESS = "198.51.100.100"
ISSUED = 1559731985
COOKIE = CLIENT + bytes.fromhex("010000005cf79f111f8130c3eee29480")
HOUR = 3600


@pytest.fixture
def server() -> ServerCookies:
    return ServerCookies([SECRET])


def test_siphash_gives_the_papers_example() -> None:
    """Appendix A of the SipHash paper: key 00 … 0f, message 00 … 0e."""
    assert siphash24(bytes(range(16)), bytes(range(15))) == (0xA129CA6149BE45E5).to_bytes(8, "little")


def test_rfc9018_a_1_a_client_cookie_alone_gets_a_server_cookie(server: ServerCookies) -> None:
    judgement = server.judge(CLIENT, ADDRESS, ISSUED)
    assert judgement.reply == COOKIE
    assert not judgement.is_valid


def test_rfc9018_a_2_a_cookie_of_40_minutes_is_valid_and_renewed(server: ServerCookies) -> None:
    judgement = server.judge(COOKIE, ADDRESS, 1559734385)
    assert judgement.is_valid
    assert judgement.reply == CLIENT + bytes.fromhex("010000005cf7a871d4a564a1442aca77")


def test_rfc9018_a_3_reserved_octets_are_hashed_as_they_come_and_not_given_back(
    server: ServerCookies,
) -> None:
    client = bytes.fromhex("fc93fc62807ddb86")
    cookie = client + bytes.fromhex("01abcdef5cf78f71a314227b6679ebf5")
    issued = 0x5CF78F71
    judgement = server.judge(cookie, "203.0.113.203", issued + 60)
    assert judgement.is_valid
    assert judgement.reply[:16] == client + b"\x01\x00\x00\x00" + (issued + 60).to_bytes(4, "big")


def test_rfc9018_a_4_an_old_secret_is_accepted_and_the_new_one_signs() -> None:
    old, new = (
        bytes.fromhex(secret)
        for secret in ("dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962")
    )
    client, address = bytes.fromhex("22681ab97d52c298"), "2001:db8:220:1:59de:d0f4:8769:82b8"
    judgement = ServerCookies([new, old]).judge(
        client + bytes.fromhex("010000005cf7c57926556bd0934c72f8"), address, 1559741961
    )
    assert judgement.is_valid
    assert judgement.reply == client + bytes.fromhex("010000005cf7c609a6bb79d16625507a")


@pytest.mark.parametrize(
    ("age_s", "is_valid", "is_kept"),
    [
        (-301, False, False),
        (-300, True, True),
        (0, True, True),
        (1799, True, True),
        (1800, True, False),
        (HOUR, True, False),
        (HOUR + 1, False, False),
        (2**31, False, False),
    ],
)
def test_rfc9018_4_3_a_cookie_lives_an_hour_and_is_renewed_after_half(
    server: ServerCookies, age_s: int, is_valid: bool, is_kept: bool
) -> None:
    judgement = server.judge(COOKIE, ADDRESS, ISSUED + age_s)
    assert (judgement.is_valid, judgement.reply == COOKIE) == (is_valid, is_kept)


def test_rfc9018_4_3_time_is_counted_modulo_2_to_the_32(server: ServerCookies) -> None:
    before = 2**32 - 10
    cookie = server.judge(CLIENT, ADDRESS, before).reply
    assert ServerCookies([SECRET]).judge(cookie, ADDRESS, before + 20).is_valid


@pytest.mark.parametrize(
    ("cookie", "address"),
    [
        pytest.param(COOKIE, "198.51.100.101", id="another address"),
        pytest.param(b"\x25" + COOKIE[1:], ADDRESS, id="another client cookie"),
        pytest.param(COOKIE[:-1] + b"\x81", ADDRESS, id="another hash"),
        pytest.param(COOKIE[:8] + b"\x02" + COOKIE[9:], ADDRESS, id="another version"),
        pytest.param(COOKIE[:16], ADDRESS, id="a server part of 8 octets"),
        pytest.param(COOKIE + bytes(16), ADDRESS, id="a server part of 32 octets"),
    ],
)
def test_a_cookie_that_is_not_ours_gets_a_fresh_one(
    server: ServerCookies, cookie: bytes, address: str
) -> None:
    judgement = server.judge(cookie, address, ISSUED)
    assert not judgement.is_valid
    assert judgement.reply[:16] == cookie[:8] + COOKIE[8:16]
    assert server.judge(judgement.reply, address, ISSUED).is_valid


def test_an_ipv4_client_of_an_ipv6_socket_is_an_ipv4_client(server: ServerCookies) -> None:
    assert server.judge(COOKIE, f"::ffff:{ADDRESS}", ISSUED).is_valid


def test_a_judgement_is_kept_until_the_cookie_has_to_be_renewed(
    server: ServerCookies, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []

    def spy(key: bytes, message: bytes) -> bytes:
        hashed.append(message)
        return siphash24(key, message)

    monkeypatch.setattr(cookies, "siphash24", spy)
    for now in (ISSUED, ISSUED + 1, ISSUED + 1799):
        assert server.judge(COOKIE, ADDRESS, now).is_valid
    assert len(hashed) == 1
    assert server.judge(COOKIE, ADDRESS, ISSUED + 1800).reply != COOKIE


def test_the_table_of_judgements_is_bounded(server: ServerCookies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cookies, "MAX_REMEMBERED", 4)
    for number in range(20):
        server.judge(number.to_bytes(8, "big"), ADDRESS, ISSUED)
    assert len(server._judged) <= 4


@pytest.mark.parametrize("secrets", [[], [b"short"], [SECRET, b""]])
def test_secrets_have_16_octets(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="16 octets"):
        ServerCookies(secrets)


@given(st.binary(min_size=8, max_size=8), st.binary(max_size=32), st.ip_addresses(), st.integers(0, 2**33))
def test_what_is_given_is_accepted_from_the_same_client(
    client: bytes, junk: bytes, address: object, now: int
) -> None:
    server = ServerCookies([SECRET])
    reply = server.judge(client + junk, str(address), now).reply
    assert len(reply) == 24
    assert reply[:8] == client
    assert server.judge(reply, str(address), now + HOUR).is_valid
