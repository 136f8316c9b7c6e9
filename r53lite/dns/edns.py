"""What does the OPT record of a query say, and what goes into the reply's? (RFC 6891, 7871, 8914)"""

from __future__ import annotations

import struct
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from r53lite.dns.rrtypes import FORMERR
from r53lite.errors import WireError

OPTION_CLIENT_SUBNET = 8  # RFC 7871 §6
OPTION_EDE = 15  # RFC 8914 §2
DO_BIT = 0x8000  # RFC 6891 §6.1.3
MIN_UDP_PAYLOAD_BYTES = 512  # RFC 6891 §6.2.3: smaller values are treated as 512


class ClientSubnet(NamedTuple):
    """A query's client subnet option; `network` holds the address bits, `family` is 1 (IPv4) or 2 (IPv6)."""

    family: int
    source_prefix_len: int
    address: bytes

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """Return the network that the option names."""
        full = self.address.ljust(4 if self.family == 1 else 16, b"\x00")
        return ip_network((full, self.source_prefix_len))


class Edns(NamedTuple):
    """The OPT record of a message (RFC 6891 §6.1.2, §6.1.3)."""

    version: int
    payload_bytes: int
    is_dnssec_ok: bool
    client_subnet: ClientSubnet | None = None


def decode_client_subnet(option: bytes) -> ClientSubnet:
    """Read a client subnet option of a query.

    Raises:
        WireError: FORMERR for every form that RFC 7871 §7.1.2 and §6 call malformed: family other than 1 or
        2, scope
            not 0, prefix over the family's length, address longer or shorter than the prefix, bits set past
            it.
    """
    if len(option) < 4:
        raise WireError("client subnet option shorter than 4 octets", FORMERR)
    family, source, scope = struct.unpack_from("!HBB", option)
    address = option[4:]
    bits = {1: 32, 2: 128}.get(family)
    if bits is None:
        raise WireError(f"client subnet of unknown family {family}", FORMERR)
    if scope != 0 or source > bits or len(address) != (source + 7) // 8:
        raise WireError("client subnet with a scope, or an address that does not fit its prefix", FORMERR)
    if source % 8 and address[-1] & (0xFF >> source % 8):
        raise WireError("client subnet with bits set past its prefix", FORMERR)
    return ClientSubnet(family, source, address)


def encode_client_subnet(subnet: ClientSubnet, scope_prefix_len: int) -> bytes:
    """Write the option of a reply: the query's own family, prefix and address, with the answer's scope
    (§7.2.1).
    """
    body = struct.pack("!HBB", subnet.family, subnet.source_prefix_len, scope_prefix_len) + subnet.address
    return struct.pack("!HH", OPTION_CLIENT_SUBNET, len(body)) + body


def encode_ede(code: int, text: str) -> bytes:
    """Write an Extended DNS Error option (RFC 8914 §2)."""
    body = struct.pack("!H", code) + text.encode()
    return struct.pack("!HH", OPTION_EDE, len(body)) + body
