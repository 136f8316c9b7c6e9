"""Latencies come from the first source that knows them; our own probes' times fade and settle."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.routing.context import ClientLocation
from r53lite.routing.latencies import (
    FADING_S,
    MEASURED,
    LatencyMatrix,
    LatencyRow,
    LatencyTable,
    client_region,
    complete,
)
from r53lite.routing.locations import Locations

BERLIN = (52.52, 13.4)


def test_sources_in_order() -> None:
    location = ClientLocation("eu-west-1", latency_ms={"us-east-1": 1.0}, source="locations.yaml:2")
    row = LatencyRow({"us-east-1": 2.0, "us-east-2": 2.0}, "ms.csv:3")
    matrix = LatencyMatrix({"eu-west-1": LatencyRow({"us-east-2": 3.0, "us-west-1": 3.0}, "ms.csv:2")})
    measured = LatencyTable()
    for region in ("us-east-1", "us-east-2", "us-west-1", "us-west-2"):
        measured = measured.observe(region, 4.0, 0.0)
    found = complete(location, row, matrix, measured)
    regions = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "sa-east-1")
    assert [(found.latency_ms.get(region), found.latency_source(region)) for region in regions] == [
        (1.0, "locations.yaml:2"),
        (2.0, "ms.csv:3"),
        (3.0, "ms.csv:2"),
        (4.0, MEASURED),
        (None, "estimated from distance"),
    ]


@pytest.mark.parametrize(
    ("location", "region"),
    [
        (ClientLocation("sa-east-1", coordinates=BERLIN), "sa-east-1"),
        (ClientLocation(coordinates=BERLIN), "eusc-de-east-1"),
        (ClientLocation(country="DE"), "us-east-1"),
    ],
)
def test_the_region_of_a_client(location: ClientLocation, region: str) -> None:
    assert client_region(location) == region


def test_a_location_without_any_latency_stays_itself() -> None:
    location = ClientLocation("sa-east-1")
    assert complete(location, None, LatencyMatrix(), LatencyTable()) is location


def test_a_time_counts_more_the_longer_ago_the_last_one_was() -> None:
    table = LatencyTable().observe("eu-west-1", 100.0, 0.0)
    soon = table.observe("eu-west-1", 200.0, 10.0).latency_ms["eu-west-1"]
    late = table.observe("eu-west-1", 200.0, FADING_S).latency_ms["eu-west-1"]
    assert 100 < soon < late < 200
    assert late == pytest.approx(163.2, abs=0.1)  # 1 - 1/e of the way
    assert 100 < table.observe("eu-west-1", 200.0, 0.0).latency_ms["eu-west-1"] < 102
    assert table.latency_ms == {"eu-west-1": 100.0}  # a table never changes


def test_a_moved_average_is_between_the_least_and_the_greatest_time() -> None:
    table = LatencyTable()
    times = [3.0, 9.0, 5.0, 4.0]
    for now, latency_ms in enumerate(times):
        table = table.observe("eu-west-1", latency_ms, float(now))
    assert min(times) <= table.latency_ms["eu-west-1"] <= max(times)


@pytest.mark.parametrize(
    ("before", "after", "has_moved"),
    [
        ({}, {}, False),
        ({}, {"eu-west-1": 5.0}, True),
        ({"eu-west-1": 100.0}, {"eu-west-1": 109.0}, False),
        ({"eu-west-1": 100.0}, {"eu-west-1": 111.0}, True),
        ({"eu-west-1": 100.0}, {"eu-west-1": 89.0}, True),
        ({"eu-west-1": 0.2}, {"eu-west-1": 0.6}, False),
    ],
)
def test_answers_follow_what_has_moved(
    before: dict[str, float], after: dict[str, float], has_moved: bool
) -> None:
    published, current = LatencyTable(), LatencyTable()
    for region, latency_ms in before.items():
        published = published.observe(region, latency_ms, 0.0)
    for region, latency_ms in after.items():
        current = current.observe(region, latency_ms, 0.0)
    assert current.has_moved_from(published) == has_moved


@given(st.lists(st.floats(95, 105), max_size=50))
def test_noise_makes_no_new_answers(times: list[float]) -> None:
    published = current = LatencyTable().observe("eu-west-1", 100.0, 0.0)
    for now, latency_ms in enumerate(times):
        current = current.observe("eu-west-1", latency_ms, 10.0 * now)
        assert not current.has_moved_from(published)


def test_locations_follow_what_was_measured() -> None:
    locations = Locations(measured=LatencyTable())
    table = LatencyTable().observe("sa-east-1", 7.0, 0.0)
    found = locations.with_measured(table).locate(bytes(4), 32)
    assert (found.latency_ms, found.latency_source("sa-east-1"), found.prefix_len) == (
        {"sa-east-1": 7.0},
        MEASURED,
        0,
    )
    assert locations.locate(bytes(4), 32).latency_ms == {}


def test_the_scope_of_latencies_by_region_is_that_of_the_regions() -> None:
    rows = {
        name: LatencyRow({"us-east-1": float(ms)}, "x") for ms, name in enumerate(("eu-west-1", "eu-west-2"))
    }
    matrix = LatencyMatrix(rows)
    entries = [
        (ip_network("10.0.0.0/9"), ClientLocation("eu-west-1")),
        (ip_network("10.128.0.0/9"), ClientLocation("eu-west-2")),
    ]
    locations = Locations(entries, (), matrix)
    a, b = (locations.locate(bytes([10, octet, 0, 0]), 32) for octet in (0, 128))
    assert [one.latency_ms["us-east-1"] for one in (a, b)] == [0.0, 1.0]
    assert a.position_prefix_len == b.position_prefix_len == 9
    assert a.area_prefix_len == b.area_prefix_len == 0
