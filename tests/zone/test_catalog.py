"""The longest origin at or above a name (RFC 1034 §4.3.2 step 2)."""

from __future__ import annotations

import pytest

from r53lite.dns.name import ROOT, format_name, parse_name
from r53lite.errors import Faults
from r53lite.zone.builder import build_zone
from r53lite.zone.catalog import Catalog
from r53lite.zone.master_file import read_master_file
from r53lite.zone.model import Zone


def zone(origin: str, serial: int = 1) -> Zone:
    text = f"@ 60 SOA ns.example. h.example. {serial} 2 3 4 5\n@ 60 NS ns.example.\n"
    faults = Faults("test.zone")
    built = build_zone(None, read_master_file(text, parse_name(origin), faults), [], faults.items, ())
    assert built is not None
    assert not faults.items
    return built


CATALOG = Catalog([zone("example.com"), zone("com"), zone("sub.example.com")])


def origin_of(found: Zone | None) -> str | None:
    return None if found is None else format_name(found.origin)


@pytest.mark.parametrize(
    ("qname", "origin"),
    [
        ("example.com", "example.com."),
        ("a.b.example.com", "example.com."),
        ("x.sub.example.com", "sub.example.com."),
        ("badexample.com", "com."),
        ("com", "com."),
        ("example.net", None),
        (".", None),
    ],
)
def test_the_longest_origin_at_a_label_boundary_is_found(qname: str, origin: str | None) -> None:
    assert origin_of(CATALOG.find(parse_name(qname))) == origin


@pytest.mark.parametrize(
    ("qname", "origin"),
    [("sub.example.com", "example.com."), ("example.com", "com."), ("com", None), (".", None)],
)
def test_the_parent_side_is_the_longest_origin_above(qname: str, origin: str | None) -> None:
    assert origin_of(CATALOG.find_parent_side(parse_name(qname))) == origin


def test_the_root_zone_takes_every_name() -> None:
    catalog = Catalog([zone(".")])
    assert origin_of(catalog.find(parse_name("a.b.c"))) == "."
    assert origin_of(catalog.find(ROOT)) == "."
    assert origin_of(catalog.find_parent_side(parse_name("com"))) == "."
    assert catalog.find_parent_side(ROOT) is None


def test_zones_and_origins_come_in_the_order_given_and_the_first_of_one_origin_counts() -> None:
    first = zone("example.com", serial=1)
    other = zone("com")
    catalog = Catalog([first, zone("example.com", serial=2), other])
    assert catalog.zones == (first, other)
    assert catalog.origins == (parse_name("example.com"), parse_name("com"))


def test_an_empty_catalog_finds_nothing() -> None:
    assert Catalog([]).find(ROOT) is None
