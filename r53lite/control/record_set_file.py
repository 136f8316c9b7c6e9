"""What does one record set of a policy file say: its values or alias, and the fields of its policy?

Values have master-file form, and names in them are relative to the zone. Every fault is noted with its line
and reading goes on. Pure.

Source: docs/route53/records-and-changes.md §1.1 to §1.3, §1.7 and §1.8, routing-policies.md §2,
alias-trees.md §3.1; the file format is our choice.
"""

from __future__ import annotations

from collections.abc import Hashable

from r53lite.config.document import Node, Reader, Sequence
from r53lite.control.policy_fields import (
    read_cidr,
    read_failover,
    read_geolocation,
    read_geoproximity,
    read_region,
    read_weight,
)
from r53lite.dns import rrtypes
from r53lite.dns.name import is_subdomain, parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrtypes import format_rrtype, parse_rrtype
from r53lite.errors import Faults, NameSyntaxError, RdataSyntaxError
from r53lite.routing.failover import PRIMARY
from r53lite.routing.record_set import AliasTarget, RecordSet

POLICY_OF_KEY = {
    "weight": "weighted",
    "region": "latency",
    "failover": "failover",
    "location": "geolocation",
    "at": "geoproximity",
    "bias": "geoproximity",
    "cidr": "cidr",
}
MAX_VALUES = 400  # records-and-changes.md §1.3, §1.8
MAX_VALUE_LENGTH = 4000  # characters, records-and-changes.md §1.3
MAX_ID_LENGTH = 128  # records-and-changes.md §1.2
NO_TTL = -1  # stands for one that has a fault

_POLICY_TYPES = "A AAAA CAA CNAME HTTPS MX NAPTR PTR SPF SRV SSHFP SVCB TLSA TXT"  # §1.1
POLICY_TYPES = frozenset(parse_rrtype(text) for text in _POLICY_TYPES.split(" "))
# §1.1; DNAME too, because it shapes the names below it as NS does.
NEVER_ALIASES = frozenset((rrtypes.NS, rrtypes.SOA, rrtypes.DNAME))
_CLOUDFRONT = parse_name("cloudfront.net.")
_SINGLE_VALUE = frozenset((rrtypes.CNAME, rrtypes.SOA, rrtypes.DNAME))  # §1.3; RFC 6672 §2.4 for DNAME

_Seen = dict[tuple[str, Hashable], int]
"""What must be unique in a group, by its key, and on which line it was."""


