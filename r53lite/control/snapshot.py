"""What does one query see? An immutable snapshot of everything that is served, swapped by one assignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from r53lite.health.model import HealthCheck
from r53lite.routing.locations import Locations
from r53lite.routing.record_set import OutsideTarget
from r53lite.zone.catalog import Catalog


class Snapshot(NamedTuple):
    """Zones, health checks and client locations of one moment; `version` counts from 1.

    `outside` are the names outside the zones that aliases lead to; `regions` says which region each health
    check tells of (`control.latency_meter`).
    """

    catalog: Catalog
    health_checks: Mapping[str, HealthCheck]
    locations: Locations
    version: int = 0
    outside: frozenset[OutsideTarget] = frozenset()
    regions: Mapping[str, str | None] = {}  # never written to
