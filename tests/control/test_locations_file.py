"""A locations file says where networks are; every fault has its line."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from r53lite.config.yaml_file import parse_yaml
from r53lite.control.locations_file import read_locations
from r53lite.errors import Faults
from r53lite.routing.context import UNKNOWN, ClientLocation
from r53lite.routing.locations import Locations


def read(text: str) -> tuple[Locations, list[str]]:
    """Read a file; return its locations and its faults as `line: reason`."""
    faults = Faults("zones/locations.yaml")
    locations = read_locations(parse_yaml(text, faults), faults)
    assert all(fault.is_error for fault in faults.items)
    return locations, [f"{fault.line}: {fault.reason}" for fault in faults.items]


def locate(locations: Locations, client: str) -> ClientLocation:
    """Locate one whole address."""
    packed = ip_address(client).packed
    return locations.locate(packed, len(packed) * 8)


FULL = """\
networks:
  - {cidr: 10.0.0.0/8, region: eu-west-1}
  - cidr: 10.1.0.0/16
    region: us-west-2
    country: US
    subdivision: CA
    continent: NA
    coordinates: [37.5, -122]
    latency_ms: {us-west-2: 2, us-east-1: 61.5, eu-west-1: null}
  - {cidr: "2001:db8::/32", country: TR}
  - {cidr: 192.0.2.0/24, continent: AN}
  - {country: NO, cidr: 198.51.100.7}
