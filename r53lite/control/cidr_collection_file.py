"""Which CIDR collections does a policy file define?

Reads its `cidr_collections` mapping, name to locations, location to blocks, and notes every fault with its
line. Pure.

Source: docs/route53/routing-policies.md §2.6.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from r53lite.config.document import Network, Reader, Scalar
from r53lite.routing.ranges import parse_network
from r53lite.routing.record_set import DEFAULT

MAX_BLOCK_BITS = {4: 24, 6: 48}  # §2.6
QUOTA_BLOCKS = 1000  # of a collection: records-and-changes.md §1.8
COLLECTION_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")  # rest-api.md §5.9, CollectionName
LOCATION_NAME = re.compile(r"[0-9A-Za-z_-]{1,16}")  # §2.6


class CidrCollection(NamedTuple):
    """A collection: its blocks, each with the location it belongs to, and the names of all locations."""

    name: str
    blocks: tuple[tuple[Network, str], ...]
    locations: tuple[str, ...]


def read_cidr_collections(root: Reader) -> tuple[tuple[CidrCollection, int], ...]:
    """Read the CIDR collections of a policy file.

    Args:
        root: the whole document; its `faults` take every fault with its line.

    Returns:
        The collections, each with the line of its name. One that has a fault is there too: a record set that
        names it is not wrong.
    """
    found = []
    for name, line, _ in root.children("cidr_collections"):
        if COLLECTION_NAME.fullmatch(name) is None:
            expected = "expected 1 to 64 letters, digits, '-' and '_'"
            root.faults.error(line, f"name {name!r} of a CIDR collection: {expected}")
        collection = _read_collection(name, root.child("cidr_collections"))
        if len(collection.blocks) > QUOTA_BLOCKS:
            reason = f"CIDR collection {name!r} has {len(collection.blocks)} blocks"
            quota = f"Route 53's quota is {QUOTA_BLOCKS} (records-and-changes.md §1.8)"
            root.faults.warning(line, f"{reason}; {quota}")
        found.append((collection, line))
    return tuple(found)


def _read_collection(name: str, parent: Reader) -> CidrCollection:
    faults = parent.faults
    lines: dict[Network, int] = {}
    blocks: list[tuple[Network, str]] = []
    reader = parent.child(name)
    for location, line, _ in parent.children(name):
        if location == DEFAULT:
            reason = f"location {DEFAULT!r} of {reader.path} has no blocks: it is for everybody else"
            faults.error(line, reason)
        elif LOCATION_NAME.fullmatch(location) is None:
            expected = "expected 1 to 16 letters, digits, '-' and '_'"
            faults.error(line, f"location {location!r} of {reader.path}: {expected}")
        for scalar in reader.texts(location):
            block = _read_block(reader, location, scalar)
            if block is None:
                continue
            if block in lines:
                reason = f"block {str(block)!r} is already on line {lines[block]} of this collection"
                faults.error(scalar.line, f"{reader.at(location)}: {reason}")
                continue
            lines[block] = scalar.line
            blocks.append((block, location))
    return CidrCollection(name, tuple(blocks), tuple(reader.mapping.entries))


def _read_block(reader: Reader, location: str, scalar: Scalar) -> Network | None:
    """Return a block; its size is limited (§2.6): an IPv4 block has at most 24 bits, an IPv6 block 48."""
    try:
        block = parse_network(scalar.text)
    except ValueError as error:
        reason = f"{reader.at(location)} holds {scalar.text!r}; expected a network ({error})"
        reader.faults.error(scalar.line, reason)
        return None
    limit = MAX_BLOCK_BITS[block.version]
    if 1 <= block.prefixlen <= limit:
        return block
    hint = f"; the location {DEFAULT!r} of a record set is for everybody" if not block.prefixlen else ""
    reason = f"{reader.at(location)} holds {scalar.text!r}; expected /1 to /{limit} for IPv{block.version}"
    reader.faults.error(scalar.line, reason + hint)
    return None
