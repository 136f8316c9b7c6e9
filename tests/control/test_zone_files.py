"""A directory of zone files: every fault of every file, none that follows from another."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.control.listing import list_zone_files, overlooked_files
from r53lite.control.zone_files import load_zone_files

HEAD = """zone: a.test
records:
  - {name: "@", type: SOA, ttl: 60, values: ["ns a 1 1 1 1 1"]}
  - {name: "@", type: NS, ttl: 60, values: [ns]}
  - {name: ns, type: A, ttl: 60, values: [192.0.2.1]}
"""


def faults_of(directory: Path, text: str) -> list[str]:
    """Load HEAD and `text` (which begins on line 6) and return the faults without the directory."""
    (directory / "a.yaml").write_text(HEAD + text, encoding="utf-8")
    return [str(fault).removeprefix(f"{directory}/") for fault in load_zone_files([directory]).faults]


def test_a_whole_zone_may_stand_in_a_policy_file(tmp_path: Path) -> None:
    assert faults_of(tmp_path, "") == []
    assert len(load_zone_files([tmp_path]).zones) == 1


@pytest.mark.parametrize("number", ["010", "1:30", "1_0", "0x10"])
def test_a_number_that_yaml_would_change_is_refused(tmp_path: Path, number: str) -> None:
    found = faults_of(tmp_path, f"  - {{name: w, type: A, ttl: {number}, values: [192.0.2.1]}}\n")
    assert len(found) == 1
    assert found[0].startswith("a.yaml:6:")


@pytest.mark.parametrize("policy", ["polcy: weighted", "policy: wieghted"])
def test_a_misspelt_policy_hides_no_fault_in_its_sets(tmp_path: Path, policy: str) -> None:
    found = faults_of(
        tmp_path,
        f"  - name: w\n    type: A\n    ttl: 60\n    {policy}\n    sets:\n"
        "      - {id: a, weight: 300, values: [192.0.2.1]}\n      - {id: b, weight: 1, values: [1.2.3]}\n",
    )
    assert {fault.split(":")[1] for fault in found} >= {"9", "11", "12"}


def test_a_value_that_yaml_cannot_read_hides_no_other_fault(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        "  - {name: d, type: TXT, ttl: 60, values: [2001-99-99]}\n"
        "  - {name: w, type: A, ttl: 60, values: [1.2.3]}\n",
    )
    assert {fault.split(":")[1] for fault in found} == {"6", "7"}


def test_type_0_is_refused(tmp_path: Path) -> None:
    assert len(faults_of(tmp_path, "  - {name: w, type: TYPE0, ttl: 60, values: ['\\\\# 0']}\n")) == 1


def test_a_health_check_nobody_defined_is_a_fault_of_the_set_that_names_it(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        "  - {name: w, type: A, ttl: 60, policy: weighted, sets: [\n"
        "      {id: a, weight: 1, values: [192.0.2.1], health_check: nobody}]}\n",
    )
    assert found == ["a.yaml:7: health check 'nobody' is not defined"]


@pytest.mark.parametrize("text", ["", "; nothing yet\n", "$TTL 300\n"])
def test_a_master_file_without_records_is_refused(tmp_path: Path, text: str) -> None:
    """An editor that has emptied a file and not yet filled it must not take a zone away."""
    (tmp_path / "example.test.zone").write_text(text)
    loaded = load_zone_files([tmp_path])
    assert [fault.reason for fault in loaded.faults if fault.is_error] == [
        "zone 'example.test.' has no NS record at its apex (RFC 1034 §4.2.1)",
        "zone has no SOA record",
    ]


def test_hidden_files_are_left_alone_and_near_names_are_warned_of(tmp_path: Path) -> None:
    for name in (".example.test.zone", "a.test.yml", "B.TEST.ZONE", "notes.txt"):
        (tmp_path / name).write_text("not a zone")
    assert list_zone_files([tmp_path]) == []
    assert [str(fault).removeprefix(f"{tmp_path}") for fault in overlooked_files([tmp_path])] == [
        "/B.TEST.ZONE: warning: file is not read: its name ends in '.ZONE'; expected '.zone'",
        "/a.test.yml: warning: file is not read: its name ends in '.yml'; expected '.yaml'",
        ": warning: no zone files here; expected names that end in '.zone' or '.yaml'",
    ]
