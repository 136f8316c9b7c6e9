"""How long does it take from a client to a region, by table or by our own probes?

A `LatencyMatrix` is a table that a person wrote: rows are client regions or client networks, columns are
regions. A `LatencyTable` is what our own probes measured: an average per region in which old times fade. Its
times are those from this server, so they stand for its clients where those are near it; that is why they
count on request only, and behind what anybody wrote.

`complete` puts the sources in order: the latencies written beside the client's network, the matrix, the
probes. What none of them knows is estimated from the distance (`routing.latency`).

Pure; a `LatencyTable` never changes, `observe` returns the next one.

Source: docs/route53/routing-policies.md §2.3 (Route 53's own measurements are not published).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import exp
from typing import NamedTuple

from r53lite.routing.context import DEFAULT_REGION, ClientLocation
from r53lite.routing.places import REGIONS, distance_km
from r53lite.routing.ranges import Network

MEASURED = "measured by our probes"
FADING_S = 300.0  # our choice: after 5 minutes an old time has a weight of 1/e; a check is probed every 10 s
MOVED_SHARE = 0.1  # our choice: what moves less does not make new answers
MOVED_MS = 0.5  # our choice: a tenth of a loopback's time is nothing


class LatencyRow(NamedTuple):
    """One row of a matrix: milliseconds per region, and which line of which file it is."""

    latency_ms: Mapping[str, float]
    source: str


class LatencyMatrix:
    """Latencies by client region and by client network.

    Args:
        regions: the rows of client regions.
        networks: the rows of client networks; the longest that contains the client counts.
    """

    def __init__(
        self,
        regions: Mapping[str, LatencyRow] | None = None,
        networks: Iterable[tuple[Network, LatencyRow]] = (),
    ) -> None:
        self.regions: Mapping[str, LatencyRow] = dict(regions or {})
        self.networks = tuple(networks)


class _Average(NamedTuple):
    """The faded average of one region and when it was last fed."""

    latency_ms: float
    at: float


class LatencyTable:
    """What our probes measured, by region; empty by default."""

    __slots__ = ("_averages",)

    def __init__(self, averages: Mapping[str, _Average] | None = None) -> None:
        self._averages: Mapping[str, _Average] = averages or {}

    @property
    def latency_ms(self) -> dict[str, float]:
        """Return the milliseconds by region."""
        return {region: average.latency_ms for region, average in self._averages.items()}

    def observe(self, region: str, latency_ms: float, now: float) -> LatencyTable:
        """Return the table with one more time: an exponentially weighted moving average over time.

        Args:
            region: where the endpoint is.
            latency_ms: the round trip of one probe.
            now: monotonic seconds; the longer ago the last time was, the more the new one counts.
        """
        known = self._averages.get(region)
        value = latency_ms
        if known is not None:
            share = max(1 - exp(-max(now - known.at, 0.0) / FADING_S), _LEAST_SHARE)
            value = known.latency_ms + share * (latency_ms - known.latency_ms)
        return LatencyTable({**self._averages, region: _Average(value, now)})

    def only(self, regions: Collection[str]) -> LatencyTable:
        """Return the table without the times of other regions."""
        kept = {region: average for region, average in self._averages.items() if region in regions}
        return self if len(kept) == len(self._averages) else LatencyTable(kept)

    def has_moved_from(self, published: LatencyTable) -> bool:
        """Say whether a region's time differs so much from the published one that answers should follow."""
        if self._averages.keys() != published._averages.keys():
            return True
        for region, (latency_ms, _) in self._averages.items():
            before = published._averages[region].latency_ms
            if abs(latency_ms - before) > max(MOVED_MS, MOVED_SHARE * before):
                return True
        return False


_LEAST_SHARE = 0.01  # two probes at one moment: the later still counts


def client_region(location: ClientLocation) -> str:
    """Return the region a client counts to: its own, the nearest to its coordinates, or the default."""
    if location.region is not None:
        return location.region
    at = location.coordinates
    if at is None:
        return DEFAULT_REGION
    return min(REGIONS, key=lambda region: (distance_km(at, REGIONS[region]), region))


def complete(
    location: ClientLocation, row: LatencyRow | None, matrix: LatencyMatrix, measured: LatencyTable | None
) -> ClientLocation:
    """Return a location with every latency that some source knows, the first source of each counting.

    Args:
        location: with the latencies that stand beside its network.
        row: the matrix's row for the client's network, if there is one.
        matrix: its rows by region.
        measured: what the probes measured; None where that does not count.
    """
    rows = [LatencyRow(location.latency_ms, location.source)]
    if row is not None:
        rows.append(row)
    if matrix.regions:
        by_region = matrix.regions.get(client_region(location))
        if by_region is not None:
            rows.append(by_region)
    if measured is not None:
        rows.append(LatencyRow(measured.latency_ms, MEASURED))
    latency_ms: dict[str, float] = {}
    sources: dict[str, str] = {}
    for entry in rows:
        for region, value in entry.latency_ms.items():
            if region not in latency_ms:
                latency_ms[region] = value
                sources[region] = entry.source
    return location._replace(latency_ms=latency_ms, latency_sources=sources) if latency_ms else location
