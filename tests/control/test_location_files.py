"""`locations.yaml` with a database and a latency matrix behind it, from files to answers."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from r53lite.control.location_files import load_locations
from r53lite.routing.context import ClientLocation
from tests.control.maxmind_files import city, maxmind_octets

YAML = """maxmind: [db/city.mmdb, db/country.mmdb]
latencies: ms.csv
latency: measured
networks:
  - {cidr: 10.0.0.0/8, region: eu-west-1}
  - {cidr: 10.9.8.0/24, region: eu-west-2, latency_ms: {eu-west-1: 3}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a locations file with all it names."""
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "city.mmdb").write_bytes(
        maxmind_octets(
            {
                "10.9.0.0/16": city("DE", "BE", (52.5, 13.4)),
                "10.9.8.0/24": city("US"),
                "12.0.0.0/8": city("US", "NY"),
            }
        )
    )
    (tmp_path / "db" / "country.mmdb").write_bytes(
        maxmind_octets({"10.9.0.0/16": city("AT"), "13.0.0.0/8": city("JP")}, 4)
    )
    (tmp_path / "ms.csv").write_text("x,us-east-1\neu-west-2,70\n12.0.0.0/9,9\n")
    (tmp_path / "locations.yaml").write_text(YAML)
    return tmp_path / "locations.yaml"


def locate(path: Path, client: str) -> ClientLocation:
    """Load a locations file and locate a client by it."""
    loaded = load_locations(path)
    assert not loaded.faults
    network = ip_network(client)
    return loaded.locations.locate(network.network_address.packed, network.prefixlen)


@pytest.mark.parametrize(
    ("client", "region", "country", "source", "scope"),
    [
        pytest.param("10.1.1.1/32", "eu-west-1", None, "locations.yaml:5", 13, id="configured"),
        pytest.param("10.9.1.1/32", None, "DE", "city.mmdb: 10.9.0.0/21", 21, id="the database is longer"),
        pytest.param("10.9.8.7/32", "eu-west-2", None, "locations.yaml:6", 24, id="equal: configured"),
        pytest.param("12.1.1.1/32", None, "US", "city.mmdb: 12.0.0.0/8", 9, id="the database fills the rest"),
        pytest.param("13.1.1.1/32", None, "JP", "country.mmdb: 13.0.0.0/8", 8, id="the second database"),
        pytest.param("14.1.1.1/32", None, None, "default: us-east-1", 7, id="nobody"),
        pytest.param("10.9.0.0/16", "eu-west-1", None, "locations.yaml:5", 21, id="divided: configured"),
        pytest.param("12.0.0.0/7", None, "US", "city.mmdb: 12.0.0.0/8", 9, id="divided: the first address"),
    ],
)
def test_longest_network_of_files_and_databases(
    path: Path, client: str, region: str | None, country: str | None, source: str, scope: int
) -> None:
    found = locate(path, client)
    assert (found.region, found.country, found.source, found.prefix_len) == (region, country, source, scope)


def test_latency_sources_in_order(path: Path) -> None:
    found = locate(path, "10.9.8.7/32")
    assert (found.latency_ms, found.latency_source("eu-west-1")) == (
        {"eu-west-1": 3.0, "us-east-1": 70.0},
        "locations.yaml:6",
    )
    assert found.latency_source("us-east-1") == "ms.csv:2"
    assert found.latency_source("sa-east-1") == "estimated from distance"
    by_network = locate(path, "12.1.1.1/32")
    assert (by_network.latency_ms, by_network.latency_source("us-east-1")) == ({"us-east-1": 9.0}, "ms.csv:3")
    assert (by_network.area_prefix_len, by_network.position_prefix_len) == (8, 9)


def test_a_matrix_that_is_for_the_nearest_region_of_a_databases_client(path: Path) -> None:
    (path.parent / "ms.csv").write_text("x,us-east-1\neusc-de-east-1,88\n")
    assert locate(path, "10.9.1.1/32").latency_ms == {"us-east-1": 88.0}


def test_measured_times_count_behind_what_is_written(path: Path) -> None:
    loaded = load_locations(path)
    assert loaded.locations.is_measured
    (path.parent / "locations.yaml").write_text("networks: []\n")
    assert not load_locations(path).locations.is_measured


def test_files_to_watch(path: Path) -> None:
    directory = path.parent
    told: list[Path] = []
    files = [path, directory / "db" / "city.mmdb", directory / "db" / "country.mmdb", directory / "ms.csv"]
    assert list(load_locations(path, told.append).files) == files == told


def test_a_missing_and_a_broken_file_are_faults_with_their_paths(path: Path) -> None:
    directory = path.parent
    octets = (directory / "db" / "city.mmdb").read_bytes()
    (directory / "db" / "city.mmdb").write_bytes(octets[: len(octets) // 2])
    (directory / "db" / "country.mmdb").unlink()
    (directory / "ms.csv").write_bytes(b"\xff\xfe")
    loaded = load_locations(path)
    assert [fault.file for fault in loaded.faults] == [str(file) for file in loaded.files[1:]]
    assert [fault.is_error for fault in loaded.faults] == [True] * 3
    assert [(fault.line, fault.reason) for fault in loaded.faults] == [
        (0, "not a sound MaxMind DB file: the metadata at its end is missing"),
        (0, f"cannot read: no such file or directory; {path}:1 names it"),
        (1, "cannot read: octet 0xff is not UTF-8 text"),
    ]


def test_a_missing_file_is_told_with_the_line_that_names_it(path: Path) -> None:
    path.write_text("networks: []\nmaxmind:\n  - a.mmdb\n  - b.mmdb\nlatencies:\n  c.csv\n")
    assert [str(fault) for fault in load_locations(path).faults] == [
        f"{path.parent / name}: cannot read: no such file or directory; {path}:{line} names it"
        for name, line in (("a.mmdb", 3), ("b.mmdb", 4), ("c.csv", 6))
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("maxmind: {file: x}\n", "1: maxmind is a mapping; expected text"),
        ("maxmind: [[x]]\n", "1: maxmind[0] is a list; expected text"),
        ("latencies: [x]\n", "1: latencies is a list; expected text"),
        ("latency: fast\n", "1: latency is 'fast'; expected one of estimated, measured"),
        ("maxmid: x\n", "1: unknown key 'maxmid'; did you mean 'maxmind'?"),
    ],
)
def test_faults_of_the_keys(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "locations.yaml"
    path.write_text(text)
    assert [f"{item.line}: {item.reason}" for item in load_locations(path).faults] == [fault]


@pytest.mark.parametrize(
    ("client", "country"), [("10.0.0.1/32", "FR"), ("10.0.1.1/32", "JP"), ("10.0.16.1/32", "DE")]
)
def test_a_database_that_knows_nothing_lengthens_no_other_databases_network(
    tmp_path: Path, client: str, country: str
) -> None:
    (tmp_path / "a.mmdb").write_bytes(maxmind_octets({"10.0.1.0/24": city("JP")}))
    (tmp_path / "b.mmdb").write_bytes(maxmind_octets({"10.0.0.0/8": city("DE")}))
    text = "maxmind: [a.mmdb, b.mmdb]\nnetworks: [{cidr: 10.0.0.0/20, country: FR}]\n"
    (tmp_path / "locations.yaml").write_text(text)
    assert locate(tmp_path / "locations.yaml", client).country == country
