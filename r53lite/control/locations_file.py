"""Where does `locations.yaml` say that clients are?

Reads it into `Locations` and notes every fault with its line. A country brings its continent along, so that
the two never disagree. Keys: `networks`; `maxmind`, a MaxMind DB file or a list of them; `latencies`, a CSV
file; `latency: measured`, which lets the times of our own probes count.

Pure: takes a document, not a path; the files that it names are opened by the caller's `NamedFiles`.
"""

from __future__ import annotations

from typing import Protocol

from r53lite.config.document import Network, Node, Reader, Sequence
from r53lite.control.latencies_file import MAX_LATENCY_MS
from r53lite.control.place_fields import check_country, check_subdivision, read_coordinates
from r53lite.errors import Faults
from r53lite.routing.context import ClientLocation
from r53lite.routing.latencies import LatencyMatrix, LatencyTable
from r53lite.routing.locations import Database, Locations
from r53lite.routing.places import CONTINENTS, COUNTRY_CONTINENT, REGIONS, unknown_region
from r53lite.routing.ranges import parse_network

ESTIMATED, MEASURED = LATENCY_SOURCES = ("estimated", "measured")


class NamedFiles(Protocol):
    """Opens what a line of a locations file names (`control.location_files`); None after a fault, noted."""

    def database(self, name: str, line: int) -> Database | None:
        """Open a MaxMind DB file."""
        ...

    def matrix(self, name: str, line: int) -> LatencyMatrix | None:
        """Read a CSV file of latencies."""
        ...


def read_locations(node: Node | None, faults: Faults, files: NamedFiles | None = None) -> Locations:
    """Read a locations file.

    Args:
        node: the document; None is an empty one.
        faults: takes every fault with its line; after an error the result lacks the networks that have one.
        files: opens the files that it names; None leaves them out.

    Returns:
        The locations; the `source` of each network is `locations.yaml:LINE`, with the name of the file.
    """
    root = Reader(node, "", faults)
    entries = _read_networks(root, faults)
    databases = []
    matrix: LatencyMatrix | None = None
    for name, line in _names(root, "maxmind"):
        database = None if files is None else files.database(name, line)
        if database is not None:
            databases.append(database)
    for name, line in _names(root, "latencies"):
        matrix = None if files is None else files.matrix(name, line)
    is_measured = root.choice("latency", LATENCY_SOURCES, ESTIMATED) == MEASURED
    root.finish()
    return Locations(
        entries.items(), databases, matrix or LatencyMatrix(), LatencyTable() if is_measured else None
    )


def _names(reader: Reader, key: str) -> list[tuple[str, int]]:
    """Return the names of files below a key, each with its line: one, or, for databases, a list."""
    node = reader.node(key)
    if node is None:
        return []
    if key == "maxmind" and isinstance(node, Sequence):
        return [(scalar.text, scalar.line) for scalar in reader.texts(key)]
    name = reader.text(key)
    return [(name, node.line)] if name else []


def _read_networks(root: Reader, faults: Faults) -> dict[Network, ClientLocation]:
    """Return the networks with what is said of them."""
    entries: dict[Network, ClientLocation] = {}
    lines: dict[Network, int] = {}
    for index, item in enumerate(root.items("networks")):
        reader = Reader(item, f"networks[{index}]", faults)
        if not reader.line:
            continue  # no mapping: the reader has noted it
        network = _read_network(reader)
        location = _read_location(reader)
        if network is None:
            continue
        if network in entries:
            reason = f"{reader.at('cidr')}: network {str(network)!r} is already on line {lines[network]}"
            faults.error(reader.line_of("cidr"), reason)
        entries[network] = location
        lines[network] = reader.line_of("cidr")
    return entries


def _read_network(reader: Reader) -> Network | None:
    text = reader.text("cidr", required=True)
    if not text:
        return None
    try:
        return parse_network(text)
    except ValueError as error:
        reason = f"{reader.at('cidr')} is {text!r}; expected a network ({error})"
        reader.faults.error(reader.line_of("cidr"), reason)
        return None


def _read_location(reader: Reader) -> ClientLocation:
    country = _read_country(reader)
    location = ClientLocation(
        region=_read_region(reader),
        country=country,
        subdivision=_read_subdivision(reader),
        continent=_read_continent(reader, country),
        coordinates=read_coordinates(reader, is_exact=True),
        latency_ms=_read_latencies(reader.child("latency_ms")),
        source=f"{reader.faults.file.rpartition('/')[2]}:{reader.line}",
    )
    reader.finish()
    return location


def _read_region(reader: Reader) -> str | None:
    region = reader.text("region")
    if region and region not in REGIONS:
        reader.faults.error(reader.line_of("region"), f"{reader.at('region')}: {unknown_region(region)}")
        return None
    return region or None


def _read_country(reader: Reader) -> str | None:
    """Return a country of §2.4. YAML reads NO as false; the reader returns the text that was written."""
    country = reader.text("country")
    return country if country and check_country(reader, country) else None


def _read_subdivision(reader: Reader) -> str | None:
    subdivision = reader.text("subdivision")
    if not subdivision:
        return None
    if not reader.has("country"):
        reason = f"{reader.at('subdivision')} stands without 'country'"
        reader.faults.error(reader.line_of("subdivision"), reason)
    check_subdivision(reader, subdivision)
    return subdivision


def _read_continent(reader: Reader, country: str | None) -> str | None:
    """Return the continent of the country, or the one that is written where the country is not."""
    continent = reader.choice("continent", CONTINENTS)
    if country is None:
        return continent or None
    known = COUNTRY_CONTINENT[country]
    if continent and continent != known:
        reason = f"{reader.at('continent')} is {continent!r}; Route 53 has {country} in {known}"
        reader.faults.error(reader.line_of("continent"), reason)
    return known


def _read_latencies(reader: Reader) -> dict[str, float]:
    latencies = {}
    for region in reader.mapping.entries:
        if region not in REGIONS:
            reader.faults.error(reader.line_of(region), f"{reader.path}: {unknown_region(region)}")
        if reader.node(region) is not None:
            latencies[region] = reader.number(region, minimum=0.0, maximum=MAX_LATENCY_MS)
    reader.finish()
    return latencies
