"""What dig and kdig see of options, cookies, class CHAOS and TSIG, asked of a running server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from r53lite.config.settings import (
    ApiSettings,
    ChaosSettings,
    CookieSettings,
    Endpoint,
    RecursionSettings,
    Settings,
)
from r53lite.server.runtime import Server
from tests.rfc.dig import dig, kdig

ZONE = """
$TTL 300
@     IN SOA ns1 admin 7 3600 600 86400 60
@     NS ns1
ns1   A 127.0.0.1
www   A 192.0.2.1
"""
NAME = "www.example.test"
# RFC 9018, appendix A: a secret that NSD, Knot and BIND take as well.
SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")


@pytest.fixture(params=[False, True], ids=["cookies", "cookies required"])
async def endpoint(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Endpoint]:
    (tmp_path / "example.test.zone").write_text(ZONE, encoding="utf-8")
    settings = Settings(
        listen=(Endpoint("127.0.0.1", 0),),
        nsid="ns1",
        cookies=CookieSettings(required=bool(request.param), secrets=(SECRET,)),
        chaos=ChaosSettings(version="r53lite test", id="one"),
        recursion=RecursionSettings(enabled=False),
        api=ApiSettings(listen=None),
    )
    server = Server(settings, [tmp_path])
    await server.start()
    yield server.endpoints[0]
    await server.stop()


async def test_rfc7873_dig_gets_a_good_cookie_and_its_answer(endpoint: Endpoint) -> None:
    """A server that requires cookies says BADCOOKIE first; dig asks again with what it was given."""
    for _ in range(3):
        text = await dig(*endpoint, NAME)
        assert "status: NOERROR" in text
        assert re.search(r"^; COOKIE: [0-9a-f]{48} \(good\)$", text, re.MULTILINE)
        assert "192.0.2.1" in text


async def test_rfc7873_kdig_gets_its_answer(endpoint: Endpoint) -> None:
    text = await kdig(*endpoint, "+cookie", "+badcookie", NAME)
    assert "status: NOERROR" in text
    assert re.search(r"^;; COOKIE: [0-9A-F]{48}$", text, re.MULTILINE)
    assert "192.0.2.1" in text


async def test_rfc7873_5_4_dig_gets_a_cookie_without_a_question(endpoint: Endpoint) -> None:
    text = await dig(*endpoint, "+header-only", "+cookie=0102030405060708")
    assert "status: NOERROR" in text
    assert "QUERY: 0, ANSWER: 0" in text
    assert re.search(r"^; COOKIE: 0102030405060708[0-9a-f]{32} \(good\)$", text, re.MULTILINE)


async def test_rfc5001_dig_sees_the_name_of_the_server(endpoint: Endpoint) -> None:
    assert '; NSID: 6e 73 31 ("ns1")' in await dig(*endpoint, "+nsid", NAME)


async def test_rfc7828_dig_sees_the_idle_timeout_over_tcp_alone(endpoint: Endpoint) -> None:
    assert "; TCP KEEPALIVE: 10.0 secs" in await dig(*endpoint, "+tcp", "+keepalive", NAME)
    assert "KEEPALIVE" not in (await dig(*endpoint, "+keepalive", NAME)).replace("+keepalive", "")


@pytest.mark.parametrize("subnet", ["0", "0.0.0.0/0", "::/0", "198.51.100.0/24", "2001:db8::/56"])
async def test_rfc7871_dig_sees_its_subnet_with_a_scope_of_0(endpoint: Endpoint, subnet: str) -> None:
    shown = {"0": "0.0.0.0/0"}.get(subnet, subnet)
    assert f"; CLIENT-SUBNET: {shown}/0" in await dig(*endpoint, f"+subnet={subnet}", NAME)


async def test_rfc4892_dig_reads_version_and_identity(endpoint: Endpoint) -> None:
    assert 'version.bind.\t\t0\tCH\tTXT\t"r53lite test"' in await dig(*endpoint, "CH", "TXT", "version.bind")
    assert (await dig(*endpoint, "+short", "CH", "TXT", "id.server")).strip() == '"one"'
    assert "status: REFUSED" in await dig(*endpoint, "CH", "TXT", "hostname.bind")


async def test_rfc8945_5_2_1_dig_learns_that_its_key_is_unknown(endpoint: Endpoint) -> None:
    key = "hmac-sha256:key.example:" + "A" * 43 + "="
    text = await dig(*endpoint, "+nocookie", "-y", key, NAME)
    assert "status: NOTAUTH" in text
    assert re.search(r"^key\.example\.\s+0\s+ANY\s+TSIG\s+hmac-sha256\. .* BADKEY 0", text, re.MULTILINE)


@pytest.mark.parametrize("opcode", ["IQUERY", "STATUS", "NOTIFY", "UPDATE", "15"])
async def test_rfc8906_8_1_4_dig_sees_every_other_opcode_as_not_implemented(
    endpoint: Endpoint, opcode: str
) -> None:
    text = await dig(*endpoint, f"+opcode={opcode}", "+nocookie", "example.test", "SOA")
    assert "status: NOTIMP" in text
    assert "; EDNS: version: 0, flags:; udp: 1232" in text


async def test_padding_of_kdig_is_passed_over(endpoint: Endpoint) -> None:
    text = await kdig(*endpoint, "+padding=128", "+tcp", NAME)
    assert "PADDING" not in text
    assert "192.0.2.1" in text
