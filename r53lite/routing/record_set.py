"""What is a record set, and a group of them? (docs/route53/records-and-changes.md §1.2)

A `RecordSet` is a configuration item: values under one policy. A `RecordSetGroup` is all the sets of one
name and type; a policy chooses from it. Neither is an RRset: an RRset is what a choice yields.
"""

from __future__ import annotations

from typing import NamedTuple

POLICIES = ("simple", "weighted", "latency", "multivalue")


class RecordSet(NamedTuple):
    """One member of a group. Policy fields that its policy does not use are None."""

    id: str
    ttl: int
    rdatas: tuple[bytes, ...]
    health_check: str | None = None
    weight: int | None = None
    region: str | None = None
    line: int = 0


class RecordSetGroup(NamedTuple):
    """All record sets of one owner and type, in the order of the file. `ttl` is the sets' least."""

    owner: bytes
    rrtype: int
    policy: str
    sets: tuple[RecordSet, ...]
    file: str = ""
    line: int = 0

    @property
    def ttl(self) -> int:
        """Return the least TTL of the sets."""
        return min(record_set.ttl for record_set in self.sets)
