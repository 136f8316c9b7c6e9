"""The OPT record of a query: what is read, passed over or FORMERR; and the options of a reply."""

from __future__ import annotations

import contextlib
import struct
from ipaddress import ip_network

import dns.edns
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import edns, rrtypes
from r53lite.dns.edns import ClientSubnet, Edns, decode_opt
from r53lite.errors import WireError

DO = 0x8000
CLIENT = b"\x01\x02\x03\x04\x05\x06\x07\x08"


def option(code: int, content: bytes = b"") -> bytes:
    return struct.pack("!HH", code, len(content)) + content


def read(options: bytes, ttl: int = 0, payload_bytes: int = 1232) -> Edns:
    return decode_opt(payload_bytes, ttl, options)


@pytest.mark.parametrize(("said", "counts"), [(0, 512), (511, 512), (512, 512), (1232, 1232), (65535, 65535)])
def test_rfc6891_6_2_3_a_payload_size_below_512_counts_as_512(said: int, counts: int) -> None:
    assert read(b"", payload_bytes=said).payload_bytes == counts


@pytest.mark.parametrize(
    ("ttl", "version", "is_dnssec_ok"),
    [(0, 0, False), (DO, 0, True), (0x7FFF, 0, False), (0x0001_0000, 1, False), (0x05FF_FFFF, 255, True)],
)
def test_rfc6891_6_1_3_version_and_do_are_read_and_other_bits_are_not(
    ttl: int, version: int, is_dnssec_ok: bool
) -> None:
    assert read(b"", ttl) == Edns(version, 1232, is_dnssec_ok)


def test_rfc6891_6_1_3_options_of_an_unknown_version_are_not_read() -> None:
    assert read(b"\x00\x0a\xff", 0x0001_0000) == Edns(1, 1232, is_dnssec_ok=False)


@pytest.mark.parametrize("code", [0, 1, 2, 4, 5, 6, 7, 9, 12, 13, 14, 15, 16, 18, 26946, 65001, 65535])
def test_rfc6891_6_1_2_options_we_have_no_use_for_are_passed_over(code: int) -> None:
    assert read(option(code, b"any content") + option(code)) == read(b"")


@pytest.mark.parametrize("options", [b"\x00", b"\x00\x03\x00", option(3, b"abc")[:-1], option(3) + b"\xff"])
def test_options_that_end_early_are_formerr(options: bytes) -> None:
    with pytest.raises(WireError) as caught:
        read(options)
    assert caught.value.rcode == rrtypes.FORMERR


def test_nsid_and_keepalive_are_seen_whatever_their_content_is() -> None:
    for content in (b"", b"\x00\x64", b"longer than it may be"):
        assert read(option(3, content)).is_nsid_asked
        assert read(option(11, content)).is_keepalive_asked
    assert not read(option(12)).has_client_options


@pytest.mark.parametrize("length", [8, 16, 17, 24, 32, 40])
def test_rfc7873_4_a_cookie_has_8_or_16_to_40_octets(length: int) -> None:
    assert read(option(10, bytes(length))).cookie == bytes(length)


@pytest.mark.parametrize("length", [0, 1, 7, 9, 15, 41, 64])
def test_rfc7873_5_2_2_a_cookie_of_another_length_is_formerr(length: int) -> None:
    with pytest.raises(WireError) as caught:
        read(option(10, bytes(length)))
    assert caught.value.rcode == rrtypes.FORMERR


def test_rfc7873_5_2_all_cookies_but_the_first_are_ignored() -> None:
    assert read(option(10, CLIENT) + option(10, b"x")).cookie == CLIENT


@pytest.mark.parametrize(
    ("content", "network"),
    [
        ("0001 18 00 c63364", "198.51.100.0/24"),
        ("0001 20 00 c6336401", "198.51.100.1/32"),
        ("0001 15 00 c63360", "198.51.96.0/21"),
        ("0001 00 00", "0.0.0.0/0"),
        ("0002 38 00 20010db8000e00", "2001:db8:e::/56"),
        ("0002 80 00 20010db8000000000000000000000001", "2001:db8::1/128"),
        ("0002 00 00", "::/0"),
        ("0000 00 00", "0.0.0.0/0"),
    ],
)
def test_rfc7871_6_a_client_subnet_is_read_and_echoed(content: str, network: str) -> None:
    octets = bytes.fromhex(content)
    subnet = read(option(8, octets)).client_subnet
    assert subnet is not None
    assert subnet.network == ip_network(network)
    assert edns.encode_client_subnet(subnet, 17) == option(8, octets[:3] + b"\x11" + octets[4:])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("0001 00", id="three octets"),
        pytest.param("0003 08 00 7f", id="unknown family"),
        pytest.param("0000 08 00 7f", id="family 0 with a prefix"),
        pytest.param("0000 00 00 7f", id="family 0 with an address"),
        pytest.param("0001 18 18 c63364", id="a scope in a query"),
        pytest.param("0001 21 00 c633640100", id="prefix over 32"),
        pytest.param("0002 81 00 2001" + "00" * 15, id="prefix over 128"),
        pytest.param("0001 18 00 c633", id="address too short"),
        pytest.param("0001 18 00 c6336400", id="address too long"),
        pytest.param("0001 17 00 c63365", id="bits past the prefix"),
        pytest.param("0001 00 00 00", id="an address for /0"),
    ],
)
def test_rfc7871_7_1_2_a_malformed_client_subnet_is_formerr(content: str) -> None:
    with pytest.raises(WireError) as caught:
        read(option(8, bytes.fromhex(content)))
    assert caught.value.rcode == rrtypes.FORMERR


def test_the_first_client_subnet_counts() -> None:
    both = option(8, bytes.fromhex("0001 08 00 0a")) + option(8, bytes.fromhex("0001 08 00 0b"))
    assert read(both).client_subnet == ClientSubnet(1, 8, b"\x0a")


@given(st.binary(max_size=120), st.integers(0, 2**32 - 1), st.integers(0, 65535))
def test_any_options_give_a_value_or_a_wire_error(options: bytes, ttl: int, payload_bytes: int) -> None:
    with contextlib.suppress(WireError):
        found = decode_opt(payload_bytes, ttl, options)
        assert found.payload_bytes >= 512
        if found.client_subnet is not None:
            assert found.client_subnet.network.prefixlen == found.client_subnet.source_prefix_len


def test_a_peer_reads_the_options_of_a_reply() -> None:
    options = edns.encode_option(edns.OPTION_NSID, b"ns1") + edns.encode_ede(18, "not for you")
    opt = edns.encode_opt(1232, rrtypes.BADCOOKIE, options, is_dnssec_ok=True)
    message = dns.message.from_wire(struct.pack("!6H", 1, 0x8007, 0, 0, 0, 1) + opt)

    assert (message.rcode(), message.edns, message.ednsflags & 0xFFFF) == (rrtypes.BADCOOKIE, 0, DO)
    assert message.payload == 1232
    nsid, ede = message.options
    assert isinstance(nsid, dns.edns.NSIDOption)
    assert isinstance(ede, dns.edns.EDEOption)
    assert (nsid.nsid, ede.code, ede.text) == (b"ns1", 18, "not for you")


@pytest.mark.parametrize("timeout_100ms", [0, 100, 65535])
def test_rfc7828_3_1_a_timeout_is_told_in_two_octets(timeout_100ms: int) -> None:
    assert edns.encode_keepalive(timeout_100ms) == option(11, timeout_100ms.to_bytes(2, "big"))
