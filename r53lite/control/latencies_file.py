"""Which latencies does a CSV file have?

The first row names regions, behind a first cell that is free. Each other row is a client region or a client
network, with milliseconds below each region; an empty cell is a latency nobody knows. Empty rows and rows
that begin with `#` are left out. Every fault has its line. Pure: takes text.

Source: our choice.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

from r53lite.errors import Faults
from r53lite.routing.latencies import LatencyMatrix, LatencyRow
from r53lite.routing.places import REGIONS, unknown_region
from r53lite.routing.ranges import Network, parse_network

MAX_LATENCY_MS = 60_000.0  # our choice: a minute means that the unit was mistaken
MAX_CELL_LENGTH = 1000  # our choice: a cell is a region, a network or a number


def read_latencies(text: str, faults: Faults) -> LatencyMatrix:
    """Read a latency matrix; what has a fault is left out of the result."""
    regions: dict[str, LatencyRow] = {}
    networks: dict[Network, LatencyRow] = {}
    columns: Sequence[str] | None = None
    for line, cells in enumerate(text.splitlines(), 1):
        row = _cells(line, cells, faults)
        if not any(row) or row[0].startswith("#"):
            continue
        if columns is None:
            columns = row[1:]
            _check_columns(line, columns, faults)
            continue
        client = _client(line, row[0], faults)
        latencies = _latencies(line, row[1:], columns, faults)
        entry = LatencyRow(latencies, f"{faults.file.rpartition('/')[2]}:{line}")
        if client is None:
            continue
        if client in regions or client in networks:
            faults.error(line, f"{row[0]!r} has a row already")
        if isinstance(client, str):
            regions[client] = entry
        else:
            networks[client] = entry
    if columns is None:
        faults.error(0, "no row that names regions")
    return LatencyMatrix(regions, networks.items())


def _cells(line: int, text: str, faults: Faults) -> list[str]:
    """Return the cells of one row, without white space around them; a row ends with its line."""
    try:
        rows = list(csv.reader([text.lstrip("\ufeff")], strict=True))
    except csv.Error as error:
        faults.error(line, f"not valid CSV: {error}")
        return []
    cells = [cell.strip() for cell in rows[0]] if rows else []
    if any(len(cell) > MAX_CELL_LENGTH for cell in cells):
        faults.error(line, f"a cell is longer than {MAX_CELL_LENGTH} characters")
        return []
    return cells


def _check_columns(line: int, columns: Sequence[str], faults: Faults) -> None:
    """Note columns that are no region, or twice the same."""
    if not columns:
        faults.error(line, "the first row names no region")
    for index, region in enumerate(columns):
        if region not in REGIONS:
            faults.error(line, f"column {index + 2}: {unknown_region(region)}")
        elif region in columns[:index]:
            faults.error(line, f"column {index + 2}: region {region!r} has a column already")


def _client(line: int, text: str, faults: Faults) -> str | Network | None:
    """Return the region or network that a row is for."""
    if text in REGIONS:
        return text
    try:
        return parse_network(text)
    except ValueError as error:
        if "/" in text or ":" in text or text[:1].isdigit():
            faults.error(line, f"expected a region or a network, got {text!r} ({error})")
        else:
            faults.error(line, unknown_region(text))
        return None


def _latencies(line: int, cells: Sequence[str], columns: Sequence[str], faults: Faults) -> dict[str, float]:
    """Return the milliseconds of a row by region."""
    if len(cells) > len(columns):
        faults.error(line, f"{len(cells)} latencies for {len(columns)} regions")
    found: dict[str, float] = {}
    for region, cell in zip(columns, cells, strict=False):
        if not cell:
            continue
        try:
            value = float(cell)
        except ValueError:
            value = -1.0
        if 0 <= value <= MAX_LATENCY_MS:  # false for nan
            found[region] = value
        else:
            faults.error(line, f"{region}: {cell!r}; expected milliseconds from 0 to {MAX_LATENCY_MS:g}")
    return found
