"""What does a policy file say: which records, which groups under a policy, which health checks?

A record without a policy becomes plain `Record`s, as a master file gives them, so that a YAML file may hold
a whole zone; with a policy it becomes a `RecordSetGroup`. Values have master-file form, and names in them
are relative to the zone. Every fault is noted with its line and reading goes on with the next key. What
needs other files (does the health check exist, is the id taken, do the records make a zone) is left to who
reads the directory. Pure.

Source: docs/route53/records-and-changes.md §1.1 to §1.3, §1.7 and §1.8; the file format is our choice.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.config.document import Mapping, Node, Reader, Sequence
from r53lite.control.health_check_file import read_health_checks
from r53lite.dns import rrtypes
from r53lite.dns.name import ROOT, format_name, is_subdomain, parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrtypes import format_rrtype, parse_rrtype
from r53lite.errors import Faults, NameSyntaxError, RdataSyntaxError
from r53lite.health.model import HealthCheck
from r53lite.routing.places import REGIONS, unknown_region
from r53lite.routing.record_set import POLICIES, RecordSet, RecordSetGroup
from r53lite.zone.records import Record

FUTURE_POLICIES = ("failover", "geolocation", "geoproximity", "cidr")
POLICY_OF_KEY = {
    "weight": "weighted",
    "region": "latency",
    "failover": "failover",
    "location": "geolocation",
    "at": "geoproximity",
    "bias": "geoproximity",
    "cidr": "cidr",
}
MAX_SETS = 100  # records-and-changes.md §1.8
MAX_ID_LENGTH = 128  # records-and-changes.md §1.2
MAX_WEIGHT = 255  # routing-policies.md §2.2
_NO_TTL = -1  # stands for one that has a fault

# §1.1; DNAME too, because it shapes the names below it as NS does.
_STRUCTURAL = frozenset((rrtypes.NS, rrtypes.SOA, rrtypes.DS, rrtypes.DNAME))
_NEVER_CHOSEN = {
    "weighted": _STRUCTURAL,
    "latency": _STRUCTURAL,
    "multivalue": _STRUCTURAL | {rrtypes.CNAME},
}
_SINGLE_VALUE = frozenset((rrtypes.CNAME, rrtypes.SOA, rrtypes.DNAME))  # §1.3; RFC 6672 §2.4 for DNAME


class PolicyFile(NamedTuple):
    """What one policy file holds.

    `origin` is the wire name of its zone; None where it only has what is common to the directory.
    `health_checks` have the line of their id, `references` are the health checks that record sets name, each
    with the line of the reference.
    """

    origin: bytes | None
    records: tuple[Record, ...]
    groups: tuple[RecordSetGroup, ...]
    health_checks: tuple[tuple[HealthCheck, int], ...]
    references: tuple[tuple[str, int], ...]


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
            faults.error(0, "the file is empty; expected 'zone' and 'records', or 'health_checks'")
        return None
    root = Reader(node, "", faults)
    health_checks = read_health_checks(root)
    if root.has("cidr_collections"):
        line = root.line_of("cidr_collections")
        faults.error(line, "'cidr_collections' is not supported yet by this version")
    origin = _read_origin(root, required=root.has("records") or not root.has("health_checks"))
    # Without an origin the records are read all the same, below the root, for the faults in them.
    reader = _RecordReader(ROOT if origin is None else origin, faults)
    for index, item in enumerate(root.items("records")):
        reader.read(Reader(item, f"records[{index}]", faults))
    root.finish()
    references = tuple(reader.references)
    if origin is None:
        return PolicyFile(None, (), (), health_checks, references)
    return PolicyFile(origin, tuple(reader.records), tuple(reader.groups), health_checks, references)


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

    def read(self, reader: Reader) -> None:
        """Read one entry."""
        if not reader.line:
            return  # no mapping: the reader has noted it
        owner = self._read_owner(reader)
        rrtype = self._read_type(reader)
        if owner is not None and rrtype is not None and not self._is_first(reader, owner, rrtype):
            owner = None
        policy = "simple"
        if reader.node("policy") is not None:
            policy = reader.choice("policy", POLICIES + FUTURE_POLICIES)
        # What has no meaning yet is not read further: no word about its keys could be right.
        if policy in FUTURE_POLICIES:
            reason = f"{reader.path}: policy {policy} is not supported yet by this version"
            self._faults.error(reader.line_of("policy"), reason)
        elif self._has_alias(reader):
            return
        elif policy == "simple":
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

    def _has_alias(self, reader: Reader) -> bool:
        if not reader.has("alias"):
            return False
        self._faults.error(
            reader.line_of("alias"), f"{reader.at('alias')} is not supported yet by this version"
        )
        return True

    # --- what an entry holds --------------------------------------------------------------------------------

    def _read_simple(self, reader: Reader, owner: bytes | None, rrtype: int | None) -> None:
        if reader.has("sets"):
            reason = f"{reader.at('sets')} needs a policy, one of {', '.join(POLICIES[1:])}"
            self._faults.error(reader.line_of("sets"), f"{reason}; without one expected 'values'")
            self._read_group(reader, None, rrtype, _implied_policy(reader))  # for the faults in the sets
            return
        if reader.has("health_check"):
            reason = "without a policy matters only to an alias, which is not supported yet by this version"
            self._faults.error(reader.line_of("health_check"), f"{reader.at('health_check')} {reason}")
        ttl = reader.integer("ttl", required=True)
        values = self._read_values(reader, rrtype)
        reader.finish()
        if owner is not None and rrtype is not None:
            file = self._faults.file
            self.records += [Record(owner, rrtype, ttl, rdata, file, line) for rdata, line in values]

    def _read_group(self, reader: Reader, owner: bytes | None, rrtype: int | None, policy: str) -> None:
        is_possible = rrtype is not None and rrtype not in _NEVER_CHOSEN[policy]
        if rrtype is not None and not is_possible:
            reason = f"{reader.path}: policy {policy} cannot choose {format_rrtype(rrtype)} records"
            self._faults.error(reader.line_of("policy"), reason)
        if reader.has("values"):
            reason = f"stands beside policy {policy}; expected 'sets', each with its 'values'"
            self._faults.error(reader.line_of("values"), f"{reader.at('values')} {reason}")
        ttl = reader.integer("ttl") if reader.node("ttl") is not None else None
        items = reader.items("sets", required=True)
        self._check_not_empty(reader, "sets")
        if len(items) > MAX_SETS:
            reason = f"{reader.at('sets')} holds {len(items)} sets; the limit is {MAX_SETS}"
            self._faults.error(reader.line_of("sets"), reason)
        seen: dict[tuple[str, str], int] = {}
        sets = [
            self._read_set(
                Reader(item, f"{reader.at('sets')}[{index}]", self._faults), rrtype, policy, ttl, seen
            )
            for index, item in enumerate(items)
        ]
        reader.finish()
        if policy == "weighted":
            self._check_ttls(reader, sets)
        if owner is not None and rrtype is not None and is_possible and sets:
            file = self._faults.file
            self.groups.append(RecordSetGroup(owner, rrtype, policy, tuple(sets), file, reader.line))

    def _read_set(
        self,
        reader: Reader,
        rrtype: int | None,
        policy: str,
        group_ttl: int | None,
        seen: dict[tuple[str, str], int],
    ) -> RecordSet:
        """Read one set; `seen` has what must be unique in its group, and on which line it was."""
        if not reader.line or self._has_alias(reader):
            return RecordSet("", _NO_TTL, ())
        for key, other in POLICY_OF_KEY.items():
            if other != policy and key in reader.mapping.entries and reader.has(key):
                reason = f"{reader.at(key)} belongs to policy {other}; this is policy {policy}"
                self._faults.error(reader.line_of(key), reason)
        health_check = None
        if reader.node("health_check") is not None:
            health_check = reader.text("health_check")
            self.references.append((health_check, reader.line_of("health_check")))
        record_set = RecordSet(
            self._read_id(reader, seen),
            reader.integer("ttl", _NO_TTL if group_ttl is None else group_ttl, required=group_ttl is None),
            self._distinct(reader, self._read_values(reader, rrtype)),
            health_check,
            reader.integer("weight", maximum=MAX_WEIGHT, required=True) if policy == "weighted" else None,
            self._read_region(reader, seen) if policy == "latency" else None,
            reader.line,
        )
        reader.finish()
        return record_set

    def _read_id(self, reader: Reader, seen: dict[tuple[str, str], int]) -> str:
        set_id = reader.text("id", required=True)
        if reader.node("id") is None:
            return set_id
        if not 1 <= len(set_id) <= MAX_ID_LENGTH:
            reason = f"{reader.at('id')} has {len(set_id)} characters; expected 1 to {MAX_ID_LENGTH}"
            self._faults.error(reader.line_of("id"), reason)
        self._note_unique(reader, "id", set_id, seen)
        return set_id

    def _read_region(self, reader: Reader, seen: dict[tuple[str, str], int]) -> str:
        region = reader.text("region", required=True)
        if reader.node("region") is None:
            return region
        if region not in REGIONS:
            self._faults.error(reader.line_of("region"), f"{reader.at('region')}: {unknown_region(region)}")
        self._note_unique(reader, "region", region, seen)
        return region

    def _note_unique(self, reader: Reader, key: str, text: str, seen: dict[tuple[str, str], int]) -> None:
        line = reader.line_of(key)
        if (key, text) in seen:
            reason = f"{reader.at(key)}: {text!r} is already on line {seen[key, text]} of this record"
            self._faults.error(line, reason)
        seen.setdefault((key, text), line)

    def _read_values(self, reader: Reader, rrtype: int | None) -> list[tuple[bytes, int]]:
        """Return the rdata of each good value with its line."""
        scalars = reader.texts("values", required=True)
        self._check_not_empty(reader, "values")
        if rrtype is None:
            return []
        if len(scalars) > 1 and rrtype in _SINGLE_VALUE:
            reason = f"holds {len(scalars)} values; a {format_rrtype(rrtype)} record has exactly one"
            self._faults.error(scalars[1].line, f"{reader.at('values')} {reason}")
            del scalars[1:]
        found = []
        for scalar in scalars:
            try:
                found.append((parse_rdata(rrtype, scalar.text, self._origin), scalar.line))
            except RdataSyntaxError as error:
                self._faults.error(scalar.line, f"{reader.at('values')}: {error}")
        return found

    def _distinct(self, reader: Reader, values: list[tuple[bytes, int]]) -> tuple[bytes, ...]:
        """Return the rdata without repetitions (RFC 2181 §5); the zone builder does so for plain records."""
        rdatas: dict[bytes, None] = {}
        for rdata, line in values:
            if rdata in rdatas:
                self._faults.warning(line, f"{reader.at('values')} holds a value twice; it counts once")
            rdatas[rdata] = None
        return tuple(rdatas)

    def _check_not_empty(self, reader: Reader, key: str) -> None:
        node = reader.node(key)
        if isinstance(node, Sequence) and not node.items:
            self._faults.error(node.line, f"{reader.at(key)} is empty; expected at least one")

    def _check_ttls(self, reader: Reader, sets: list[RecordSet]) -> None:
        """Refuse weighted sets with several TTLs (records-and-changes.md §1.7)."""
        timed = [record_set for record_set in sets if record_set.ttl != _NO_TTL]
        for other in timed:
            if other.ttl != timed[0].ttl:
                reason = f"{other.id!r} has {other.ttl}, {timed[0].id!r} has {timed[0].ttl}"
                self._faults.error(other.line, f"{reader.path}: weighted sets must have one ttl; {reason}")


def _implied_policy(reader: Reader) -> str:
    """Return the policy whose keys the sets use, where the policy's own name is missing or wrong."""
    sets = reader.mapping.entries.get("sets")
    items = sets.items if isinstance(sets, Sequence) else []
    keys = {key for item in items if isinstance(item, Mapping) for key in item.entries}
    return next((policy for key, policy in POLICY_OF_KEY.items() if key in keys), "multivalue")