class SetReader:
    """Reads the sets of one file's records.

    Args:
        origin: what names are relative to.
        faults: takes every fault with its line.
        references: takes the id of each health check that a set names, with the line.
    """

    def __init__(self, origin: bytes, faults: Faults, references: list[tuple[str, int]]) -> None:
        self._origin = origin
        self._faults = faults
        self._references = references

    def read_all(
        self, reader: Reader, items: list[Node], rrtype: int | None, policy: str, ttl: int | None
    ) -> list[RecordSet]:
        """Read the sets of a group; `ttl` is for those without their own."""
        seen: _Seen = {}
        sets = []
        for index, item in enumerate(items):
            one = Reader(item, f"{reader.at('sets')}[{index}]", self._faults)
            sets.append(self._read_set(one, rrtype, policy, ttl, seen))
        self._check_one_collection(reader, sets)
        return sets

    def _read_set(
        self, reader: Reader, rrtype: int | None, policy: str, group_ttl: int | None, seen: _Seen
    ) -> RecordSet:
        if not reader.line:
            return RecordSet("", NO_TTL, ())
        for key, other in POLICY_OF_KEY.items():
            if other != policy and key in reader.mapping.entries and reader.has(key):
                reason = f"{reader.at(key)} belongs to policy {other}; this is policy {policy}"
                self._faults.error(reader.line_of(key), reason)
        ttl = group_ttl
        if not reader.has("alias"):
            ttl = reader.integer("ttl", NO_TTL if ttl is None else ttl, required=ttl is None)
        record_set = self.read_body(reader, rrtype, policy, ttl)._replace(id=self._read_id(reader, seen))
        record_set = self._read_policy_fields(reader, record_set, policy, seen)
        reader.finish()
        return record_set

    def read_body(self, reader: Reader, rrtype: int | None, policy: str, ttl: int | None) -> RecordSet:
        """Read what every set has: values or an alias, and perhaps a health check."""
        health_check = None
        if reader.node("health_check") is not None:
            health_check = reader.text("health_check")
            self._references.append((health_check, reader.line_of("health_check")))
        if reader.has("alias"):
            alias = self._read_alias(reader, rrtype, policy)
            ttl = NO_TTL if alias is None else 0
            return RecordSet("", ttl, (), health_check, alias=alias, line=reader.line)
        values = self._distinct(reader, self.read_values(reader, rrtype))
        return RecordSet("", NO_TTL if ttl is None else ttl, values, health_check, line=reader.line)

    # --- an alias -------------------------------------------------------------------------------------------

    def _read_alias(self, reader: Reader, rrtype: int | None, policy: str) -> AliasTarget | None:
        """Read an alias: it has no values and no TTL of its own (alias-trees.md §3.1)."""
        if policy == "multivalue":
            reason = f"{reader.at('alias')}: a multivalue set cannot be an alias"
            self._faults.error(reader.line_of("alias"), reason)
        for key, why in (("values", "it has its target's"), ("ttl", "its target's counts")):
            if reader.has(key):
                reason = f"{reader.at(key)} stands beside 'alias'; {why}"
                self._faults.error(reader.line_of(key), reason)
        alias = reader.child("alias")
        text = alias.text("target", required=True)
        evaluate_target_health = alias.flag("evaluate_target_health")
        alias.finish()
        if alias.node("target") is None or rrtype is None:
            return None
        try:
            target = parse_name(text, self._origin)
        except NameSyntaxError as error:
            self._faults.error(alias.line_of("target"), f"{alias.at('target')}: {error}")
            return None
        if evaluate_target_health and is_subdomain(target, _CLOUDFRONT):
            key = "evaluate_target_health"
            reason = "must be false for CloudFront, which has no health to evaluate (alias-trees.md §3.1)"
            self._faults.error(alias.line_of(key), f"{alias.at(key)} {reason}")
        return AliasTarget(target, rrtype, evaluate_target_health)

    # --- the fields of policies -----------------------------------------------------------------------------

    def _read_policy_fields(
        self, reader: Reader, record_set: RecordSet, policy: str, seen: _Seen
    ) -> RecordSet:
        """Read what the policy needs to know of a set, and refuse what another set of the group is for."""
        name = ""
        key: Hashable = None
        match policy:
            case "weighted":
                return record_set._replace(weight=read_weight(reader))
            case "latency":
                record_set = record_set._replace(region=read_region(reader, "region"))
                name, key = "region", record_set.region
            case "failover":
                record_set = record_set._replace(failover=read_failover(reader))
                name, key = "failover", record_set.failover
                self._check_failover(reader, record_set)
            case "geolocation":
                record_set = record_set._replace(location=read_geolocation(reader))
                name, key = "location", record_set.location
            case "geoproximity":
                return record_set._replace(at=read_geoproximity(reader))
            case "cidr":
                record_set = record_set._replace(cidr=read_cidr(reader))
                name, key = "cidr", record_set.cidr and record_set.cidr._replace(line=0)
        if key is not None:
            self._note_unique(reader, name, key, seen)
        return record_set

    def _check_failover(self, reader: Reader, record_set: RecordSet) -> None:
        """A primary with values needs a check (§2.8); an alias should evaluate its target's health."""
        if record_set.alias is not None:
            is_deaf = not record_set.alias.evaluate_target_health and record_set.health_check is None
            if is_deaf and record_set.failover == PRIMARY:
                reason = "a failover alias without 'evaluate_target_health' never fails over"
                self._faults.warning(reader.line_of("alias"), f"{reader.at('alias')}: {reason}")
        elif record_set.failover == PRIMARY and not reader.has("health_check") and not reader.has("alias"):
            reason = f"{reader.path}: a primary that is no alias must have a 'health_check'"
            self._faults.error(reader.line, reason)

    def _check_one_collection(self, reader: Reader, sets: list[RecordSet]) -> None:
        """All sets of a CIDR group use one collection (records-and-changes.md §1.7)."""
        cidrs = [(one, one.cidr) for one in sets if one.cidr is not None]
        for one, cidr in cidrs:
            first, first_cidr = cidrs[0]
            if cidr.collection != first_cidr.collection:
                reason = f"{one.id!r} has {cidr.collection!r}, {first.id!r} has {first_cidr.collection!r}"
                self._faults.error(cidr.line, f"{reader.path}: cidr sets must use one collection; {reason}")

    # --- what is unique, and values -------------------------------------------------------------------------

    def _read_id(self, reader: Reader, seen: _Seen) -> str:
        set_id = reader.text("id", required=True)
        if reader.node("id") is None:
            return set_id
        if not 1 <= len(set_id) <= MAX_ID_LENGTH:
            reason = f"{reader.at('id')} has {len(set_id)} characters; expected 1 to {MAX_ID_LENGTH}"
            self._faults.error(reader.line_of("id"), reason)
        self._note_unique(reader, "id", set_id, seen)
        return set_id

    def _note_unique(self, reader: Reader, key: str, what: Hashable, seen: _Seen) -> None:
        line = reader.line_of(key)
        if (key, what) in seen:
            shown = repr(what) if isinstance(what, str) else "this " + key
            reason = f"{reader.at(key)}: {shown} is already on line {seen[key, what]} of this record"
            self._faults.error(line, reason)
        seen.setdefault((key, what), line)

    def read_values(self, reader: Reader, rrtype: int | None) -> list[tuple[bytes, int]]:
        """Return the rdata of each good value with its line."""
        scalars = reader.texts("values", required=True)
        self.check_not_empty(reader, "values")
        if rrtype is None:
            return []
        if len(scalars) > 1 and rrtype in _SINGLE_VALUE:
            reason = f"holds {len(scalars)} values; a {format_rrtype(rrtype)} record has exactly one"
            self._faults.error(scalars[1].line, f"{reader.at('values')} {reason}")
            del scalars[1:]
        if len(scalars) > MAX_VALUES:
            reason = f"{reader.at('values')} holds {len(scalars)} values; the limit is {MAX_VALUES}"
            self._faults.error(reader.line_of("values"), reason)
        found = []
        for scalar in scalars:
            if len(scalar.text) > MAX_VALUE_LENGTH:
                reason = f"holds a value of {len(scalar.text)} characters; the limit is {MAX_VALUE_LENGTH}"
                self._faults.error(scalar.line, f"{reader.at('values')} {reason}")
                continue
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

    def check_not_empty(self, reader: Reader, key: str) -> None:
        """Refuse an empty list."""
        node = reader.node(key)
        if isinstance(node, Sequence) and not node.items:
            self._faults.error(node.line, f"{reader.at(key)} is empty; expected at least one")
