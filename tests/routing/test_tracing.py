"""A trace tells in a few words where an answer came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.routing.context import ClientLocation
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.registry import select
from r53lite.routing.tracing import Trace, checks_below, sets_on_path, short_story
from tests.routing.odds_cases import APEX
from tests.support import load_snapshot

ZONE = f"""zone: t.test
records:
{APEX}
  - name: top
    type: A
    policy: failover
    sets:
      - {{id: main, failover: primary, alias: {{target: pair, evaluate_target_health: true}}}}
      - {{id: spare, failover: secondary, ttl: 9, values: [192.0.2.9], health_check: c}}
  - name: pair
    type: A
    ttl: 9
    policy: weighted
    sets:
      - {{id: x, weight: 1, values: [192.0.2.1], health_check: a}}
      - {{id: y, weight: 3, values: [192.0.2.2], health_check: b}}
  - {{name: geo, type: A, ttl: 9, policy: geolocation, sets: [
      {{id: us, location: {{country: US}}, values: [192.0.2.3]}}]}}
health_checks:
  a: {{type: HTTP, ip: 127.0.0.1}}
  b: {{type: HTTP, ip: 127.0.0.1}}
  c: {{type: HTTP, ip: 127.0.0.1}}
"""


def group_of(directory: Path, name: str) -> RecordSetGroup:
    snapshot = load_snapshot(directory, t_test_yaml=ZONE)
    zone = snapshot.catalog.find(parse_name(f"{name}.t.test"))
    assert zone is not None
    node = zone.node(parse_name(f"{name}.t.test"))
    assert node is not None
    group = node.data[rrtypes.A]
    assert isinstance(group, RecordSetGroup)
    return group


@pytest.mark.parametrize(
    ("name", "down", "story", "on_path"),
    [
        ("top", "", "failover main, weighted y 3/4", ["y", "main"]),
        ("top", "a", "failover main, weighted y", ["y", "main"]),
        ("top", "ab", "failover spare", ["spare"]),
        ("top", "abc", "failover (last resort) main, weighted (last resort) y 3/4", ["y", "main"]),
        ("pair", "ab", "weighted (last resort) y 3/4", ["y"]),
        ("geo", "", "geolocation, nothing", []),
    ],
)
def test_a_story_in_a_few_words(tmp_path: Path, name: str, down: str, story: str, on_path: list[str]) -> None:
    group = group_of(tmp_path, name)
    health = HealthTable({check: HealthStatus(False, "", 1, 0.0, None) for check in down})
    trace = Trace(health, ClientLocation(), lambda limit: limit - 1)

    selection = select(group, trace)

    (told,) = trace.stories
    assert short_story(told) == story
    assert told.selection == selection
    assert [record_set.id for record_set in sets_on_path(group, selection)] == on_path


def test_the_checks_of_a_group_are_those_of_its_whole_tree(tmp_path: Path) -> None:
    assert checks_below([group_of(tmp_path, "top")]) == {"a", "b", "c"}
