"""Probes tell how far regions are; answers follow when that has moved."""

from __future__ import annotations

from pathlib import Path

from r53lite.control.latency_meter import LatencyMeter, merged_regions
from tests.support import load_snapshot

ZONE = "$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n"
POLICIES = """
zone: example.test
records:
  - {name: near, type: A, ttl: 60, policy: latency, sets: [
      {id: a, region: us-east-1, values: [127.0.0.1], health_check: east},
      {id: b, region: us-west-2, values: [127.0.0.2], health_check: both},
      {id: c, region: eu-west-1, values: [127.0.0.3]}]}
  - {name: round, type: A, ttl: 60, policy: geoproximity, sets: [
      {id: a, at: {region: sa-east-1}, values: [127.0.0.1], health_check: south},
      {id: b, at: {region: us-east-2}, values: [127.0.0.2], health_check: both},
      {id: c, at: {coordinates: [1, 2]}, values: [127.0.0.3], health_check: sea}]}
  - {name: even, type: A, ttl: 60, policy: weighted, sets: [
      {id: a, weight: 1, values: [127.0.0.1], health_check: other}]}
health_checks:
  east: {type: HTTP, ip: 127.0.0.1}
  both: {type: HTTP, ip: 127.0.0.1}
  south: {type: HTTP, ip: 127.0.0.1}
  sea: {type: HTTP, ip: 127.0.0.1}
  other: {type: HTTP, ip: 127.0.0.1}
"""


def test_a_check_tells_of_the_one_region_of_its_sets(tmp_path: Path) -> None:
    snapshot = load_snapshot(tmp_path, example_test_zone=ZONE, example_test_yaml=POLICIES)
    assert snapshot.regions == {"east": "us-east-1", "south": "sa-east-1", "both": None}


def test_checks_of_several_zones_tell_of_the_regions_of_all() -> None:
    merged = merged_regions(
        [{"a": "us-east-1", "b": "eu-west-1", "c": None}, {"a": "us-east-1", "b": "us-east-1"}]
    )
    assert merged == {"a": "us-east-1", "b": None, "c": None}


def test_times_are_published_when_they_have_moved(tmp_path: Path) -> None:
    snapshot = load_snapshot(tmp_path, example_test_zone=ZONE, example_test_yaml=POLICIES)
    meter = LatencyMeter()
    meter.watch(snapshot.regions)
    assert not meter.observe("other", 0.1, 0.0)
    assert meter.observe("east", 0.1, 0.0)
    assert meter.published.latency_ms == {"us-east-1": 50.0}
    assert not meter.observe("east", 0.101, 10.0)
    assert meter.published.latency_ms == {"us-east-1": 50.0}
    assert meter.observe("east", 0.9, 300.0)
    assert meter.observe("south", 0.2, 300.0)
    assert meter.published.latency_ms["sa-east-1"] == 100.0


def test_what_no_check_measures_any_more_is_dropped() -> None:
    meter = LatencyMeter()
    meter.watch({"east": "us-east-1", "west": "us-west-2"})
    meter.observe("east", 0.1, 0.0)
    meter.observe("west", 0.2, 0.0)

    meter.watch({"east": "us-east-1", "west": None})

    assert meter.observe("east", 0.1, 1.0)
    assert meter.published.latency_ms == {"us-east-1": 50.0}


def test_the_last_region_is_dropped_with_the_next_success_of_any_check() -> None:
    meter = LatencyMeter()
    meter.watch({"east": "us-east-1"})
    meter.observe("east", 0.1, 0.0)

    meter.watch({"east": None})

    assert meter.observe("east", 0.1, 1.0)
    assert meter.published.latency_ms == {}
    assert not meter.observe("east", 0.1, 2.0)
