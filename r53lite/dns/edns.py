"""What does the OPT record of a query say, and what goes into the reply's?

`decode_opt` reads the record's fields and options once; what it does not know it passes over. The encoders
write single options, `encode_opt` the record around them. Contract: any bytes give an `Edns` or a
`WireError`.

Carries out: RFC 6891 §6.1 (fields, options), RFC 5001 (NSID), RFC 7828 (TCP keepalive), RFC 7871 §6 and §7
(client subnet), RFC 7873 §4 and §5.2.2 (lengths of a cookie; `dns.cookies` judges it), RFC 8914 (extended
errors). Padding (RFC 7830) and EXPIRE (RFC 7314) are passed over: no transport here is encrypted, and no
zone expires.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from r53lite.dns.name import ROOT
from r53lite.dns.rrtypes import FORMERR, OPT
from r53lite.errors import WireError

OPTION_NSID = 3  # RFC 5001 §3.1
OPTION_CLIENT_SUBNET = 8  # RFC 7871 §6
OPTION_COOKIE = 10  # RFC 7873 §4
OPTION_KEEPALIVE = 11  # RFC 7828 §3.1
OPTION_EDE = 15  # RFC 8914 §2
DO_BIT = 0x8000  # RFC 6891 §6.1.3
MIN_UDP_PAYLOAD_BYTES = 512  # RFC 6891 §6.2.3: smaller values are treated as 512
OPT_BYTES = 11  # an OPT record without options
CLIENT_COOKIE_BYTES = 8  # RFC 7873 §4.1
_COOKIE_BYTES = frozenset((CLIENT_COOKIE_BYTES, *range(16, 41)))  # RFC 7873 §4.1: a server part has 8 to 32

_OPT_FIXED = struct.Struct("!HHIH")
_OPTION_HEAD = struct.Struct("!HH")
_SUBNET_HEAD = struct.Struct("!HBB")
# Address family → bits. `dig +subnet=0` writes RFC 7871 §7.1.2's /0 as family 0 without address; BIND too.
_ADDRESS_BITS = {0: 0, 1: 32, 2: 128}


class ClientSubnet(NamedTuple):
    """A query's client subnet option; `network` holds the address bits.

    `family` is 1 (IPv4), 2 (IPv6) or, for a prefix of 0 only, 0 (none).
    """

    family: int
    source_prefix_len: int
    address: bytes

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """Return the network that the option names; family 0 counts as IPv4's /0."""
        full = self.address.ljust(16 if self.family == 2 else 4, b"\x00")
        return ip_network((full, self.source_prefix_len))


class Edns(NamedTuple):
    """The OPT record of a message (RFC 6891 §6.1.2, §6.1.3) and those of its options that we heed.

    `cookie` is the COOKIE option as it came, b"" where there is none.
    """

    version: int
    payload_bytes: int
    is_dnssec_ok: bool
    client_subnet: ClientSubnet | None = None
    cookie: bytes = b""
    is_nsid_asked: bool = False
    is_keepalive_asked: bool = False

    @property
    def has_client_options(self) -> bool:
        """Say whether the reply's OPT may hold options that depend on the client and not on the answer."""
        return bool(self.cookie) or self.is_nsid_asked or self.is_keepalive_asked


