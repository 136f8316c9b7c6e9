"""What is a record set, and a group of them? (docs/route53/records-and-changes.md §1.2)

A `RecordSet` is a configuration item: values or an alias, under one policy. A `RecordSetGroup` is all the
sets of one name and type; a policy chooses from it. Neither is an RRset: an RRset is what a choice yields.
Groups that aliases lead to are linked once, when a zone is loaded (`control.alias_links`), and never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from r53lite.routing.cidr_index import CidrIndex
    from r53lite.routing.context import Aspect

POLICIES = (
    "simple",
    "weighted",
    "latency",
    "failover",
    "geolocation",
    "geoproximity",
    "multivalue",
    "cidr",
)
DEFAULT = "*"  # the country of a default geolocation set, the location of a default CIDR set


class GeoLocation(NamedTuple):
    """Which clients a geolocation set is for: a continent, a country, a country's subdivision, or all.

    The country `DEFAULT` is for clients that no other set is for. Source: routing-policies.md §2.4.
    """

    continent: str | None = None
    country: str | None = None
    subdivision: str | None = None


class GeoProximity(NamedTuple):
    """Where a geoproximity set is: in a region, or at latitude and longitude; and its bias, -99 to 99.

    A set in a Local Zone group has the coordinates of that.

    Source: routing-policies.md §2.5.
    """

    region: str | None = None
    coordinates: tuple[float, float] | None = None
    bias: int = 0
    local_zone_group: str | None = None


class CidrLocation(NamedTuple):
    """Which clients a CIDR set is for: those of a location of a collection; `DEFAULT` is for all others.
    `line` is where a file says so.

    Source: routing-policies.md §2.6.
    """

    collection: str
    location: str
    line: int = 0


class OutsideTarget(NamedTuple):
    """A name outside the zone that an alias leads to, such as a load balancer's; its addresses come from the
    settings (`targets`) and are published as health is.
    """

    owner: bytes
    rrtype: int


class AliasTarget(NamedTuple):
    """Where an alias leads. `target` is the linked group; None dangles: there is none (alias-trees.md §3.1).

    A plain RRset as a target is wrapped into a simple group.
    """

    owner: bytes
    rrtype: int
    evaluate_target_health: bool = False
    target: RecordSetGroup | OutsideTarget | None = None


class RecordSet(NamedTuple):
    """One member of a group. Policy fields that its policy does not use are None; an alias has no values."""

    id: str
    ttl: int
    rdatas: tuple[bytes, ...]
    health_check: str | None = None
    weight: int | None = None
    region: str | None = None
    failover: str | None = None
    location: GeoLocation | None = None
    at: GeoProximity | None = None
    cidr: CidrLocation | None = None
    alias: AliasTarget | None = None
    line: int = 0


class RecordSetGroup(NamedTuple):
    """All record sets of one owner and type, in the order of the file. `ttl` is the least of those with
    values. `blocks` tells a CIDR group which of its locations a client is in; `view` is what another group
    makes of a client's location, made once when it is loaded (`registry.view_of`). `is_located` says that the
    client counts for the group, or for one that its aliases lead to.
    """

    owner: bytes
    rrtype: int
    policy: str
    sets: tuple[RecordSet, ...]
    file: str = ""
    line: int = 0
    blocks: CidrIndex | None = None
    view: Aspect | None = None
    is_located: bool = False

    @property
    def ttl(self) -> int:
        """Return the least TTL of the sets with values; 0 where all are aliases."""
        return min((record_set.ttl for record_set in self.sets if record_set.alias is None), default=0)
