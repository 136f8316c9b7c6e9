"""Which region was probed, and has its latency moved so much that answers should follow?

A health check tells of the region of the record sets that name it, be it by latency or by geoproximity. A
check that sets of several regions name tells of none. A successful probe is two round trips, one for the
connection and one for the response; what the endpoint itself needs is in it too.

Pure: times come in, tables come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from r53lite.routing.latencies import LatencyTable
from r53lite.routing.record_set import RecordSet

Regions = Mapping[str, str | None]
"""The region that each health check tells of; None where sets of several regions name it."""

ROUND_TRIPS = 2  # of a probe: docs/route53/health-checks.md §4.1, TCP connection and HTTP response


class LatencyMeter:
    """Turns the times of probes into latencies of regions; `published` is what answers go by."""

    def __init__(self) -> None:
        self.published = LatencyTable()
        self._table = LatencyTable()
        self._regions: Regions = {}

    def watch(self, regions: Regions) -> None:
        """Take the regions of health checks from now on from these.

        What was measured of a region that none of them tells of any more is dropped: nothing would ever
        correct it. It is gone from `published` with the next success of any check.
        """
        self._regions = regions
        self._table = self._table.only({region for region in regions.values() if region is not None})

    def observe(self, check: str, seconds: float, now: float) -> bool:
        """Feed the time of a successful probe.

        Args:
            check: the id of the health check.
            seconds: from the start of the connection to the response.
            now: monotonic seconds.

        Returns:
            Whether `published` has changed.
        """
        region = self._regions.get(check)
        if region is not None:
            self._table = self._table.observe(region, seconds * 1000 / ROUND_TRIPS, now)
        if not self._table.has_moved_from(self.published):
            return False
        self.published = self._table
        return True


def regions_of_checks(record_sets: Iterable[RecordSet]) -> Regions:
    """Return the region that each health check tells of by the record sets that name it."""
    found: dict[str, str | None] = {}
    for record_set in record_sets:
        region = record_set.region or (record_set.at.region if record_set.at is not None else None)
        if region is not None and record_set.health_check is not None:
            _note(found, record_set.health_check, region)
    return found


def merged_regions(of_zones: Iterable[Regions]) -> Regions:
    """Return what the record sets of all zones say together."""
    found: dict[str, str | None] = {}
    for regions in of_zones:
        for check, region in regions.items():
            _note(found, check, region)
    return found


def _note(found: dict[str, str | None], check: str, region: str | None) -> None:
    if found.setdefault(check, region) != region:
        found[check] = None