def decode_opt(payload_bytes: int, ttl: int, options: bytes) -> Edns:
    """Read an OPT record of a query.

    Args:
        payload_bytes: its class field.
        ttl: its TTL field.
        options: its rdata.

    Returns:
        The record; with a version over 0 without its options, which may then have any form: BADVERS is the
        answer (RFC 6891 §6.1.3).

    Raises:
        WireError: FORMERR for options that end early, and for a client subnet or a cookie of wrong form.
    """
    version = ttl >> 16 & 0xFF
    payload_bytes = max(payload_bytes, MIN_UDP_PAYLOAD_BYTES)
    is_dnssec_ok = bool(ttl & DO_BIT)
    if version or not options:
        return Edns(version, payload_bytes, is_dnssec_ok)
    subnet, cookie, is_nsid_asked, is_keepalive_asked = None, b"", False, False
    at, end = 0, len(options)
    while at < end:
        if at + _OPTION_HEAD.size > end:
            raise WireError("EDNS option ends early", FORMERR)
        code, length = _OPTION_HEAD.unpack_from(options, at)
        start = at + _OPTION_HEAD.size
        at = start + length
        if at > end:
            raise WireError("EDNS option ends early", FORMERR)
        if code == OPTION_CLIENT_SUBNET and subnet is None:
            subnet = decode_client_subnet(options[start:at])
        elif code == OPTION_COOKIE and not cookie:  # RFC 7873 §5.2: all but the first are ignored
            cookie = _decode_cookie(options[start:at])
        elif code == OPTION_NSID:
            is_nsid_asked = True  # RFC 5001 §2.1: its content means nothing in a query
        elif code == OPTION_KEEPALIVE:
            is_keepalive_asked = True  # a client's timeout means nothing (RFC 7828 §3.2.1); BIND reads so too
    return Edns(version, payload_bytes, is_dnssec_ok, subnet, cookie, is_nsid_asked, is_keepalive_asked)


def decode_client_subnet(option: bytes) -> ClientSubnet:
    """Read a client subnet option of a query.

    Raises:
        WireError: FORMERR for every form that RFC 7871 §6 and §7.1.2 call malformed: unknown family, scope
            not 0, prefix over the family's length, address longer or shorter than the prefix, bits set past
            it.
    """
    if len(option) < _SUBNET_HEAD.size:
        raise WireError("client subnet option shorter than 4 octets", FORMERR)
    family, source, scope = _SUBNET_HEAD.unpack_from(option)
    address = option[_SUBNET_HEAD.size :]
    bits = _ADDRESS_BITS.get(family)
    if bits is None:
        raise WireError(f"client subnet of unknown family {family}", FORMERR)
    if scope != 0 or source > bits or len(address) != (source + 7) // 8:
        raise WireError("client subnet with a scope, or an address that does not fit its prefix", FORMERR)
    if source % 8 and address[-1] & (0xFF >> source % 8):
        raise WireError("client subnet with bits set past its prefix", FORMERR)
    return ClientSubnet(family, source, address)


def _decode_cookie(option: bytes) -> bytes:
    """Check the length of a COOKIE option: 8 octets of a client alone, or 16 to 40 with a server's part."""
    if len(option) not in _COOKIE_BYTES:
        raise WireError(f"cookie of {len(option)} octets", FORMERR)
    return option


# --- what a reply says --------------------------------------------------------------------------------------


def encode_opt(payload_bytes: int, rcode: int, options: bytes = b"", *, is_dnssec_ok: bool = False) -> bytes:
    """Write an OPT record of version 0, the upper bits of `rcode` in it, all Z bits 0 (RFC 6891 §6.1)."""
    ttl = rcode >> 4 << 24 | (DO_BIT if is_dnssec_ok else 0)
    return ROOT + _OPT_FIXED.pack(OPT, payload_bytes, ttl, len(options)) + options


def encode_option(code: int, content: bytes) -> bytes:
    """Write one option."""
    return _OPTION_HEAD.pack(code, len(content)) + content


def encode_client_subnet(subnet: ClientSubnet, scope_prefix_len: int) -> bytes:
    """Write the option of a reply: the query's own family, prefix and address, with the answer's scope
    (§7.2.1).
    """
    head = _SUBNET_HEAD.pack(subnet.family, subnet.source_prefix_len, scope_prefix_len)
    return encode_option(OPTION_CLIENT_SUBNET, head + subnet.address)


def encode_keepalive(timeout_100ms: int) -> bytes:
    """Write how long an idle TCP connection is kept (RFC 7828 §3.1)."""
    return encode_option(OPTION_KEEPALIVE, timeout_100ms.to_bytes(2, "big"))


def encode_ede(code: int, text: str) -> bytes:
    """Write an Extended DNS Error option (RFC 8914 §2)."""
    return encode_option(OPTION_EDE, code.to_bytes(2, "big") + text.encode())
