"""What does a policy file say: which records, which groups under a policy, which health checks and CIDR
collections?

A record without a policy becomes plain `Record`s, as a master file gives them, so that a YAML file may hold
a whole zone; with a policy, an alias or a health check it becomes a `RecordSetGroup`, whose sets
`control.record_set_file` reads. Every fault is noted with its line and reading goes on with the next key.
What needs other files (does the health check exist, is the id taken, do the records make a zone, where do
aliases lead) is left to who reads the directory. Pure.

Source: docs/route53/records-and-changes.md §1.1 to §1.3, §1.7 and §1.8; the file format is our choice.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.config.document import Mapping, Node, Reader, Sequence
from r53lite.control.cidr_collection_file import CidrCollection, read_cidr_collections
from r53lite.control.health_check_file import read_health_checks
from r53lite.control.record_set_file import (
    NEVER_ALIASES,
    NO_TTL,
    POLICY_OF_KEY,
    POLICY_TYPES,
    SetReader,
)
from r53lite.dns import rrtypes
from r53lite.dns.name import ROOT, format_name, is_subdomain, is_wildcard, parse_name
from r53lite.dns.rrtypes import format_rrtype, parse_rrtype
from r53lite.errors import Faults, NameSyntaxError
from r53lite.health.model import HealthCheck
from r53lite.routing import geoproximity
from r53lite.routing.record_set import POLICIES, RecordSet, RecordSetGroup
from r53lite.zone.records import Record

MAX_SETS = 100  # records-and-changes.md §1.8


class PolicyFile(NamedTuple):
    """What one policy file holds.

    `origin` is the wire name of its zone; None where it only has what is common to the directory.
    `health_checks` have the line of their id, `references` are the health checks that record sets name, each
    with the line of the reference; `cidr_collections` have the line of their name.
    """

    origin: bytes | None
    records: tuple[Record, ...]
    groups: tuple[RecordSetGroup, ...]
    health_checks: tuple[tuple[HealthCheck, int], ...]
    references: tuple[tuple[str, int], ...]
    cidr_collections: tuple[tuple[CidrCollection, int], ...] = ()


def read_policy_file(node: Node | None, faults: Faults) -> PolicyFile | None:
    """Read a policy file.

    Args:
        node: the document; None is an empty one, or one that is not YAML and has its faults noted already.
        faults: takes every fault with its line. An empty file is one: an editor that has emptied a file and
            not yet filled it must not take a zone away.

    Returns:
        What the file holds, or None for no document. After an error it is not to be served: it has what could
        be read, so that the checks between files find their faults too and no others.
    """
    if node is None:
        if not faults.has_errors:
            faults.error(1, "the file is empty; expected 'zone' and 'records', or 'health_checks'")
        return None
    root = Reader(node, "", faults)
    health_checks = read_health_checks(root)
    collections = read_cidr_collections(root)
    is_shared = root.has("health_checks") or root.has("cidr_collections")
    origin = _read_origin(root, required=root.has("records") or not is_shared)
    # Without an origin the records are read all the same, below the root, for the faults in them.
    reader = _RecordReader(ROOT if origin is None else origin, faults)
    for index, item in enumerate(root.items("records")):
        reader.read(Reader(item, f"records[{index}]", faults))
    root.finish()
    references = tuple(reader.references)
    if origin is None:
        return PolicyFile(None, (), (), health_checks, references, collections)
    records, groups = tuple(reader.records), tuple(reader.groups)
    return PolicyFile(origin, records, groups, health_checks, references, collections)


def _read_origin(root: Reader, *, required: bool) -> bytes | None:
    text = root.text("zone", required=required)
    if root.node("zone") is None:
        return None
    try:
        return parse_name(text)
    except NameSyntaxError as error:
        root.faults.error(root.line_of("zone"), f"zone: {error}")
        return None


class _RecordReader:
    """Takes the entries of `records` and keeps what they yield.

    What would make the zone builder repeat a fault that is noted here is not kept.
    """

    def __init__(self, origin: bytes, faults: Faults) -> None:
        self.records: list[Record] = []
        self.groups: list[RecordSetGroup] = []
        self.references: list[tuple[str, int]] = []
        self._origin = origin
        self._faults = faults
        self._lines: dict[tuple[bytes, int], int] = {}
        self._sets = SetReader(origin, faults, self.references)

    def read(self, reader: Reader) -> None:
        """Read one entry."""
        if not reader.line:
            return  # no mapping: the reader has noted it
        owner = self._read_owner(reader)
        rrtype = self._read_type(reader)
        if owner is not None and rrtype is not None and not self._is_first(reader, owner, rrtype):
            owner = None
        policy = reader.choice("policy", POLICIES) if reader.node("policy") is not None else "simple"
        if policy == "simple":
            self._read_simple(reader, owner, rrtype)
        elif policy:
            self._read_group(reader, owner, rrtype, policy)
        elif reader.has("sets"):  # the policy's name is wrong: read on for the faults in the sets
            self._read_group(reader, None, rrtype, _implied_policy(reader))

    # --- what an entry is about -----------------------------------------------------------------------------

    def _read_owner(self, reader: Reader) -> bytes | None:
        text = reader.text("name", required=True)
        if reader.node("name") is None:
            return None
        try:
            owner = parse_name(text, self._origin)
        except NameSyntaxError as error:
            self._faults.error(reader.line_of("name"), f"{reader.at('name')}: {error}")
            return None
        if is_subdomain(owner, self._origin):
            return owner
        reason = f"owner {format_name(owner)!r} is outside the zone {format_name(self._origin)!r}"
        self._faults.error(reader.line_of("name"), f"{reader.at('name')}: {reason}")
        return None

    def _read_type(self, reader: Reader) -> int | None:
        text = reader.text("type", required=True)
        if not text:
            return None
        try:
            rrtype = parse_rrtype(text)
        except ValueError as error:
            self._faults.error(reader.line_of("type"), f"{reader.at('type')}: {error}")
            return None
        if rrtype in rrtypes.META_TYPES or rrtype == 0:
            reason = f"{reader.at('type')}: {text} is for questions and holds no data (RFC 6895 §3.1)"
            self._faults.error(reader.line_of("type"), reason)
            return None
        return rrtype

    def _is_first(self, reader: Reader, owner: bytes, rrtype: int) -> bool:
        """Refuse a second entry for one name and type: all its sets are one group (§1.7)."""
        first_line = self._lines.get((owner, rrtype))
        if first_line is None:
            self._lines[owner, rrtype] = reader.line
            return True
        what = f"{format_name(owner)!r} {format_rrtype(rrtype)}"
        self._faults.error(
            reader.line, f"{reader.path}: {what} is already on line {first_line}; write one entry"
        )
        return False

    # --- what an entry holds --------------------------------------------------------------------------------

    def _read_simple(self, reader: Reader, owner: bytes | None, rrtype: int | None) -> None:
        if reader.has("sets"):
            reason = f"{reader.at('sets')} needs a policy, one of {', '.join(POLICIES[1:])}"
            self._faults.error(reader.line_of("sets"), f"{reason}; without one expected 'values'")
            self._read_group(reader, None, rrtype, _implied_policy(reader))  # for the faults in the sets
            return
        if reader.has("alias") or reader.has("health_check"):
            self._read_single(reader, owner, rrtype)
            return
        ttl = reader.integer("ttl", required=True)
        values = self._sets.read_values(reader, rrtype)
        reader.finish()
        if owner is not None and rrtype == rrtypes.NS and is_wildcard(owner):
            reason = f"{reader.at('name')}: NS records cannot stand at a wildcard"
            self._faults.error(reader.line_of("name"), f"{reason} (records-and-changes.md §1.6)")
        if owner is not None and rrtype is not None:
            file = self._faults.file
            self.records += [Record(owner, rrtype, ttl, rdata, file, line) for rdata, line in values]

    def _read_single(self, reader: Reader, owner: bytes | None, rrtype: int | None) -> None:
        """Read a record without a policy that is an alias, or has a health check for aliases to see."""
        is_possible = rrtype is not None and rrtype not in NEVER_ALIASES
        if rrtype is not None and not is_possible:
            key = "alias" if reader.has("alias") else "health_check"
            reason = f"{reader.at(key)} cannot stand at {format_rrtype(rrtype)} records"
            self._faults.error(reader.line_of(key), reason)
        ttl = reader.integer("ttl", NO_TTL, required=True) if not reader.has("alias") else None
        record_set = self._sets.read_body(reader, rrtype, "simple", ttl)
        reader.finish()
        if owner is not None and rrtype is not None and is_possible:
            file = self._faults.file
            self.groups.append(RecordSetGroup(owner, rrtype, "simple", (record_set,), file, reader.line))

    def _read_group(self, reader: Reader, owner: bytes | None, rrtype: int | None, policy: str) -> None:
        is_possible = rrtype in POLICY_TYPES
        is_possible &= not (policy == "multivalue" and rrtype == rrtypes.CNAME)  # §1.1
        if rrtype is not None and not is_possible:
            reason = f"{reader.path}: policy {policy} cannot choose {format_rrtype(rrtype)} records"
            self._faults.error(reader.line_of("policy"), reason)
        for key in ("values", "alias", "health_check"):
            if reader.has(key):
                reason = f"stands beside policy {policy}; expected 'sets', each with its {key!r}"
                self._faults.error(reader.line_of(key), f"{reader.at(key)} {reason}")
        ttl = reader.integer("ttl") if reader.node("ttl") is not None else None
        items = reader.items("sets", required=True)
        self._sets.check_not_empty(reader, "sets")
        limit = geoproximity.MAX_SETS if policy == "geoproximity" else MAX_SETS
        if len(items) > limit:
            reason = f"{reader.at('sets')} holds {len(items)} sets; the limit is {limit}"
            self._faults.error(reader.line_of("sets"), reason)
        sets = self._sets.read_all(reader, items, rrtype, policy, ttl)
        reader.finish()
        if policy == "weighted":
            self._check_ttls(reader, items, sets)
        if owner is not None and rrtype is not None and is_possible and sets:
            file = self._faults.file
            self.groups.append(RecordSetGroup(owner, rrtype, policy, tuple(sets), file, reader.line))

    def _check_ttls(self, reader: Reader, items: list[Node], sets: list[RecordSet]) -> None:
        """Refuse weighted sets with several TTLs (records-and-changes.md §1.7); aliases have none.

        Args:
            reader: of the entry.
            items: the nodes of its sets, in which a set's own ttl has its line.
            sets: what was read of them.
        """
        both = zip(items, sets, strict=True)
        timed = [(item, one) for item, one in both if one.ttl != NO_TTL and one.alias is None]
        for item, other in timed:
            _, first = timed[0]
            if other.ttl != first.ttl:
                line = item.key_lines.get("ttl", item.line) if isinstance(item, Mapping) else item.line
                reason = f"{other.id!r} has {other.ttl}, {first.id!r} has {first.ttl}"
                self._faults.error(line, f"{reader.path}: weighted sets must have one ttl; {reason}")


def _implied_policy(reader: Reader) -> str:
    """Return the policy whose keys the sets use, where the policy's own name is missing or wrong."""
    sets = reader.mapping.entries.get("sets")
    items = sets.items if isinstance(sets, Sequence) else []
    keys = {key for item in items if isinstance(item, Mapping) for key in item.entries}
    return next((policy for key, policy in POLICY_OF_KEY.items() if key in keys), "multivalue")