"""


def test_every_key() -> None:
    locations, faults = read(FULL)
    assert faults == []
    assert locate(locations, "10.1.2.3")[:8] == (
        "us-west-2",
        "US",
        "CA",
        "NA",
        (37.5, -122.0),
        {"us-west-2": 2.0, "us-east-1": 61.5},
        16,
        "locations.yaml:3",
    )
    assert (
        locate(locations, "10.2.0.1")[:8]
        == (ClientLocation("eu-west-1", prefix_len=15, source="locations.yaml:2")[:8])
    )


def test_the_country_brings_its_continent() -> None:
    assert locate(read(FULL)[0], "2001:db8::1")[1:4] == ("TR", None, "EU")


def test_norway_is_no_boolean() -> None:
    location = locate(read(FULL)[0], "198.51.100.7")
    assert (location.country, location.continent, location.prefix_len) == ("NO", "EU", 32)


def test_a_continent_may_stand_alone() -> None:
    assert locate(read(FULL)[0], "192.0.2.1").continent == "AN"


@pytest.mark.parametrize("text", ["", "networks:\n", "networks: []\n"])
def test_no_networks(text: str) -> None:
    locations, faults = read(text)
    assert faults == []
    assert locate(locations, "10.0.0.1")._replace(sights=None) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", "2: networks[0] has no 'cidr'"),
        ("10.0.0.0/8", "2: networks[0] is '10.0.0.0/8'; expected a mapping"),
        (
            "{cidr: 10.0.0.1/8}",
            "2: networks[0].cidr is '10.0.0.1/8'; expected a network (10.0.0.1/8 has host bits set)",
        ),
        (
            "{cidr: '::ffff:10.0.0.0/104'}",
            "2: networks[0].cidr is '::ffff:10.0.0.0/104'; "
            "expected a network (its clients are IPv4; write '10.0.0.0/8')",
        ),
        ("cidr: 10.0.0.0/8\n    regoin: x", "3: unknown key 'networks[0].regoin'; did you mean 'region'?"),
        (
            "cidr: 10.0.0.0/8\n    region: eu-wst-1",
            "3: networks[0].region: unknown region 'eu-wst-1'; did you mean 'eu-west-1'?",
        ),
        (
            "{cidr: 10.0.0.0/8, country: UK}",
            "2: networks[0].country is 'UK'; expected an ISO 3166 code of two capital letters"
            " that Route 53 knows",
        ),
        ("{cidr: 10.0.0.0/8, subdivision: CA}", "2: networks[0].subdivision stands without 'country'"),
        (
            "{cidr: 10.0.0.0/8, country: US, subdivision: Ohio}",
            "2: networks[0].subdivision is 'Ohio'; expected a code of 1 to 3 capital letters and digits,"
            " such as CA",
        ),
        (
            "cidr: 10.0.0.0/8\n    country: US\n    subdivision: ca",
            "4: networks[0].subdivision is 'ca'; expected a code of 1 to 3 capital letters and digits,"
            " such as CA",
        ),
        (
            "{cidr: 10.0.0.0/8, country: US, subdivision: é!}",
            "2: networks[0].subdivision is 'é!'; expected a code of 1 to 3 capital letters and digits,"
            " such as CA",
        ),
        (
            "{cidr: 10.0.0.0/8, continent: XX}",
            "2: networks[0].continent is 'XX'; expected one of AF, AN, AS, EU, NA, OC, SA",
        ),
        (
            "{cidr: 10.0.0.0/8, country: us}",
            "2: networks[0].country is 'us'; expected an ISO 3166 code of two capital letters"
            " that Route 53 knows; did you mean 'US'?",
        ),
        (
            "{cidr: 10.0.0.0/8, continent: eu}",
            "2: networks[0].continent is 'eu'; expected one of AF, AN, AS, EU, NA, OC, SA;"
            " did you mean 'EU'?",
        ),
        (
            "{cidr: 10.0.0.0/8, latency_ms: {us-east-1: '1.5'}}",
            "2: networks[0].latency_ms.us-east-1 is '1.5'; expected a number from 0 to 60000, got text;"
            " leave the quotes out",
        ),
        (
            "{cidr: 10.0.0.0/8, country: TR, continent: AS}",
            "2: networks[0].continent is 'AS'; Route 53 has TR in EU",
        ),
        (
            "{cidr: 10.0.0.0/8, latency_ms: {us-east-1: -1}}",
            "2: networks[0].latency_ms.us-east-1 is '-1'; expected a number from 0 to 60000",
        ),
        (
            "{cidr: 10.0.0.0/8, latency_ms: {us-eats-1: 1}}",
            "2: networks[0].latency_ms: unknown region 'us-eats-1'; did you mean 'us-east-1'?",
        ),
    ],
)
def test_a_fault_and_its_line(text: str, expected: str) -> None:
    assert read(f"networks:\n  - {text}\n")[1] == [expected]


@pytest.mark.parametrize(
    "coordinates",
    ["[]", "[1]", "[1, 2, 3]", "[91, 0]", "[0, -181]", "[a, b]", "[true, 1]", "[.nan, 0]", "[1:30.5, 0]"],
)
def test_faulty_coordinates(coordinates: str) -> None:
    (fault,) = read(f"networks:\n  - cidr: 10.0.0.0/8\n    coordinates: {coordinates}\n")[1]
    expected = "expected [latitude, longitude] in degrees, -90 to 90 and -180 to 180"
    assert fault == f"3: networks[0].coordinates is {coordinates}; {expected}"


@pytest.mark.parametrize(
    ("written", "shown"), [("x", "'x'"), ("{a: 1}", "a mapping"), ("[[1], 2]", "[a list, 2]")]
)
def test_coordinates_of_another_kind(written: str, shown: str) -> None:
    (fault,) = read(f"networks:\n  - {{cidr: 10.0.0.0/8, coordinates: {written}}}\n")[1]
    assert fault.startswith(f"2: networks[0].coordinates is {shown}; expected [latitude, longitude]")


def test_coordinates_of_clients_may_be_exact() -> None:
    locations, faults = read("networks:\n  - {cidr: 10.0.0.0/8, coordinates: [52.520008, -13.4049540]}\n")
    assert faults == []
    assert locate(locations, "10.0.0.1").coordinates == (52.520008, -13.404954)


def test_a_network_twice() -> None:
    text = "networks:\n  - {cidr: 10.0.0.0/8}\n  - {cidr: 10.0.0.0/9}\n  - {cidr: 10.0.0.0/8}\n"
    assert read(text)[1] == ["4: networks[2].cidr: network '10.0.0.0/8' is already on line 2"]


def test_all_faults_together() -> None:
    text = "networks:\n  - {cidr: x, region: y}\n  - {country: Z}\nnets: []\n"
    assert [fault.split(":")[0] for fault in read(text)[1]] == ["2", "2", "3", "3", "4"]
