"""What `check` and `serve` print and how they end when files are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import r53lite
from r53lite.cli.main import main

ZONES = Path(r53lite.__file__).parent.parent / "zones"
APEX = "$TTL 300\n@ IN SOA ns1 admin 7 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n"


def test_check_prints_five_mistakes_of_three_files_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.test.zone").write_text(APEX + "www A 192.0.2.999\nwww MX ten mail\n", encoding="utf-8")
    (tmp_path / "b.test.zone").write_text(APEX + "www CNAME ns1\nwww TXT more\n", encoding="utf-8")
    (tmp_path / "c.test.yaml").write_text(
        "zone: c.test\n"
        "records:\n"
        "  - {name: '@', type: SOA, ttl: 300, values: ['ns1.c.test. admin.c.test. 7 3600 600 86400 60']}\n"
        "  - {name: '@', type: NS, ttl: 300, values: [ns1.c.test.]}\n"
        "  - {name: ns1, type: A, ttl: 300, values: [127.0.0.1]}\n"
        "  - name: www\n"
        "    type: A\n"
        "    ttl: 5\n"
        "    policy: weighted\n"
        "    sets:\n"
        "      - {id: one, weight: 300, values: [192.0.2.1]}\n"
        "      - {id: two, weight: 1, values: [192.0.2.2], health_check: nowhere}\n",
        encoding="utf-8",
    )

    result = CliRunner().invoke(main, ["check", str(tmp_path)])

    assert result.exit_code == 1
    printed = result.stdout.splitlines()
    for file, line, word in (
        ("a.test.zone", 5, "192.0.2.999"),
        ("a.test.zone", 6, "ten"),
        ("b.test.zone", 6, "CNAME"),
        ("c.test.yaml", 11, "300"),
        ("c.test.yaml", 12, "nowhere"),
    ):
        start = f"{tmp_path / file}:{line}: "
        assert any(text.startswith(start) and word in text for text in printed), (start, word, printed)
    assert len(printed) == 5


@pytest.mark.parametrize("directory", [ZONES, ZONES / "lab"], ids=["zones", "lab"])
def test_our_own_zones_pass_the_check(directory: Path) -> None:
    result = CliRunner().invoke(main, ["check", str(directory)])

    assert (result.exit_code, result.stdout) == (0, "")
    assert "0 errors, 0 warnings" in result.stderr


def test_serve_with_wrong_settings_prints_every_fault_and_exits_2(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("listen: [nonsense]\nlog: {level: loud}\nunknown: 1\n", encoding="utf-8")

    result = CliRunner().invoke(main, ["serve", "--config", str(config)])

    assert result.exit_code == 2
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [
        f"{config}:{n}" for n in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--listen", "localhost:53"],
        ["--listen", "127.0.0.1:65536"],
        ["--api", "127.0.0.1:5380", "--no-api"],
        ["--zones", "/does/not/exist"],
    ],
)
def test_serve_with_wrong_flags_exits_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, ["serve", *arguments]).exit_code == 2


def test_check_warns_of_what_is_probably_not_meant_and_exits_0(tmp_path: Path) -> None:
    zone = tmp_path / "a.test.zone"
    zone.write_text(APEX + "www MX 10 lost\n", encoding="utf-8")

    result = CliRunner().invoke(main, ["check", str(tmp_path)])

    assert result.exit_code == 0
    assert result.stdout == (
        f"{zone}:5: warning: MX of 'www.a.test.' names 'lost.a.test.', which does not exist\n"
    )


def test_check_json_is_one_object_for_machines(tmp_path: Path) -> None:
    zone = tmp_path / "a.test.zone"
    zone.write_text(APEX + "www A 192.0.2.999\nwww MX 10 lost\n", encoding="utf-8")
    (tmp_path / "b.test.zone").write_text(APEX + "www MX 10 lost\n", encoding="utf-8")

    result = CliRunner().invoke(main, ["check", "--json", str(tmp_path)])

    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert (printed["zones"], printed["health_checks"]) == (1, 0)
    error, warning = printed["faults"]
    assert (error["file"], error["line"], error["severity"]) == (str(zone), 5, "error")
    assert "192.0.2.999" in error["reason"]
    assert (warning["line"], warning["severity"]) == (5, "warning")
