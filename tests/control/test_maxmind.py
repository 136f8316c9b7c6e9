"""A MaxMind database says where networks are, in Route 53's terms; a broken one is a fault."""

from __future__ import annotations

from io import BytesIO
from ipaddress import ip_address, ip_network

import maxminddb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r53lite.control import maxmind
from r53lite.control.maxmind import MaxMindDatabase, location_of, open_maxmind
from r53lite.errors import Faults
from r53lite.routing.context import ClientLocation
from tests.control.maxmind_files import city, maxmind_octets

NETWORKS = {
    "10.0.0.0/8": city("US", "CA", (37.4, -122.1), "NA"),
    "10.9.0.0/16": city("DE", "BE", (52.5, 13.4), "EU"),
    "2001:db8::/32": city("GB", "GB-ENG", continent="EU"),
}


def find(database: MaxMindDatabase, address: str) -> tuple[ClientLocation | None, int]:
    """Look an address up."""
    parsed = ip_address(address)
    return database.find(int(parsed), parsed.max_prefixlen)


def test_networks_of_both_families() -> None:
    database = MaxMindDatabase(maxmind_octets(NETWORKS), "city.mmdb")
    assert find(database, "10.9.1.2") == (
        ClientLocation(None, "DE", "BE", "EU", (52.5, 13.4), source="city.mmdb"),
        16,
    )
    assert find(database, "10.1.1.1")[1] == 13
    assert find(database, "2001:db8::1") == (
        ClientLocation(None, "GB", "ENG", "EU", source="city.mmdb"),
        32,
    )
    assert find(database, "192.0.2.1") == (None, 1)


def test_an_ipv4_database_knows_no_ipv6_client() -> None:
    database = MaxMindDatabase(maxmind_octets({"10.0.0.0/8": city("US")}, ip_version=4), "v4.mmdb")
    assert find(database, "2001:db8::1") == (None, 0)
    assert find(database, "10.1.1.1")[1] == 8


def test_clients_of_one_record_share_one_location() -> None:
    database = MaxMindDatabase(maxmind_octets(NETWORKS), "city.mmdb")
    assert find(database, "10.1.1.1")[0] is find(database, "10.200.1.1")[0]


def test_what_is_decoded_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maxmind, "MAX_DECODED", 1)
    database = MaxMindDatabase(maxmind_octets(NETWORKS), "city.mmdb")
    for _ in range(3):
        for address, country in (("10.1.1.1", "US"), ("10.9.1.1", "DE"), ("2001:db8::", "GB")):
            location, _ = find(database, address)
            assert location is not None
            assert location.country == country
    assert len(database._decoded) == 1


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(city("TR", continent="AS"), (None, "TR", None, "EU", None), id="§2.4: TR is in EU"),
        pytest.param(city("GE", continent="EU"), (None, "GE", None, "AS", None), id="§2.4: GE is in AS"),
        pytest.param(city("US", "US-WA"), (None, "US", "WA", "NA", None), id="country prefix"),
        pytest.param(city("PR"), (None, "PR", None, "NA", None), id="US territory"),
        pytest.param(city("EH", "X", continent="AF"), (None, None, None, "AF", None), id="§2.4: EH is none"),
        pytest.param(city(continent="EU"), (None, None, None, "EU", None), id="continent alone"),
        pytest.param(city(coordinates=(1, 2)), (None, None, None, None, (1.0, 2.0)), id="coordinates alone"),
        pytest.param(city("DE", coordinates=(91, 2)), (None, "DE", None, "EU", None), id="off the globe"),
        pytest.param(city(), None, id="registered country alone"),
        pytest.param({"autonomous_system_number": 64496}, None, id="ASN"),
        pytest.param({"country": "DE", "subdivisions": {}, "location": []}, None, id="other kinds"),
        pytest.param(["DE"], None, id="no mapping"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_record(record: object, expected: object) -> None:
    location = location_of(record, "x")
    assert (location and location[:5]) == expected


def test_octets_that_are_no_database_are_a_fault() -> None:
    faults = Faults("zones/city.mmdb")
    assert open_maxmind(b"no such thing", "city.mmdb", faults) is None
    assert [str(fault) for fault in faults.items] == [
        "zones/city.mmdb: not a sound MaxMind DB file: the metadata at its end is missing"
    ]


def test_a_database_without_places_is_a_warning() -> None:
    faults = Faults("asn.mmdb")
    networks: dict[str, dict[str, object]] = {"0.0.0.0/1": {"autonomous_system_number": 64496}}
    assert open_maxmind(maxmind_octets(networks, 4, "GeoLite2-ASN"), "asn.mmdb", faults) is not None
    (fault,) = faults.items
    assert (fault.is_error, fault.reason) == (
        False,
        "none of 32 records looked at has a place; wrong kind of database?",
    )


GOOD = maxmind_octets(NETWORKS)


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_database_is_a_fault_or_answers(data: st.DataObject) -> None:
    """Nothing but a fault comes out, neither on opening nor on looking up."""
    octets = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(octets[: data.draw(st.integers(0, len(octets)))] if data.draw(st.booleans()) else octets)
    database = open_maxmind(damaged, "x", Faults("x"))
    if database is not None:
        for address in ("10.1.1.1", "10.9.1.1", "2001:db8::1", "192.0.2.1", "::"):
            find(database, address)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.integers(1, 8), st.sampled_from(["DE", "US", "JP"])),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([4, 6]),
)
def test_networks_are_those_of_the_library(entries: list[tuple[int, int, str]], ip_version: int) -> None:
    networks = {
        f"{value >> 8 - length << 8 - length}.0.0.0/{length}": city(country)
        for value, length, country in entries
    }
    octets = maxmind_octets(networks, ip_version)
    database = MaxMindDatabase(octets, "x")
    reader = maxminddb.open_database(BytesIO(octets), maxminddb.MODE_FD)
    for octet in range(256):
        address = ip_address(f"{octet}.1.2.3")
        record, prefix_len = reader.get_with_prefix_len(address)
        location, found = find(database, str(address))
        assert location == location_of(record, "x")
        if ip_version == 4 or record is not None:
            assert found == prefix_len
        else:
            assert ip_network((int(address), found), strict=False).prefixlen <= 32
