"""The tables of places are those of Route 53, and distances those of the Earth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.routing.places import (
    CONTINENTS,
    COUNTRY_CONTINENT,
    REGIONS,
    Coordinates,
    distance_km,
    estimated_latency_ms,
    local_zone_coordinates,
    unknown_region,
)

SPECIFICATION = Path(__file__).parents[2] / "docs" / "route53" / "routing-policies.md"
PLACES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def test_there_is_a_place_for_every_region_of_the_api_model() -> None:
    assert len(REGIONS) == 39
    assert all(re.fullmatch(r"(us-gov|eusc-de|[a-z]{2})-[a-z]+-[1-7]", region) for region in REGIONS)
    assert all(-90 <= latitude <= 90 and -180 <= longitude <= 180 for latitude, longitude in REGIONS.values())


def test_a_local_zone_group_is_a_region_a_city_and_a_number() -> None:
    assert local_zone_coordinates("us-west-2-lax-1") == local_zone_coordinates("us-west-2-lax-12")
    assert local_zone_coordinates("eu-north-1-hel-1") == (60.17, 24.94)
    for group in ("", "us-west-2", "us-west-2-lax", "us-west-2-lax-1a", "us-west-9-lax-1", "us-west-2-xyz-1"):
        assert local_zone_coordinates(group) is None


def test_no_two_regions_are_at_one_place() -> None:
    assert len(set(REGIONS.values())) == len(REGIONS)


def test_countries_are_in_the_continents_of_the_specification() -> None:
    text = SPECIFICATION.read_text(encoding="utf-8")
    paragraph = text[text.index("\nAF: ") : text.index("### 2.5")]
    expected = {
        country: continent
        for continent, countries in re.findall(r"\b([A-Z]{2}): ([A-Z ]+)\.", paragraph)
        for country in countries.split()
    }
    assert expected == COUNTRY_CONTINENT
    assert CONTINENTS == ("AF", "AN", "AS", "EU", "NA", "OC", "SA")


@pytest.mark.parametrize(
    ("a", "b", "expected_km"),
    [
        ((0.0, 0.0), (0.0, 90.0), 10_007.5),  # a quarter of the circle
        ((90.0, 0.0), (-90.0, 0.0), 20_015.1),
        ((0.0, 0.0), (0.0, 180.0), 20_015.1),
        ((51.51, -0.13), (40.71, -74.01), 5_570.0),  # London, New York
        ((-33.87, 151.21), (-36.85, 174.76), 2_156.0),  # Sydney, Auckland
        ((0.0, 179.5), (0.0, -179.5), 111.2),  # over the date line
    ],
)
def test_distance_is_the_great_circle(a: Coordinates, b: Coordinates, expected_km: float) -> None:
    assert distance_km(a, b) == pytest.approx(expected_km, rel=0.002)


@given(PLACES, PLACES)
def test_distance_is_symmetric_and_within_half_the_circle(a: Coordinates, b: Coordinates) -> None:
    assert 0 <= distance_km(a, b) <= 20_016
    assert distance_km(a, b) == pytest.approx(distance_km(b, a))
    assert distance_km(a, a) == 0


def test_estimated_latency_grows_with_distance() -> None:
    assert 0 < estimated_latency_ms(0) < estimated_latency_ms(1) < estimated_latency_ms(20_015)
    across_the_atlantic = estimated_latency_ms(distance_km(REGIONS["us-east-1"], REGIONS["eu-west-1"]))
    assert across_the_atlantic == pytest.approx(72, abs=2)


def test_an_unknown_region_names_the_nearest_known_one() -> None:
    assert unknown_region("us-eats-1") == "unknown region 'us-eats-1'; did you mean 'us-east-1'?"
    assert unknown_region("EU-West-1") == "unknown region 'EU-West-1'; did you mean 'eu-west-1'?"
    assert unknown_region("us-esat-1") == "unknown region 'us-esat-1'; did you mean 'us-east-1'?"
    assert unknown_region("mars-1") == "unknown region 'mars-1'"
    assert unknown_region("!") == "unknown region '!'"
