"""Where does the walk begin? At the root servers: a hints file, or the IANA list built in.

A hints file is in master-file form (RFC 1035 §5.1) but holds NS records of the root and A and AAAA records
only, so a line is read by hand: `[owner] [ttl] [IN] type value`; `;` starts a comment, a blank owner repeats
the last one, names are absolute with or without a final dot. Priming (RFC 8109) is left out: the hints
themselves are asked.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from r53lite.dns.name import ROOT, format_name, parse_name
from r53lite.errors import Faults, NameSyntaxError
from r53lite.resolver.delegation import Delegation

_ADDRESS_CLASSES = {"A": IPv4Address, "AAAA": IPv6Address}

_IANA_ADDRESSES = {  # https://www.internic.net/domain/named.root, version of February 2024
    "a": ("198.41.0.4", "2001:503:ba3e::2:30"),
    "b": ("170.247.170.2", "2801:1b8:10::b"),
    "c": ("192.33.4.12", "2001:500:2::c"),
    "d": ("199.7.91.13", "2001:500:2d::d"),
    "e": ("192.203.230.10", "2001:500:a8::e"),
    "f": ("192.5.5.241", "2001:500:2f::f"),
    "g": ("192.112.36.4", "2001:500:12::d0d"),
    "h": ("198.97.190.53", "2001:500:1::53"),
    "i": ("192.36.148.17", "2001:7fe::53"),
    "j": ("192.58.128.30", "2001:503:c27::2:30"),
    "k": ("193.0.14.129", "2001:7fd::1"),
    "l": ("199.7.83.42", "2001:500:9f::42"),
    "m": ("202.12.27.33", "2001:dc3::35"),
}

IANA_ROOT_HINTS = Delegation(
    ROOT,
    {parse_name(f"{letter}.root-servers.net."): addresses for letter, addresses in _IANA_ADDRESSES.items()},
)


def parse_root_hints(text: str, faults: Faults) -> Delegation:
    """Read a hints file.

    Args:
        text: the file.
        faults: collects what is wrong; with errors the value returned is not to be used.

    Returns:
        The root's delegation, servers in the order of their NS records.

    Source: RFC 1035 §5.1 for the form of a line; the rest is our choice.
    """
    names: dict[bytes, int] = {}
    addresses: dict[bytes, list[str]] = {}
    owner: bytes | None = None
    for line, content in enumerate(text.splitlines(), start=1):
        fields = content.split(";", 1)[0].split()
        if not fields or fields[0].upper() == "$TTL":
            continue
        try:
            if not content[0].isspace():
                owner = parse_name(fields.pop(0))
            _read_record(owner, fields, line, names, addresses)
        except ValueError as error:
            faults.error(line, str(error))
    if not any(addresses.get(name) for name in names):
        faults.error(0, "no NS record of the root whose server has an address")
    for name, line in names.items():
        if name not in addresses:
            faults.warning(line, f"root server {format_name(name)!r} has no address here")
    for name in addresses:
        if name not in names:
            faults.warning(0, f"{format_name(name)!r} has an address but is no root server")
    return Delegation(ROOT, {name: tuple(addresses.get(name, ())) for name in names})


def _read_record(
    owner: bytes | None,
    fields: list[str],
    line: int,
    names: dict[bytes, int],
    addresses: dict[bytes, list[str]],
) -> None:
    """Take one record, its owner off the fields, into `names` or `addresses`; raise ValueError if wrong."""
    if owner is None:
        raise NameSyntaxError("the first record has no owner")
    while fields and (fields[0].isdecimal() or fields[0].upper() == "IN"):
        del fields[0]
    if len(fields) != 2:
        raise ValueError(f"expected a type and one value, found {' '.join(fields)!r}")
    rrtype, value = fields[0].upper(), fields[1]
    if rrtype == "NS":
        if owner != ROOT:
            raise ValueError(f"NS record of {format_name(owner)!r}; hints are for the root only")
        names[parse_name(value)] = line
    elif rrtype in _ADDRESS_CLASSES:
        address = str(_ADDRESS_CLASSES[rrtype](value))
        addresses.setdefault(owner, []).append(address)
    else:
        raise ValueError(f"record type {fields[0]!r} in root hints; only NS, A and AAAA belong here")
