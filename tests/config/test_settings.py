"""Endpoints are an address and a port, and defaults keep a fresh server to this machine."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from r53lite.config.settings import Endpoint, Settings, TcpSettings, parse_endpoint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:5300", Endpoint("127.0.0.1", 5300)),
        ("0.0.0.0:0", Endpoint("0.0.0.0", 0)),
        ("[::1]:5300", Endpoint("::1", 5300)),
        ("[2001:DB8:0::1]:53", Endpoint("2001:db8::1", 53)),
        ("[::]:65535", Endpoint("::", 65535)),
    ],
)
def test_parse_endpoint(text: str, expected: Endpoint) -> None:
    assert parse_endpoint(text) == expected
    assert parse_endpoint(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:",
        ":53",
        "5300",
        "localhost:53",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:5 3",
        "127.0.0.256:53",
        "127.1:53",
        "::1:53",
        "[::1]",
        "[::1:53",
        "[127.0.0.1]:53",
        "[]:53",
        "127.0.0.1:٥٣",
        "127.0.0.1:53\n",
    ],
)
def test_what_is_no_endpoint(text: str) -> None:
    with pytest.raises(ValueError):
        parse_endpoint(text)


def test_endpoint_is_written_as_it_is_read() -> None:
    assert str(Endpoint("127.0.0.1", 53)) == "127.0.0.1:53"
    assert str(Endpoint("::1", 53)) == "[::1]:53"


def test_by_default_only_this_machine_is_served() -> None:
    settings = Settings()
    assert [str(endpoint) for endpoint in settings.listen] == ["127.0.0.1:5300", "[::1]:5300"]
    assert str(settings.api.listen) == "127.0.0.1:5380"
    assert all(ip_address(endpoint.address).is_loopback for endpoint in settings.listen)
    assert all(network.is_loopback for network in settings.recursion.clients)
    assert (settings.udp_payload_bytes, settings.minimal_responses, settings.seed) == (1232, False, None)


@pytest.mark.parametrize(("idle_timeout_s", "told"), [(10.0, 100), (0.19, 1), (6553.5, 65535), (1e6, 65535)])
def test_the_idle_timeout_is_told_in_tenths_of_a_second_and_never_too_long(
    idle_timeout_s: float, told: int
) -> None:
    assert TcpSettings(idle_timeout_s=idle_timeout_s).keepalive_100ms == told
