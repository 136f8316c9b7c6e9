"""Checked zones: what is refused, what is warned of, and what the built zone holds."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, parse_name
from r53lite.dns.rrset import RRset
from r53lite.errors import Fault, Faults
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.zone.builder import build_zone
from r53lite.zone.findings import MAX_FAULTS
from r53lite.zone.master_file import read_master_file
from r53lite.zone.model import Data, Zone

ORIGIN = parse_name("example.com")
APEX = "$TTL 300\n@ SOA ns.example.net. host 7 2 3 4 60\n@ NS ns.example.net.\n"  # lines 1 to 3


def group(owner: str, rrtype: str, line: int = 1) -> RecordSetGroup:
    sets = (RecordSet("a", 60, (bytes(4),), weight=1), RecordSet("b", 60, (bytes(4),), weight=1))
    number = rrtypes.parse_rrtype(rrtype)
    return RecordSetGroup(parse_name(owner, ORIGIN), number, "weighted", sets, "p.yaml", line)


def build(
    text: str, *groups: RecordSetGroup, origin: bytes | None = ORIGIN
) -> tuple[Zone | None, list[Fault]]:
    reading = Faults("m.zone")
    records = read_master_file(text, ORIGIN, reading)
    assert not reading.items
    faults: list[Fault] = []
    return build_zone(origin, records, groups, faults, ("m.zone", "p.yaml")), faults


def errors_of(text: str, *groups: RecordSetGroup, origin: bytes | None = ORIGIN) -> list[str]:
    zone, faults = build(text, *groups, origin=origin)
    assert zone is None
    return [str(fault) for fault in faults]


def warnings_of(text: str, *groups: RecordSetGroup) -> list[str]:
    zone, faults = build(APEX + text, *groups)
    assert zone is not None
    return [str(fault).replace(" warning:", "") for fault in faults]


def zone_of(text: str, *groups: RecordSetGroup) -> Zone:
    zone, _ = build(APEX + text, *groups)
    assert zone is not None
    return zone


def data_of(zone: Zone, name: bytes) -> Mapping[int, Data]:
    node = zone.node(name)
    assert node is not None
    return node.data


# --- errors ----------------------------------------------------------------------------------------------

ALONE = "a CNAME must be alone (RFC 1034 §3.6.2)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@ 60 NS ns\n", ["m.zone: zone has no SOA record"]),
        (
            "@ 60 SOA ns h 1 2 3 4 5\n",
            ["m.zone:1: zone 'example.com.' has no NS record at its apex (RFC 1034 §4.2.1)"],
        ),
        (
            "a 60 A 192.0.2.1\n",
            [
                "m.zone: zone has no SOA record",
                "m.zone: zone 'example.com.' has no NS record at its apex (RFC 1034 §4.2.1)",
            ],
        ),
        (
            APEX + "@ SOA ns.example.net. host 8 2 3 4 60\n",
            ["m.zone:4: zone has a second SOA record; the first is at m.zone:2"],
        ),
        (
            APEX + "sub SOA ns.example.net. host 7 2 3 4 60\n",
            ["m.zone:4: zone has a second SOA record; the first is at m.zone:2"],
        ),
        (
            "@ 60 NS ns\nsub 60 SOA ns h 1 2 3 4 5\n",
            ["m.zone:2: SOA owner 'sub.example.com.' is not the zone 'example.com.'"],
        ),
        (
            "@ 60 NS ns\nexample.net. 60 SOA ns h 1 2 3 4 5\n",
            ["m.zone:2: SOA owner 'example.net.' is not the zone 'example.com.'"],
        ),
        (
            APEX + "a.example.net. A 192.0.2.1\nbadexample.com. A 192.0.2.1\n  A 192.0.2.2\n",
            [
                "m.zone:4: owner 'a.example.net.' is outside the zone 'example.com.'",
                "m.zone:5: owner 'badexample.com.' is outside the zone 'example.com.'",
                "m.zone:6: owner 'badexample.com.' is outside the zone 'example.com.'",
            ],
        ),
        (
            APEX + "a CNAME b\na A 192.0.2.1\na MX 1 b\n",
            [f"m.zone:5: owner 'a.example.com.' has CNAME and A, MX; {ALONE}"],
        ),
        (
            APEX + "a A 192.0.2.1\na CNAME b\n",
            [f"m.zone:5: owner 'a.example.com.' has CNAME and A; {ALONE}"],
        ),
        (APEX + "@ CNAME b\n", [f"m.zone:4: owner 'example.com.' has CNAME and SOA, NS; {ALONE}"]),
        (
            APEX + "a CNAME b\na CNAME c\nd DNAME b.\nd DNAME c.\n",
            [
                "m.zone:5: owner 'a.example.com.' has a second CNAME record; the limit is 1",
                "m.zone:7: owner 'd.example.com.' has a second DNAME record; the limit is 1",
            ],
        ),
    ],
)
def test_a_faulty_zone_is_refused_with_every_reason(text: str, expected: list[str]) -> None:
    assert errors_of(text) == expected


@pytest.mark.parametrize(
    ("text", "groups", "expected"),
    [
        (
            "a A 192.0.2.1\n",
            [group("a", "CNAME", 3)],
            [f"p.yaml:3: owner 'a.example.com.' has CNAME and A; {ALONE}"],
        ),
        (
            "a CNAME b\n",
            [group("a", "TXT", 3)],
            [f"p.yaml:3: owner 'a.example.com.' has CNAME and TXT; {ALONE}"],
        ),
        (
            "a A 192.0.2.1\n",
            [group("a", "A", 5)],
            ["p.yaml:5: owner 'a.example.com.' has A both plain and under a policy"],
        ),
        (
            "",
            [group("a", "A", 5), group("a", "A", 9)],
            ["p.yaml:9: owner 'a.example.com.' has a second policy group of type A, after p.yaml:5"],
        ),
        (
            "",
            [group("sub", "NS", 4)],
            ["p.yaml:4: a policy cannot choose NS records; they shape the zone itself"],
        ),
        (
            "",
            [group("a.example.net.", "A", 2)],
            ["p.yaml:2: owner 'a.example.net.' is outside the zone 'example.com.'"],
        ),
    ],
)
def test_policy_groups_count_as_data_of_their_type(
    text: str, groups: list[RecordSetGroup], expected: list[str]
) -> None:
    assert errors_of(APEX + text, *groups) == expected


def test_faults_come_in_order_of_file_and_line() -> None:
    text = APEX + "x.example.net. A 192.0.2.1\na A 192.0.2.1\na CNAME b\ny.example.net. A 192.0.2.1\n"
    assert [fault.split(": ")[0] for fault in errors_of(text, group("z.example.net.", "A", 2))] == [
        "m.zone:4",
        "m.zone:6",
        "m.zone:7",
        "p.yaml:2",
    ]


def test_without_files_or_records_the_fault_names_no_place() -> None:
    faults: list[Fault] = []
    assert build_zone(None, [], [], faults, ()) is None
    assert faults == [Fault("", 0, "zone has no SOA record")]


def test_without_an_origin_the_zone_is_the_soas_owner() -> None:
    text = "$ORIGIN other.test.\n" + APEX
    zone, faults = build(text, origin=None)
    assert not faults
    assert zone is not None
    assert format_name(zone.origin) == "other.test."
    assert errors_of(APEX + "a.test. A 192.0.2.1\n", origin=None) == [
        "m.zone:4: owner 'a.test.' is outside the zone 'example.com.'"
    ]


def test_rrsig_and_nsec_may_stand_beside_a_cname() -> None:
    """RFC 4034 §3, §4."""
    text = (
        "a CNAME b\na NSEC c CNAME\na RRSIG CNAME 8 3 300 20300101000000 20200101000000 1 @ aGVsbG8=\n"
        "d NSEC a CNAME\nd CNAME b\n"
    )
    assert warnings_of(text) == []


# --- warnings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a A 192.0.2.1\n", []),
        (
            "a A 192.0.2.1\nb A 192.0.2.1\nA A 192.0.2.1\n",
            ["m.zone:6: duplicate record 'a.example.com.' A 192.0.2.1"],
        ),
        (
            "a CNAME b\na CNAME b\n",
            ["m.zone:5: duplicate record 'a.example.com.' CNAME b.example.com."],
        ),
        (
            "a 60 A 192.0.2.1\na 30 A 192.0.2.2\na 90 A 192.0.2.3\n",
            [
                "m.zone:5: records of 'a.example.com.' A have the ttls 60, 30, 90; the lowest counts "
                "(RFC 2181 §5.2)"
            ],
        ),
        (
            "s NS ns.s\ns TXT x\nns.s A 192.0.2.1\nns.s TXT x\nw.s A 192.0.2.1\n",
            [
                "m.zone:5: TXT of 's.example.com.' is never answered: 's.example.com.' has NS",
                "m.zone:7: TXT of 'ns.s.example.com.' is never answered: 's.example.com.' has NS",
                "m.zone:8: A of 'w.s.example.com.' is never answered: 's.example.com.' has NS",
            ],
        ),
        (
            "d DNAME example.net.\nd TXT fine\na.d A 192.0.2.1\n",
            ["m.zone:6: A of 'a.d.example.com.' is never answered: 'd.example.com.' has DNAME"],
        ),
        (
            "s NS ns.example.net.\nd.s DNAME example.net.\na.d.s A 192.0.2.1\n",
            [
                "m.zone:5: DNAME of 'd.s.example.com.' is never answered: 's.example.com.' has NS",
                "m.zone:6: A of 'a.d.s.example.com.' is never answered: 's.example.com.' has NS",
            ],
        ),
        (
            "s NS ns.t\nt NS ns.t\nns.t A 192.0.2.1\n",
            [],
        ),
        (
            "s NS ns.s\nt NS t\nu NS ns.s\nv NS lost\nw NS ns.example.net.\n",
            [
                "m.zone:4: name server 'ns.s.example.com.' of 's.example.com.' has no address in this zone",
                "m.zone:5: name server 't.example.com.' of 't.example.com.' has no address in this zone",
                "m.zone:7: name server 'lost.example.com.' of 'v.example.com.' has no address in this zone",
            ],
        ),
        (
            "a CNAME b\nb CNAME c\nc CNAME b\nd CNAME a\ne CNAME e\nf CNAME g\ng CNAME h.example.net.\n",
            [
                "m.zone:5: CNAME loop: b.example.com. -> c.example.com. -> b.example.com.",
                "m.zone:8: CNAME loop: e.example.com. -> e.example.com.",
            ],
        ),
    ],
)
def test_what_is_served_all_the_same_is_a_warning(text: str, expected: list[str]) -> None:
    assert warnings_of(text) == expected


def test_a_name_server_that_a_wildcard_gives_an_address_has_one() -> None:
    assert warnings_of("s NS a.w\n*.w A 192.0.2.1\nt NS a.b.w\nx.b.w TXT x\n") == [
        "m.zone:6: name server 'a.b.w.example.com.' of 't.example.com.' has no address in this zone"
    ]


def test_of_very_many_faults_the_first_are_shown_and_the_rest_counted() -> None:
    text = "".join(f"a{number} A 192.0.2.1\n" for number in range(MAX_FAULTS + 5))
    warnings = warnings_of(text + text)
    assert len(warnings) == MAX_FAULTS + 1
    assert warnings[-1] == "m.zone: 5 more warnings of this zone are not shown"
    errors = errors_of(APEX + "".join(f"a{number}. A 192.0.2.1\n" for number in range(MAX_FAULTS + 5)))
    assert len(errors) == MAX_FAULTS + 1
    assert errors[-1] == "m.zone: 5 more errors of this zone are not shown"


def test_a_repeated_soa_is_a_duplicate_and_no_second_soa() -> None:
    assert warnings_of("@ SOA ns.example.net. host 7 2 3 4 60\n") == [
        "m.zone:4: duplicate record 'example.com.' SOA ns.example.net. host.example.com. 7 2 3 4 60"
    ]


def test_an_occluded_policy_group_is_a_warning_and_a_group_of_addresses_is_no_missing_name_server() -> None:
    assert warnings_of("s NS ns.example.net.\nt NS pool\n", group("a.s", "A", 8), group("pool", "A", 9)) == [
        "p.yaml:8: A of 'a.s.example.com.' is never answered: 's.example.com.' has NS"
    ]


def test_a_policy_group_of_type_cname_takes_no_part_in_loops() -> None:
    assert warnings_of("a CNAME b\n", group("b", "CNAME")) == []


# --- the zone --------------------------------------------------------------------------------------------


def test_the_zone_knows_its_soa_ns_serial_count_and_files() -> None:
    zone = zone_of("a A 192.0.2.1\na A 192.0.2.1\na A 192.0.2.2\n", group("p", "A"))
    assert zone.serial == 7
    assert zone.record_count == 5
    assert zone.files == ("m.zone", "p.yaml")
    assert zone.soa == data_of(zone, ORIGIN)[rrtypes.SOA]
    assert zone.ns == data_of(zone, ORIGIN)[rrtypes.NS]
    assert not zone.has_cuts


@pytest.mark.parametrize(("ttl", "minimum", "expected"), [(300, 60, 60), (60, 300, 60), (60, 2**32 - 1, 60)])
def test_rfc2308_5_negative_ttl_is_the_lower_of_soa_ttl_and_minimum(
    ttl: int, minimum: int, expected: int
) -> None:
    zone, _ = build(f"@ {ttl} SOA ns.example.net. h 1 2 3 4 {minimum}\n@ 60 NS ns.example.net.\n")
    assert zone is not None
    assert zone.soa.ttl == ttl
    assert zone.negative_soa == zone.soa.with_ttl(expected)


def test_every_name_between_an_owner_and_the_apex_exists() -> None:
    """RFC 4592 §2.2.2."""
    zone = zone_of("a.b.c A 192.0.2.1\nx.b.c A 192.0.2.1\n", group("p.q", "A"))
    empty = {format_name(name) for name in zone.names if not data_of(zone, name)}
    assert empty == {"b.c.example.com.", "c.example.com.", "q.example.com."}


def test_a_root_zone_reaches_up_to_the_root() -> None:
    zone, faults = build(
        "$ORIGIN .\n@ 60 SOA ns. h. 1 2 3 4 5\n@ 60 NS ns.\na.b 60 A 192.0.2.1\n", origin=None
    )
    assert not faults
    assert zone is not None
    assert {format_name(name) for name in zone.names} == {".", "b.", "a.b."}


def test_cuts_and_what_lies_below_cuts_and_dnames_is_marked() -> None:
    zone = zone_of("s NS ns.s\nns.s A 192.0.2.1\na.b.s A 192.0.2.1\nd DNAME x.\na.d A 192.0.2.1\n")
    marks = {
        format_name(name).removesuffix(".example.com."): (node.is_cut, node.is_occluded)
        for name in zone.names
        if (node := zone.node(name)) is not None and (node.is_cut or node.is_occluded)
    }
    assert zone.has_cuts
    assert marks == {
        "s": (True, False),
        "ns.s": (False, True),
        "b.s": (False, True),
        "a.b.s": (False, True),
        "a.d": (False, True),
    }


def test_an_rrset_keeps_the_order_of_the_file_and_the_lowest_ttl() -> None:
    zone = zone_of("a 60 A 192.0.2.2\na 30 A 192.0.2.1\na A 192.0.2.2\n")
    rrset = data_of(zone, parse_name("a.example.com"))[rrtypes.A]
    assert isinstance(rrset, RRset)
    assert rrset.ttl == 30
    assert [rdata[-1] for rdata in rrset.rdatas] == [2, 1]


def test_a_policy_group_stands_under_its_type() -> None:
    weighted = group("p", "A")
    zone = zone_of("p AAAA ::1\n", weighted)
    assert data_of(zone, weighted.owner)[rrtypes.A] is weighted
