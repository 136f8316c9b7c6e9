"""The lab's files for another network: complete, loadable and without a trace of the old one."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest

import r53lite
from r53lite.config.loader import load_settings
from r53lite.control.zone_files import load_zone_files
from r53lite.errors import SettingsError
from r53lite.lab.plan import LabPlan, load_plan
from r53lite.lab.write import moved, write_lab

LAB_FILE = Path(r53lite.__file__).parent.parent / "zones" / "lab" / "lab.yaml"
NETWORK = IPv4Network("10.53.0.0/16")


@pytest.fixture
def plan() -> LabPlan:
    return load_plan(LAB_FILE)


def test_every_directory_loads_without_a_fault(tmp_path: Path, plan: LabPlan) -> None:
    write_lab(plan, tmp_path, NETWORK)

    counts = {}
    for directory in sorted(tmp_path.iterdir()):
        settings = load_settings(directory / "r53lite.yaml")
        assert settings.zones is not None
        locations = None if settings.locations is None else Path(settings.locations)
        loaded = load_zone_files([Path(settings.zones)], locations)
        assert loaded.faults == ()
        assert settings.recursion.enabled == (directory.name == "resolver")
        assert settings.health.probe_networks == (NETWORK,)
        counts[directory.name] = len(loaded.zones)
    assert counts == {"root": 1, "tld": 2, "authoritative": 4, "child": 1, "resolver": 0}


def test_the_resolver_stays_inside_the_network(tmp_path: Path, plan: LabPlan) -> None:
    write_lab(plan, tmp_path, NETWORK)

    recursion = load_settings(tmp_path / "resolver" / "r53lite.yaml").recursion

    assert recursion.upstream_networks == (NETWORK,)
    assert recursion.upstream_port == 53
    assert recursion.root_hints is not None
    assert "10.53.0.1" in Path(recursion.root_hints).read_text(encoding="utf-8")


def test_addresses_and_the_reverse_zone_have_moved(tmp_path: Path, plan: LabPlan) -> None:
    written = write_lab(plan, tmp_path, NETWORK)

    assert tmp_path / "authoritative" / "zones" / "53.10.in-addr.arpa.zone" in written
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"127\.53\.\d+\.\d+|53\.127\.in-addr", text), path
        assert "53.127" not in path.name
    zone = (tmp_path / "authoritative" / "zones" / "abc.com.zone").read_text(encoding="utf-8")
    assert "10.53.2.1" in zone
    assert "ip4:10.53.2.0/24" in zone


def test_a_second_run_overwrites_the_first(tmp_path: Path, plan: LabPlan) -> None:
    first = {path: path.read_bytes() for path in write_lab(plan, tmp_path, NETWORK)}
    for path in first:
        path.write_text("something else", encoding="utf-8")

    second = {path: path.read_bytes() for path in write_lab(plan, tmp_path, NETWORK)}

    assert second == first


def test_a_network_of_another_size_is_refused(tmp_path: Path, plan: LabPlan) -> None:
    with pytest.raises(SettingsError, match=r"'10\.0\.0\.0/8' does not fit; expected a /16"):
        write_lab(plan, tmp_path / "lab", IPv4Network("10.0.0.0/8"))
    assert not (tmp_path / "lab").exists()


def test_only_whole_addresses_of_the_network_move(plan: LabPlan) -> None:
    text = "127.53.0.3 127.54.0.3 1.127.53.0.3 127.53.0.333 127.53.0.3/32 x.2.53.127.in-addr.arpa."

    assert moved(text, plan, NETWORK) == (
        "10.53.0.3 127.54.0.3 1.127.53.0.3 127.53.0.333 10.53.0.3/32 x.2.53.10.in-addr.arpa."
    )
