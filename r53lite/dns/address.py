"""Which host has an IP address? The kernel takes ::ffff:192.0.2.1 to the IPv4 host 192.0.2.1."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


def unmapped(address: Address) -> Address:
    """Return an address; that of an IPv4 host as IPv4, even if it came mapped into IPv6.

    Source: RFC 4291 §2.5.5.2.
    """
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
