"""What does a file say of a place: a country, a subdivision, coordinates?

Record sets and clients are placed by the same words, so policy files and `locations.yaml` read them by the
same rules. Each function notes a fault with its line. Pure.

Source: docs/route53/routing-policies.md §2.4 and §2.5.
"""

from __future__ import annotations

import re

from r53lite.config.document import Node, Reader, Scalar, Sequence, kind_of
from r53lite.routing.places import COUNTRY_CONTINENT, Coordinates

_SUBDIVISION = re.compile(r"[A-Z0-9]{1,3}")  # §2.4
_DEGREES = re.compile(r"[-+]?(?=\.?[0-9])[0-9]*(?:\.([0-9]*))?")
_RANGE = "expected [latitude, longitude] in degrees, -90 to 90 and -180 to 180"


def check_country(reader: Reader, country: str, besides: str = "") -> bool:
    """Say whether a country is one of §2.4; note one that is not.

    Args:
        reader: of the mapping with the key `country`.
        country: what it says.
        besides: what else may stand there, for the message.
    """
    if country in COUNTRY_CONTINENT:
        return True
    expected = f"expected an ISO 3166 code of two capital letters that Route 53 knows{besides}"
    hint = f"; did you mean {country.upper()!r}?" if country.upper() in COUNTRY_CONTINENT else ""
    reason = f"{reader.at('country')} is {country!r}; {expected}{hint}"
    reader.faults.error(reader.line_of("country"), reason)
    return False


def check_subdivision(reader: Reader, subdivision: str) -> None:
    """Refuse what is no code of a subdivision: one in small letters would never match (§2.4)."""
    if _SUBDIVISION.fullmatch(subdivision) is None:
        expected = "expected a code of 1 to 3 capital letters and digits, such as CA"
        reason = f"{reader.at('subdivision')} is {subdivision!r}; {expected}"
        reader.faults.error(reader.line_of("subdivision"), reason)


def read_coordinates(reader: Reader, *, is_exact: bool, required: bool = False) -> Coordinates | None:
    """Read latitude and longitude.

    Args:
        reader: of the mapping with the key `coordinates`.
        is_exact: whether more than two decimals are fine. Route 53 has two for record sets (§2.5); where a
            client is, databases know better.
        required: whether a missing or null key is a fault; else it is just None.
    """
    node = reader.node("coordinates", required=required)
    if node is None:
        return None
    found = [_degrees(item, is_exact) for item in node.items] if isinstance(node, Sequence) else []
    match found:
        case [float(latitude), float(longitude)] if -90 <= latitude <= 90 and -180 <= longitude <= 180:
            return latitude, longitude
    expected = _RANGE if is_exact else f"{_RANGE}, up to two decimals"
    reader.faults.error(node.line, f"{reader.at('coordinates')} is {_shown(node)}; {expected}")
    return None


def _degrees(node: Node, is_exact: bool) -> float | None:
    """Return a number as it is written, be it in quotes, as Route 53 has it; to YAML 1:30.5 is one too."""
    match = _DEGREES.fullmatch(node.text) if isinstance(node, Scalar) else None
    if match is None or not (is_exact or len(match[1] or "") <= 2):
        return None
    return float(match[0])


def _shown(node: Node) -> str:
    """Return the coordinates as they are written, for messages."""
    if not isinstance(node, Sequence):
        return kind_of(node)
    return f"[{', '.join(item.text if isinstance(item, Scalar) else kind_of(item) for item in node.items)}]"
