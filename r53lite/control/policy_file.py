"""What does a policy file say: which records, which groups under a policy, which health checks?

A record without a policy becomes plain `Record`s, as a master file gives them, so that a YAML file may hold a whole
zone; with a policy it becomes a `RecordSetGroup`. Values have master-file form, and names in them are relative to the
zone. Every fault is noted with its line and reading goes on with the next key. What needs other files (does the health
check exist, is the id taken, do the records make a zone) is left to who reads the directory. Pure.

Source: docs/route53/records-and-changes.md §1.1 to §1.3, §1.7 and §1.8; the file format is our choice.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.config.document import Node, Reader, Scalar
from r53lite.control.health_check_file import read_health_checks
from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, is_subdomain, parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrtypes import format_rrtype, parse_rrtype
from r53lite.errors import Faults, NameSyntaxError, RdataSyntaxError
from r53lite.health.model import HealthCheck
from r53lite.routing.places import REGIONS, unknown_region
from r53lite.routing.record_set import POLICIES, RecordSet, RecordSetGroup
from r53lite.zone.master_file import Record

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

# Types that no policy may choose: the first three by §1.1, DNAME because it shapes the names below it as NS does.
_NEVER_BY_POLICY = frozenset((rrtypes.NS, rrtypes.SOA, rrtypes.DS, rrtypes.DNAME))
_NEVER_BY_MULTIVALUE = _NEVER_BY_POLICY | {rrtypes.CNAME}
_SINGLE_VALUE = frozenset((rrtypes.CNAME, rrtypes.SOA, rrtypes.DNAME))  # §1.3; RFC 6672 §2.4 for DNAME


class PolicyFile(NamedTuple):
    """What one policy file holds.

    `origin` is the wire name of its zone; None where it only has what is common to the directory. `health_checks` have
    the line of their id, `references` are the health checks that record sets name, each with the line of the reference.
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
        faults: takes every fault with its line.

    Returns:
        What the file holds, or None when something in it is an error. An empty file is one: an editor that has
        emptied a file and not yet filled it must not take a zone away.
    """
    if node is None:
        if not faults.has_errors:
            faults.error(0, "the file is empty; expected 'zone' and 'records', or 'health_checks'")
        return None
    root = Reader(node, "", faults)
    health_checks = read_health_checks(root, faults)
    if root.has("cidr_collections"):
        faults.error(root.line_of("cidr_collections"), "'cidr_collections' is not supported yet by this version")
    origin = None
    if root.has("zone") or root.has("records") or not root.has("health_checks"):
        origin = _read_zone(root, faults)
    records = _RecordReader(origin, faults)
    if origin is not None:
        for index, item in enumerate(root.items("records")):
            records.read(Reader(item, f"records[{index}]", faults))
    root.finish()
    if faults.has_errors:
        return None
    return PolicyFile(
        origin, tuple(records.records), tuple(records.groups), health_checks, tuple(records.references)
    )
