"""Small MaxMind DB files for tests, in the structure of GeoLite2-City."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

Record = dict[str, object]


def city(
    country: str | None = None,
    subdivision: str | None = None,
    coordinates: tuple[float, float] | None = None,
    continent: str | None = None,
) -> Record:
    """Return a record as GeoLite2-City has them."""
    record: Record = {"registered_country": {"iso_code": "FR", "names": {"en": "not where the client is"}}}
    if country is not None:
        record["country"] = {"geoname_id": 1, "iso_code": country, "names": {"en": country}}
    if continent is not None:
        record["continent"] = {"code": continent, "names": {"en": continent}}
    if subdivision is not None:
        record["subdivisions"] = [{"iso_code": subdivision}, {"iso_code": "WRONG"}]
    if coordinates is not None:
        record["location"] = {"latitude": coordinates[0], "longitude": coordinates[1], "accuracy_radius": 5}
    return record


def maxmind_octets(networks: dict[str, Record], ip_version: int = 6, kind: str = "GeoLite2-City") -> bytes:
    """Return a MaxMind DB file; shorter networks come first, longer ones divide them."""
    writer = MMDBWriter(ip_version, kind, ["en"], "test", ipv4_compatible=ip_version == 6)
    for network in sorted(networks, key=lambda text: int(text.rpartition("/")[2])):
        writer.insert_network(IPSet([network]), networks[network])
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "test.mmdb"
        writer.to_db_file(str(path))
        return path.read_bytes()
