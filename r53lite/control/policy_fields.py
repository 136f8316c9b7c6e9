"""What does a record set tell its policy: weight, region, role, place, blocks?

Each function reads the key of one policy out of a set, notes every fault with its line, and returns the
value, or None where there is none to work with. Pure.

Source: docs/route53/routing-policies.md §2.2 to §2.8.
"""

from __future__ import annotations

from r53lite.config.document import Reader
from r53lite.control.place_fields import check_country, check_subdivision, read_coordinates
from r53lite.routing import geoproximity, weighted
from r53lite.routing.failover import ROLES
from r53lite.routing.places import (
    CONTINENTS,
    REGIONS,
    Coordinates,
    local_zone_coordinates,
    unknown_region,
)
from r53lite.routing.record_set import DEFAULT, CidrLocation, GeoLocation, GeoProximity

SUBDIVIDED = ("US", "UA")  # §2.4: the API model names UA beside US
_PLACES = ("region", "local_zone_group", "coordinates")  # of a geoproximity set


def read_weight(reader: Reader) -> int:
    """Read the weight of a weighted set (§2.2)."""
    return reader.integer("weight", maximum=weighted.MAX_WEIGHT, required=True)


def read_region(reader: Reader, key: str) -> str | None:
    """Read a region (§2.3)."""
    region = reader.text(key, required=True)
    if reader.node(key) is None:
        return None
    if region not in REGIONS:
        reader.faults.error(reader.line_of(key), f"{reader.at(key)}: {unknown_region(region)}")
    return region


def read_failover(reader: Reader) -> str | None:
    """Read the role of a failover set (§2.8)."""
    return reader.choice("failover", ROLES, required=True) or None


def read_geolocation(reader: Reader) -> GeoLocation | None:
    """Read the place of a geolocation set: a continent, or a country, perhaps with a subdivision (§2.4).

    YAML reads NO as false; the reader returns the text that was written.
    """
    if reader.node("location", required=True) is None:
        return None
    child = reader.child("location")
    faults = child.faults
    count = len(faults.items)
    continent = child.choice("continent", CONTINENTS) or None
    country = child.text("country") or None
    subdivision = child.text("subdivision") or None
    if country is not None and country != DEFAULT:
        check_country(child, country, f", or {DEFAULT!r}")
    if child.has("continent") and (child.has("country") or child.has("subdivision")):
        reason = f"{child.at('continent')} stands beside another place; expected exactly one"
        faults.error(child.line_of("continent"), reason)
    if subdivision is not None:
        _check_subdivision(child, country, subdivision)
    child.finish()
    if child.line and len(faults.items) == count and continent is None and country is None:
        faults.error(child.line, f"{child.path} has neither 'continent' nor 'country'; expected one of them")
    return GeoLocation(continent, country, subdivision) if len(faults.items) == count else None


def _check_subdivision(reader: Reader, country: str | None, subdivision: str) -> None:
    if country not in SUBDIVIDED:
        reason = f"{reader.at('subdivision')} stands without country {' or '.join(SUBDIVIDED)}"
        reader.faults.error(reader.line_of("subdivision"), f"{reason}; no other has subdivisions")
    check_subdivision(reader, subdivision)


def read_geoproximity(reader: Reader) -> GeoProximity | None:
    """Read where a geoproximity set is, in a region, in a Local Zone group or at coordinates, and its bias
    (§2.5).
    """
    limit = geoproximity.MAX_BIAS
    bias = reader.integer("bias", 0, minimum=-limit, maximum=limit)
    if reader.node("at", required=True) is None:
        return None
    child = reader.child("at")
    region = group = coordinates = None
    if child.has("region"):
        region = read_region(child, "region")
    if child.has("local_zone_group"):
        group = child.text("local_zone_group", required=True)
        coordinates = _find_local_zone(child, group)
    if child.has("coordinates"):
        coordinates = read_coordinates(child, is_exact=False, required=True)
    child.finish()
    if child.line and sum(map(child.has, _PLACES)) != 1:
        reason = f"{child.path}: expected exactly one of {', '.join(map(repr, _PLACES))}"
        child.faults.error(child.line, reason)
    return GeoProximity(region, coordinates, bias, group)


def _find_local_zone(reader: Reader, group: str) -> Coordinates | None:
    """Return where a Local Zone group is."""
    coordinates = local_zone_coordinates(group)
    if group and coordinates is None:
        expected = "expected a region, a city and a number, such as us-west-2-lax-1"
        reason = f"{reader.at('local_zone_group')}: unknown Local Zone group {group!r}; {expected}"
        reader.faults.error(reader.line_of("local_zone_group"), reason)
    return coordinates


def read_cidr(reader: Reader) -> CidrLocation | None:
    """Read the collection and the location of a CIDR set (§2.6); the default needs a collection too."""
    if reader.node("cidr", required=True) is None:
        return None
    child = reader.child("cidr")
    collection = child.text("collection", required=True)
    location = child.text("location", required=True)
    child.finish()
    return CidrLocation(collection, location, child.line) if collection and location else None
