"""The zone that is built from any records is the one a plain reading of the rules gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import rrtypes
from r53lite.dns.name import ancestors_of, is_subdomain, parent_of, parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrset import RRset
from r53lite.errors import Fault
from r53lite.zone.builder import build_zone
from r53lite.zone.node import Node
from r53lite.zone.packed import has_dname
from r53lite.zone.records import Record, RecordTable, add_records

ORIGIN = parse_name("example")
APEX = [
    Record(ORIGIN, rrtypes.SOA, 60, parse_rdata(rrtypes.SOA, "ns h 1 2 3 4 5", ORIGIN), "f", 1),
    Record(ORIGIN, rrtypes.NS, 60, parse_rdata(rrtypes.NS, "ns", ORIGIN), "f", 2),
]
VALUES = {
    rrtypes.A: ["192.0.2.1", "192.0.2.2"],
    rrtypes.AAAA: ["::1"],
    rrtypes.NS: ["ns", "a.b"],
    rrtypes.CNAME: ["a", "b.c"],
    rrtypes.DNAME: ["x.net."],
    rrtypes.MX: ["1 a", "2 a"],
    rrtypes.DS: ["1 8 2 " + "00" * 32],
}

owners = st.sampled_from(["@", "a", "b", "a.b", "c.a.b", "*.b", "a.*.b", "d.c", "e.d.c", "f.e.d.c"])
values = st.sampled_from([(rrtype, text) for rrtype, texts in VALUES.items() for text in texts])
records = st.lists(st.tuples(owners, values, st.sampled_from([60, 90])), max_size=12)


def expected_nodes(given_records: list[Record]) -> dict[bytes, tuple[Node, bool]]:
    """Read the rules one by one, slowly; return each node and whether its DNAME redirects."""
    data: dict[bytes, dict[int, RRset]] = {}
    for record in given_records:
        types = data.setdefault(record.owner, {})
        known = types.get(record.rrtype)
        ttl = record.ttl if known is None else min(known.ttl, record.ttl)
        rdatas = dict.fromkeys((*(known.rdatas if known else ()), record.rdata))
        types[record.rrtype] = RRset(record.owner, record.rrtype, ttl, tuple(rdatas))
    for owner in list(data):
        for ancestor in ancestors_of(owner):
            if is_subdomain(ancestor, ORIGIN):
                data.setdefault(ancestor, {})
    cuts = {owner for owner, types in data.items() if rrtypes.NS in types and owner != ORIGIN}
    borders = cuts | {owner for owner, types in data.items() if rrtypes.DNAME in types}
    return {
        owner: (
            Node(
                types,
                owner in cuts,
                owner != ORIGIN and any(above in borders for above in ancestors_of(parent_of(owner))),
            ),
            owner in borders - cuts,
        )
        for owner, types in data.items()
    }


def is_refused(given_records: list[Record]) -> bool:
    """Say whether a CNAME stands beside other data or beside another."""
    types: dict[bytes, set[tuple[int, bytes]]] = {}
    for record in given_records:
        types.setdefault(record.owner, set()).add((record.rrtype, record.rdata))
    return any(
        len(found) > 1 and any(rrtype == rrtypes.CNAME for rrtype, _ in found) for found in types.values()
    )


@given(records, st.booleans(), st.sampled_from([0, 1 << 20, 1 << 22]))
def test_the_built_zone_is_what_the_rules_say(
    drawn: list[tuple[str, tuple[int, str], int]], is_apex_last: bool, size_bytes: int
) -> None:
    written = [
        Record(parse_name(owner, ORIGIN), rrtype, ttl, parse_rdata(rrtype, text, ORIGIN), "f", line)
        for line, (owner, (rrtype, text), ttl) in enumerate(drawn, 3)
    ]
    given_records = [*written, *APEX] if is_apex_last else [*APEX, *written]
    table = RecordTable(size_bytes)
    add_records(table, given_records)
    faults: list[Fault] = []

    zone = build_zone(ORIGIN, table, (), faults, ("f",))

    assert (zone is None) == is_refused(given_records)
    if zone is None:
        return
    expected = expected_nodes(given_records)
    assert {name: zone.node(name) for name in zone.names} == {
        name: node for name, (node, _) in expected.items()
    }
    assert {name: has_dname(packed) for name, packed in zone.names.items()} == {
        name: redirects for name, (_, redirects) in expected.items()
    }
    assert zone.record_count == len({(record.owner, record.rrtype, record.rdata) for record in given_records})
    assert zone.has_cuts == any(node.is_cut or rrtypes.DNAME in node.data for node, _ in expected.values())
