"""Where on Earth are Route 53's regions and Local Zones, and in which continent does it put each country?

Pure tables and the great circle. AWS publishes the metropolitan area of a region, not its buildings; the
coordinates are of that area, good to some tens of kilometres, which is less than a millisecond. A Local Zone
group is named after its region, its city and a number: `us-west-2-lax-1`.

Source: the enum `ResourceRecordSetRegion` of the API model (39 values); docs/route53/routing-policies.md
§2.4 for the continents, where Route 53 differs from some libraries (TR, CY, GE, RU, IO, TL).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from math import asin, cos, radians, sin, sqrt

Coordinates = tuple[float, float]
"""Latitude and longitude in degrees, north and east positive."""

REGIONS: Mapping[str, Coordinates] = {
    "af-south-1": (-33.93, 18.42),  # Cape Town
    "ap-east-1": (22.32, 114.17),  # Hong Kong
    "ap-east-2": (25.03, 121.57),  # Taipei
    "ap-northeast-1": (35.68, 139.69),  # Tokyo
    "ap-northeast-2": (37.57, 126.98),  # Seoul
    "ap-northeast-3": (34.69, 135.50),  # Osaka
    "ap-south-1": (19.08, 72.88),  # Mumbai
    "ap-south-2": (17.39, 78.49),  # Hyderabad
    "ap-southeast-1": (1.35, 103.82),  # Singapore
    "ap-southeast-2": (-33.87, 151.21),  # Sydney
    "ap-southeast-3": (-6.21, 106.85),  # Jakarta
    "ap-southeast-4": (-37.81, 144.96),  # Melbourne
    "ap-southeast-5": (3.14, 101.69),  # Kuala Lumpur
    "ap-southeast-6": (-36.85, 174.76),  # Auckland
    "ap-southeast-7": (13.76, 100.50),  # Bangkok
    "ca-central-1": (45.50, -73.57),  # Montreal
    "ca-west-1": (51.05, -114.07),  # Calgary
    "cn-north-1": (39.90, 116.41),  # Beijing
    "cn-northwest-1": (37.51, 105.19),  # Zhongwei, Ningxia
    "eu-central-1": (50.11, 8.68),  # Frankfurt
    "eu-central-2": (47.38, 8.54),  # Zurich
    "eu-north-1": (59.33, 18.07),  # Stockholm
    "eu-south-1": (45.46, 9.19),  # Milan
    "eu-south-2": (41.65, -0.89),  # Zaragoza
    "eu-west-1": (53.35, -6.26),  # Dublin
    "eu-west-2": (51.51, -0.13),  # London
    "eu-west-3": (48.86, 2.35),  # Paris
    "eusc-de-east-1": (52.41, 12.55),  # Brandenburg
    "il-central-1": (32.09, 34.78),  # Tel Aviv
    "me-central-1": (24.45, 54.38),  # Abu Dhabi
    "me-south-1": (26.07, 50.56),  # Bahrain
    "mx-central-1": (20.59, -100.39),  # Querétaro
    "sa-east-1": (-23.55, -46.63),  # São Paulo
    "us-east-1": (38.95, -77.45),  # Northern Virginia
    "us-east-2": (39.96, -83.00),  # Columbus, Ohio
    "us-gov-east-1": (39.96, -82.75),  # Ohio
    "us-gov-west-1": (45.52, -122.68),  # Oregon
    "us-west-1": (37.35, -121.96),  # Northern California
    "us-west-2": (45.84, -119.70),  # Boardman, Oregon
}

_COUNTRIES_OF_REGIONS = (
    "af-south-1 ZA, ap-east-1 HK, ap-east-2 TW, ap-northeast-1 JP, ap-northeast-2 KR, ap-northeast-3 JP,"
    " ap-south-1 IN, ap-south-2 IN, ap-southeast-1 SG, ap-southeast-2 AU, ap-southeast-3 ID,"
    " ap-southeast-4 AU, ap-southeast-5 MY, ap-southeast-6 NZ, ap-southeast-7 TH, ca-central-1 CA,"
    " ca-west-1 CA, cn-north-1 CN, cn-northwest-1 CN, eu-central-1 DE, eu-central-2 CH, eu-north-1 SE,"
    " eu-south-1 IT, eu-south-2 ES, eu-west-1 IE, eu-west-2 GB, eu-west-3 FR, eusc-de-east-1 DE,"
    " il-central-1 IL, me-central-1 AE, me-south-1 BH, mx-central-1 MX, sa-east-1 BR, us-east-1 US-VA,"
    " us-east-2 US-OH, us-gov-east-1 US-OH, us-gov-west-1 US-OR, us-west-1 US-CA, us-west-2 US-OR"
)
REGION_AREAS: Mapping[str, tuple[str, str]] = {
    region: (area[:2], area[3:]) for region, area in map(str.split, _COUNTRIES_OF_REGIONS.split(", "))
}
"""The country and subdivision that a region lies in; only regions of the US have a subdivision."""

_LOCAL_ZONE_CITIES: Mapping[str, Coordinates] = {
    "akl": (-36.85, 174.76),  # Auckland
    "atl": (33.75, -84.39),  # Atlanta
    "bkk": (13.76, 100.50),  # Bangkok
    "bos": (42.36, -71.06),  # Boston
    "bue": (-34.60, -58.38),  # Buenos Aires
    "ccu": (22.57, 88.36),  # Kolkata
    "chi": (41.88, -87.63),  # Chicago
    "cph": (55.68, 12.57),  # Copenhagen
    "del": (28.61, 77.21),  # Delhi
    "den": (39.74, -104.99),  # Denver
    "dfw": (32.78, -96.80),  # Dallas
    "ham": (53.55, 9.99),  # Hamburg
    "hel": (60.17, 24.94),  # Helsinki
    "hnl": (21.31, -157.86),  # Honolulu
    "iah": (29.76, -95.37),  # Houston
    "las": (36.17, -115.14),  # Las Vegas
    "lax": (34.05, -118.24),  # Los Angeles
    "lim": (-12.05, -77.04),  # Lima
    "los": (6.52, 3.38),  # Lagos
    "mci": (39.10, -94.58),  # Kansas City
    "mct": (23.59, 58.41),  # Muscat
    "mia": (25.76, -80.19),  # Miami
    "mnl": (14.60, 120.98),  # Manila
    "msp": (44.98, -93.27),  # Minneapolis
    "nyc": (40.71, -74.01),  # New York
    "pdx": (45.52, -122.68),  # Portland
    "per": (-31.95, 115.86),  # Perth
    "phl": (39.95, -75.17),  # Philadelphia
    "phx": (33.45, -112.07),  # Phoenix
    "qro": (20.59, -100.39),  # Querétaro
    "scl": (-33.45, -70.67),  # Santiago
    "sea": (47.61, -122.33),  # Seattle
    "tpe": (25.03, 121.57),  # Taipei
    "waw": (52.23, 21.01),  # Warsaw
}
_LOCAL_ZONE_GROUP = re.compile(r"(.+)-([a-z]{3})-[0-9]+")

_COUNTRIES = {
    "AF": "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW"
    " MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW",
    "AN": "AQ GS TF",
    "AS": "AE AF AM AZ BD BH BN BT CC CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV"
    " MY NP OM PH PK PS QA SA SG SY TH TJ TM TW UZ VN YE",
    "EU": "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV"
    " MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM TR UA VA XK",
    "NA": "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR"
    " SV SX TC TT US VC VG VI",
    "OC": "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS",
    "SA": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}
CONTINENTS = tuple(_COUNTRIES)
COUNTRY_CONTINENT: Mapping[str, str] = {
    country: continent for continent, countries in _COUNTRIES.items() for country in countries.split()
}

_EARTH_RADIUS_KM = 6371.0  # mean radius; a sphere is off by up to 0.5 %
_FIBRE_KM_PER_MS = 200.0  # light in glass: two thirds of its speed in vacuum
_DETOUR = 1.3  # our choice: cables are longer than great circles; gives 72 ms for us-east-1 to eu-west-1
_LOCAL_MS = 1.0  # our choice: the part of a round trip that no distance explains


def distance_km(a: Coordinates, b: Coordinates) -> float:
    """Return the great-circle distance between two places (the haversine form, stable for near ones)."""
    latitude_a, latitude_b = radians(a[0]), radians(b[0])
    chord = (
        sin((latitude_b - latitude_a) / 2) ** 2
        + cos(latitude_a) * cos(latitude_b) * sin(radians(b[1] - a[1]) / 2) ** 2
    )
    return 2 * _EARTH_RADIUS_KM * asin(min(1.0, sqrt(chord)))  # rounding can pass 1 for antipodes


def estimated_latency_ms(distance_km: float) -> float:
    """Estimate a round trip over a distance: the nearest place is the quickest.

    Source: our choice; Route 53 measures, and publishes nothing to estimate from.
    """
    return _LOCAL_MS + 2 * distance_km * _DETOUR / _FIBRE_KM_PER_MS


def local_zone_coordinates(group: str) -> Coordinates | None:
    """Return where a Local Zone group is; None where its name has no region or no city that is known here.

    Source: AWS's naming of Local Zone groups; routing-policies.md §2.5.
    """
    match = _LOCAL_ZONE_GROUP.fullmatch(group)
    return _LOCAL_ZONE_CITIES.get(match[2]) if match is not None and match[1] in REGIONS else None


def unknown_region(text: str) -> str:
    """Word the fault of a region that does not exist, with the nearest one that does."""
    letters = sorted(text.lower())
    near = [region for region in REGIONS if sorted(region) == letters]  # two letters changed places
    near += difflib.get_close_matches(text.lower(), REGIONS, 1, 0.75)
    return f"unknown region {text!r}" + (f"; did you mean {near[0]!r}?" if near else "")
