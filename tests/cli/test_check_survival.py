"""`r53lite check` tells of each group whether it survives any one failure, and reads what `serve` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from r53lite.cli.main import main
from r53lite.control import lint_trial
from tests.routing.odds_cases import APEX

TWO = """  - {name: good, type: A, ttl: 9, policy: weighted, sets: [
      {id: a, weight: 1, values: [192.0.2.1], health_check: a},
      {id: b, weight: 1, values: [192.0.2.2], health_check: b}]}
  - {name: bad, type: A, ttl: 9, policy: multivalue, sets: [
      {id: a, values: [192.0.2.1], health_check: a},
      {id: b, values: [192.0.2.2], health_check: a}]}
health_checks:
  a: {type: HTTP, ip: 127.0.0.1}
  b: {type: HTTP, ip: 127.0.0.1}
"""
REASON = "192.0.2.1, 192.0.2.2 (in 100% of answers)"


def write(directory: Path, records: str) -> None:
    """Write one zone."""
    (directory / "t.test.yaml").write_text(f"zone: t.test\nrecords:\n{APEX}{records}", encoding="utf-8")


def check(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def groups(directory: Path) -> list[dict[str, Any]]:
    """Return the groups of the JSON form."""
    shape: dict[str, list[dict[str, Any]]] = json.loads(check(directory, "--json").stdout)
    return shape["groups"]


def test_each_group_with_health_checks_is_judged(tmp_path: Path) -> None:
    write(tmp_path, TWO)
    result = check(tmp_path, "--survival")
    path = tmp_path / "t.test.yaml"
    first = 3 + APEX.count("\n")
    assert result.stdout.splitlines() == [
        f"{path}:{first + 3}: warning: bad.t.test. A does not survive the failure of health check 'a': "
        f"it then answers {REASON}",
        f"{path}:{first}: good.t.test. A survives any one failure: yes",
        f"{path}:{first + 3}: bad.t.test. A survives any one failure: no: a down",
    ]
    assert result.stderr.endswith("1 of 2 groups with health checks survive any one failure\n")
    good, bad = groups(tmp_path)
    assert (good["name"], good["survives_any_one_failure"]) == ("good.t.test.", True)
    assert "counter_example" not in good
    assert bad["survives_any_one_failure"] is False
    assert bad["counter_example"] == {"down": "a", "answer": REASON, "client": None}


@pytest.mark.parametrize(("policy", "fact"), [("weighted", "weight: 1"), ("multivalue", "")])
def test_a_group_of_many_checks_is_judged_too(tmp_path: Path, policy: str, fact: str) -> None:
    """Forty checks have a million million health states: not all are tried."""
    sets = ",\n".join(
        f"      {{id: s{n}, {fact}{', ' if fact else ''}values: [192.0.2.{n}], health_check: h{n}}}"
        for n in range(40)
    )
    checks = "".join(f"  h{n}: {{type: HTTP, ip: 127.0.0.1}}\n" for n in range(40))
    records = (
        f"  - {{name: w, type: A, ttl: 9, policy: {policy}, sets: [\n{sets}]}}\nhealth_checks:\n{checks}"
    )
    write(tmp_path, records)
    assert [one["survives_any_one_failure"] for one in groups(tmp_path)] == [True]


def test_of_a_group_with_too_many_outcomes_nobody_can_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lint_trial, "MAX_OUTCOMES", 1)
    write(tmp_path, TWO)
    result = check(tmp_path, "--survival")
    assert "good.t.test. A survives any one failure: too many outcomes to tell" in result.stdout
    assert "good.t.test. A has too many outcomes to tell whether it survives any one failure" in result.stdout
    assert groups(tmp_path)[0]["survives_any_one_failure"] is None


@pytest.mark.parametrize("is_beside", [True, False])
def test_the_locations_that_the_settings_name_are_read(tmp_path: Path, is_beside: bool) -> None:
    zones = tmp_path / "zones"
    zones.mkdir()
    write(zones, TWO)
    places = zones / "places.yml"
    places.write_text("networks:\n  - {cidr: 203.0.113.0/24, country: ZZ}\n", encoding="utf-8")
    settings = (zones if is_beside else tmp_path) / "r53lite.yaml"
    settings.write_text(f"locations: {places}\n", encoding="utf-8")
    arguments = [zones] if is_beside else [zones, "--config", settings]
    result = check(*arguments)
    assert result.exit_code == 1
    assert f"{places}:2: networks[0].country" in result.stdout
    assert "file is not read" not in result.stdout


def test_settings_that_are_not_there_are_a_fault(tmp_path: Path) -> None:
    write(tmp_path, TWO)
    result = check(tmp_path, "--config", tmp_path / "none.yaml")
    assert result.exit_code == 1
    assert "none.yaml: cannot read" in result.stdout
