"""What the last load still holds for the next: unchanged zones are the same objects."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from r53lite.control.zone_files import LoadedFiles, load_zone_files
from r53lite.dns.name import parse_name
from r53lite.routing.cidr_index import ClientPrefix
from r53lite.routing.record_set import RecordSetGroup
from r53lite.zone.model import PolicyNode, Zone

APEX = "$TTL 300\n@ IN SOA ns1 admin 7 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n"
POLICIES = (
    "zone: a.test\n"
    "records:\n"
    "  - {name: pool, type: A, ttl: 5, policy: weighted, sets: [\n"
    "      {id: one, weight: 1, values: [192.0.2.1], health_check: blue}]}\n"
)
CHECKS = "health_checks:\n  blue: {type: HTTP, ip: 127.0.0.1, port: 80}\n"
NO_LOAD = load_zone_files([])


class Directory:
    """A directory that is loaded again and again; each load keeps what the one before left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("a.test.zone", APEX + "$INCLUDE parts/hosts\n")
        self.write("parts/hosts", "www A 192.0.2.1\n")
        self.write("a.yaml", POLICIES)
        self.write("b.test.zone", APEX + "www A 192.0.2.1\nwww A 192.0.2.1\n")
        self.write("checks.yaml", CHECKS)
        self.write("locations.yaml", "networks: [{cidr: 192.0.2.0/24, region: us-east-1}]\n")
        self.last = NO_LOAD
        self.last = self.load()
        assert not [fault for fault in self.last.faults if fault.is_error]

    def write(self, name: str, text: str) -> None:
        """Replace a file as an editor does."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)

    def load(self) -> LoadedFiles:
        """Load without taking note of it."""
        return load_zone_files([self.path], self.path / "locations.yaml", kept=self.last.kept)


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path)


def zone(loaded: LoadedFiles, name: str) -> Zone:
    (found,) = [zone for zone in loaded.zones if zone.origin == parse_name(name)]
    return found


def kept_zones(directory: Directory) -> set[str]:
    """Load again and return which zones are the same objects as before."""
    before = directory.last
    directory.last = directory.load()
    return {name for name in ("a.test", "b.test") if zone(before, name) is zone(directory.last, name)}


def test_nothing_changed_keeps_every_object_and_every_warning(directory: Directory) -> None:
    before = directory.last
    assert kept_zones(directory) == {"a.test", "b.test"}
    assert directory.last.locations is before.locations
    assert directory.last.health_checks == before.health_checks
    assert directory.last.faults == before.faults
    assert any("duplicate" in fault.reason for fault in before.faults)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("a.test.zone", lambda text: text + "more A 192.0.2.3\n"),
        ("parts/hosts", lambda text: text.replace("192.0.2.1", "192.0.2.9")),
        ("a.yaml", lambda text: text.replace("weight: 1", "weight: 2")),
    ],
)
def test_any_file_of_a_zone_rebuilds_it_and_no_other(
    directory: Directory, file: str, change: Callable[[str], str]
) -> None:
    directory.write(file, change((directory.path / file).read_text(encoding="utf-8")))
    assert kept_zones(directory) == {"b.test"}
    assert zone(directory.last, "a.test").node(parse_name("pool.a.test")) is not None
    assert zone(directory.last, "a.test").node(parse_name("www.a.test")) is not None
    assert kept_zones(directory) == {"a.test", "b.test"}


def test_a_changed_health_check_rebuilds_no_zone(directory: Directory) -> None:
    directory.write("checks.yaml", CHECKS.replace("80", "81"))
    assert kept_zones(directory) == {"a.test", "b.test"}
    assert directory.last.health_checks["blue"].port == 81


def test_a_health_check_that_an_unchanged_zone_names_must_still_be_defined(directory: Directory) -> None:
    directory.write("checks.yaml", CHECKS.replace("blue", "green"))
    faults = [str(fault) for fault in directory.load().faults if fault.is_error]
    assert faults == [f"{directory.path / 'a.yaml'}:4: health check 'blue' is not defined"]


def test_a_health_check_of_an_unchanged_file_may_not_be_defined_again(directory: Directory) -> None:
    directory.write("more.yaml", CHECKS)
    faults = [str(fault) for fault in directory.load().faults if fault.is_error]
    place = f"{directory.path / 'checks.yaml'}:2"
    assert faults == [f"{directory.path / 'more.yaml'}:2: health check 'blue' is defined already at {place}"]


def test_a_second_master_file_of_an_unchanged_zone_is_refused(directory: Directory) -> None:
    directory.write("z.zone", "$ORIGIN b.test.\n" + APEX)
    faults = [fault for fault in directory.load().faults if fault.is_error]
    assert [Path(fault.file).name for fault in faults] == ["z.zone"]
    assert "has a master file already" in faults[0].reason


def test_a_policy_file_that_moves_to_another_zone_rebuilds_both(directory: Directory) -> None:
    directory.write("a.yaml", POLICIES.replace("a.test", "b.test"))
    assert kept_zones(directory) == set()
    assert zone(directory.last, "a.test").node(parse_name("pool.a.test")) is None
    assert zone(directory.last, "b.test").node(parse_name("pool.b.test")) is not None


def test_a_policy_file_that_is_gone_rebuilds_its_zone(directory: Directory) -> None:
    (directory.path / "a.yaml").unlink()
    assert kept_zones(directory) == {"b.test"}
    assert zone(directory.last, "a.test").node(parse_name("pool.a.test")) is None


def test_a_change_in_the_tick_of_the_load_is_seen_even_if_the_size_is_the_same(directory: Directory) -> None:
    path = directory.path / "parts" / "hosts"
    for octet in range(2, 8):
        path.write_text(f"www A 192.0.2.{octet}\n", encoding="utf-8")  # in place: the inode stays
        directory.last = directory.load()
        node = zone(directory.last, "a.test").node(parse_name("www.a.test"))
        assert node is not None
        assert [data.rdatas[0][3] for data in node.data.values() if hasattr(data, "rdatas")] == [octet]


def test_a_time_that_lies_ahead_does_not_hold_the_load_up(directory: Directory) -> None:
    path = directory.path / "b.test.zone"
    os.utime(path, ns=(4_102_444_800_000_000_000, 4_102_444_800_000_000_000))
    assert kept_zones(directory) == {"a.test"}
    assert kept_zones(directory) == {"a.test", "b.test"}


def test_a_missing_include_is_an_error_and_watched(directory: Directory) -> None:
    (directory.path / "parts" / "hosts").unlink()
    loaded = directory.load()
    assert any(fault.is_error and "parts/hosts" in fault.reason for fault in loaded.faults)
    assert directory.path / "parts" / "hosts" in loaded.kept.stamps


# --- collections, aliases and locations ---------------------------------------------------------------------

CIDR = (
    "zone: {zone}\n"
    "records:\n"
    "  - {{name: near, type: A, ttl: 5, policy: cidr, sets: [\n"
    "      {{id: in, cidr: {{collection: {collection}, location: here}}, values: [192.0.2.1]}},\n"
    "      {{id: out, cidr: {{collection: {collection}, location: '*'}}, values: [192.0.2.2]}}]}}\n"
    "  - {{name: also, type: A, alias: {{target: near}}}}\n"
)
COLLECTIONS = "cidr_collections:\n  one: {here: [198.51.100.0/24]}\n  two: {here: [198.51.100.0/24]}\n"


@pytest.fixture
def policies(directory: Directory) -> Directory:
    """Zone a.test goes by the collection `one`, c.test by `two`; both are in another file."""
    directory.write("a.yaml", CIDR.format(zone="a.test", collection="one"))
    directory.write("c.test.zone", APEX)
    directory.write("c.yaml", CIDR.format(zone="c.test", collection="two"))
    directory.write("shared.yaml", COLLECTIONS)
    directory.last = directory.load()
    assert not [fault for fault in directory.last.faults if fault.is_error]
    return directory


def locations_at(loaded: LoadedFiles, name: str, host: int) -> tuple[str, ...]:
    """Return the locations of a client by the blocks of a group, seen through the alias to it."""
    origin = parse_name(name)
    node = zone(loaded, name).names.get(parse_name("also", origin))
    assert isinstance(node, PolicyNode)
    (group,) = node.data.values()
    assert isinstance(group, RecordSetGroup)
    alias = group.sets[0].alias
    assert alias is not None
    assert isinstance(alias.target, RecordSetGroup)
    assert alias.target.blocks is not None
    return alias.target.blocks.match(ClientPrefix(bytes([203, 0, 113, host]), 32)).locations


def test_a_changed_collection_rebuilds_the_zones_that_use_it_and_no_other(policies: Directory) -> None:
    assert locations_at(policies.last, "a.test", 1) == ("*",)
    policies.write("shared.yaml", COLLECTIONS.replace("198.51.100.0", "203.0.113.0", 1))
    loaded = policies.load()
    assert locations_at(loaded, "a.test", 1)[0] == "here"
    assert zone(loaded, "a.test") is not zone(policies.last, "a.test")
    for name in ("b.test", "c.test"):
        assert zone(loaded, name) is zone(policies.last, name)


def test_a_collection_that_moves_to_another_file_rebuilds_nothing(policies: Directory) -> None:
    head, one, two = COLLECTIONS.splitlines()
    policies.write("shared.yaml", f"{head}\n{one}\n")
    policies.write("moved.yaml", f"{head}\n{two}\n")
    loaded = policies.load()
    assert [one is two for one, two in zip(loaded.zones, policies.last.zones, strict=True)] == [True] * 3


def test_a_collection_beside_the_records_that_use_it_is_found_anew(policies: Directory) -> None:
    """The file of one zone defines what another goes by."""
    policies.write("shared.yaml", COLLECTIONS.splitlines()[0] + "\n" + COLLECTIONS.splitlines()[1] + "\n")
    two = "cidr_collections: {two: {here: [198.51.100.0/24]}}\n"
    policies.write("a.yaml", two + CIDR.format(zone="a.test", collection="one"))
    policies.last = policies.load()
    policies.write(
        "a.yaml", two.replace("198.51.100.0", "203.0.113.0") + CIDR.format(zone="a.test", collection="one")
    )
    loaded = policies.load()
    assert locations_at(loaded, "c.test", 1)[0] == "here"
    assert locations_at(loaded, "a.test", 1) == ("*",)


def test_an_unrelated_edit_keeps_zones_with_policies_and_aliases(policies: Directory) -> None:
    policies.write("b.test.zone", APEX + "new A 192.0.2.9\n")
    loaded = policies.load()
    for name in ("a.test", "c.test"):
        assert zone(loaded, name) is zone(policies.last, name)
    assert loaded.locations is policies.last.locations


def test_a_file_that_the_locations_name_is_read_again_when_it_changes(directory: Directory) -> None:
    directory.write("locations.yaml", "latencies: times.csv\n")
    directory.write("times.csv", "region,us-east-1\neu-west-1,80\n")
    directory.last = directory.load()
    assert not [fault for fault in directory.last.faults if fault.is_error]
    assert directory.path / "times.csv" in directory.last.included_files
    assert directory.load().locations is directory.last.locations
    directory.write("times.csv", "region,us-east-1\neu-west-1,90\n")
    loaded = directory.load()
    assert loaded.locations is not directory.last.locations
    assert zone(loaded, "a.test") is zone(directory.last, "a.test")
