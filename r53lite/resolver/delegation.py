"""Who serves a zone? A delegation: the zone's name and its name servers with the addresses that came along.

The addresses (glue) belong to the delegation they came with and are used to reach its servers, never as an
answer to anyone's question (RFC 2181 §5.4.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import NamedTuple

from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import ADDRESS_OCTETS


class Delegation(NamedTuple):
    """The servers of `zone`: name server → its known addresses as text, none where glue was missing."""

    zone: bytes
    servers: Mapping[bytes, tuple[str, ...]]


def addresses_of(rrset: RRset) -> tuple[str, ...]:
    """Return the addresses of an A or AAAA RRset as text; rdata of a wrong length is passed over."""
    octets = ADDRESS_OCTETS.get(rrset.rrtype)
    return tuple(str(ip_address(rdata)) for rdata in rrset.rdatas if len(rdata) == octets)
