"""Which region was probed, and has its latency moved so much that answers should follow?

A health check tells of the region of the record sets that name it, be it by latency or by geoproximity. A
check that sets of several regions name tells of none. A successful probe is two round trips, one for the
connection and one for the response; what the endpoint itself needs is in it too.

Pure: times come in, tables come out.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from r53lite.routing.latencies import LatencyTable
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.zone.model import PolicyNode, Zone

ROUND_TRIPS = 2  # of a probe: docs/route53/health-checks.md §4.1, TCP connection and HTTP response


class LatencyMeter:
    """Turns the times of probes into latencies of regions; `published` is what answers go by."""

    def __init__(self) -> None:
        self.published = LatencyTable()
        self._table = LatencyTable()
        self._regions: dict[str, str] = {}

    def watch(self, zones: Iterable[Zone]) -> None:
        """Take the regions of health checks from the record sets of zones."""
        self._regions = regions_of_checks(zones)

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
        if region is None:
            return False
        self._table = self._table.observe(region, seconds * 1000 / ROUND_TRIPS, now)
        if not self._table.has_moved_from(self.published):
            return False
        self.published = self._table
        return True


def regions_of_checks(zones: Iterable[Zone]) -> dict[str, str]:
    """Return the region that each health check tells of; looks at every name, so do it after a load only."""
    found: dict[str, str | None] = {}
    for record_set in _record_sets(zones):
        region = record_set.region or (record_set.at.region if record_set.at is not None else None)
        if region is not None and record_set.health_check is not None:
            known = found.setdefault(record_set.health_check, region)
            if known != region:
                found[record_set.health_check] = None
    return {check: region for check, region in found.items() if region is not None}


def _record_sets(zones: Iterable[Zone]) -> Iterable[RecordSet]:
    for zone in zones:
        for node in map(itemgetter(1), zone.names.items()):
            if isinstance(node, PolicyNode):
                for group in node.data.values():
                    if isinstance(group, RecordSetGroup):
                        yield from group.sets
