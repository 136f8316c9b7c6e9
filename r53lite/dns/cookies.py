"""Did this client get its cookie from us, and which cookie goes back to it?

Interoperable server cookies: 16 octets, which any server with the same secret can make and check without
keeping state: version, reserved octets, time of issue, and a SipHash-2-4 over these, the client's cookie and
its address. A valid cookie shows that the client receives what is sent to its address. Pure: time is an
argument, secrets are given.

SipHash in Python costs about 13 µs (IPv4) to 17 µs (IPv6), a whole answer about 10; so judgements are kept
in a bounded table, and a client that repeats its cookie costs one look-up.

Carries out: RFC 7873 §5.2 (what a server makes of a cookie), RFC 9018 §4 (form, hash and lifetime), §5
(secrets that change: the first one signs, every one is accepted).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

from r53lite.dns.address import unmapped
from r53lite.dns.edns import CLIENT_COOKIE_BYTES

SECRET_BYTES = 16  # RFC 9018 §4.4: a SipHash key
SERVER_COOKIE_BYTES = 16
MAX_AGE_S = 3600  # RFC 9018 §4.3
MAX_CLOCK_SKEW_S = 300  # RFC 9018 §4.3
RENEW_AGE_S = 1800  # RFC 9018 §4.3
MAX_REMEMBERED = 10_000  # our choice: about 3 MB, and emptying it takes under 1 ms
_VERSION = 1
_HEAD = struct.Struct("!BxxxI")  # version, three reserved octets, time of issue

_MASK = 0xFFFFFFFFFFFFFFFF
# The SipHash paper, §2.1: "somepseudorandomlygeneratedbytes".
_INITIAL = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


class Judgement(NamedTuple):
    """What came of a client's cookie.

    `reply` is the content of the reply's COOKIE option: the client's part, and a server cookie that is good
    for half an hour at least. `is_valid` says whether the query held a server cookie of ours. `until` is
    when this has to be judged again.
    """

    reply: bytes
    is_valid: bool
    until: int


class ServerCookies:
    """Makes and checks the cookies of one server.

    Args:
        secrets: of 16 octets each; the first signs, all are accepted.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(secret) != SECRET_BYTES for secret in secrets):
            raise ValueError(f"cookie secrets have {SECRET_BYTES} octets, and there is at least one")
        self._secrets = tuple(secrets)
        self._judged: dict[tuple[bytes, str], Judgement] = {}

    def judge(self, cookie: bytes, address: str, now: int) -> Judgement:
        """Judge the cookie of a query.

        Args:
            cookie: content of its COOKIE option, 8 octets or 16 to 40.
            address: the client's IP address as text.
            now: seconds since 1970 (RFC 9018 §4.3 counts modulo 2^32).

        Source: RFC 7873 §5.2.3 to §5.2.5; RFC 9018 §4.3.
        """
        key = (cookie, address)
        known = self._judged.get(key)
        if known is not None and now < known.until:
            return known
        if len(self._judged) >= MAX_REMEMBERED:
            self._judged.clear()
        judgement = self._judge(cookie, _packed(address), now)
        self._judged[key] = judgement
        return judgement

    def _judge(self, cookie: bytes, address: bytes, now: int) -> Judgement:
        client, server = cookie[:CLIENT_COOKIE_BYTES], cookie[CLIENT_COOKIE_BYTES:]
        is_valid, is_signed_by_first = False, False
        age = 0
        if len(server) == SERVER_COOKIE_BYTES and server[0] == _VERSION:
            age = _age(server, now)
            if -MAX_CLOCK_SKEW_S <= age <= MAX_AGE_S:
                signers = [secret for secret in self._secrets if _sign(secret, client, server, address)]
                is_valid = bool(signers)
                is_signed_by_first = is_valid and signers[0] == self._secrets[0]
        if is_signed_by_first and age < RENEW_AGE_S and server[1:4] == bytes(3):
            return Judgement(cookie, True, now + RENEW_AGE_S - age)
        head = _HEAD.pack(_VERSION, now & 0xFFFFFFFF)
        fresh = client + head + siphash24(self._secrets[0], client + head + address)
        return Judgement(fresh, is_valid, now + RENEW_AGE_S)


def _sign(secret: bytes, client: bytes, server: bytes, address: bytes) -> bool:
    """Say whether a server cookie was made with a secret; its reserved octets are hashed as they came."""
    return siphash24(secret, client + server[:8] + address) == server[8:]


def _age(server: bytes, now: int) -> int:
    """Return the seconds since a cookie was made, negative for the future (RFC 9018 §4.3, RFC 1982)."""
    (issued,) = struct.unpack_from("!I", server, 4)
    age: int = (now - issued) & 0xFFFFFFFF
    return age if age < 1 << 31 else age - (1 << 32)


def _packed(address: str) -> bytes:
    """Return an address as the hash takes it: an IPv4 client of an IPv6 socket is an IPv4 client."""
    return unmapped(ip_address(address)).packed


def siphash24(key: bytes, message: bytes) -> bytes:
    """Return the SipHash-2-4 of a message, its 64 bits in little-endian order.

    Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", §2; RFC 9018 §4.4.
    """
    k0, k1 = struct.unpack("<QQ", key)
    v0, v1, v2, v3 = k0 ^ _INITIAL[0], k1 ^ _INITIAL[1], k0 ^ _INITIAL[2], k1 ^ _INITIAL[3]
    padded = message + bytes(7 - len(message) % 8) + bytes((len(message) & 0xFF,))
    words = struct.unpack(f"<{len(padded) // 8}Q", padded)
    for word, rounds in (*((word, 2) for word in words), (None, 4)):
        if word is None:
            v2 ^= 0xFF
        else:
            v3 ^= word
        for _ in range(rounds):
            v0 = v0 + v1 & _MASK
            v1 = (v1 << 13 | v1 >> 51) & _MASK ^ v0
            v0 = (v0 << 32 | v0 >> 32) & _MASK
            v2 = v2 + v3 & _MASK
            v3 = (v3 << 16 | v3 >> 48) & _MASK ^ v2
            v0 = v0 + v3 & _MASK
            v3 = (v3 << 21 | v3 >> 43) & _MASK ^ v0
            v2 = v2 + v1 & _MASK
            v1 = (v1 << 17 | v1 >> 47) & _MASK ^ v2
            v2 = (v2 << 32 | v2 >> 32) & _MASK
        if word is not None:
            v0 ^= word
    digest: int = v0 ^ v1 ^ v2 ^ v3
    return digest.to_bytes(8, "little")
