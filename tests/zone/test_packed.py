"""Packed nodes and the table of names: nothing is lost, and single questions need no unpacking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.dns.rrset import MAX_TTL, RRset
from r53lite.routing.record_set import RecordSet, RecordSetGroup
from r53lite.zone.name_table import MAX_SINGLE_NAMES, NameTable
from r53lite.zone.node import Node, Packed, PolicyNode
from r53lite.zone.packed import (
    EMPTY_NON_TERMINAL,
    FLAG_CUT,
    FLAG_DNAME,
    FLAG_OCCLUDED,
    find_data,
    find_rrset,
    first_data,
    has_dname,
    has_type,
    is_cut,
    is_occluded,
    pack_node,
    types_of,
    unpack_node,
)

OWNER = parse_name("a.example")
GROUP = RecordSetGroup(OWNER, rrtypes.A, "weighted", (RecordSet("x", 60, (bytes(4),), weight=1),))

rdatas = st.lists(st.binary(max_size=300), min_size=1, max_size=5, unique=True).map(tuple)
rrsets = st.dictionaries(st.integers(1, 65535), st.tuples(st.integers(0, MAX_TTL), rdatas), max_size=5).map(
    lambda types: [RRset(OWNER, rrtype, ttl, values) for rrtype, (ttl, values) in types.items()]
)


@given(rrsets, st.integers(0, 7), st.integers(0, 65535))
def test_unpacking_gives_what_was_packed(data: list[RRset], flags: int, asked: int) -> None:
    packed = pack_node(data, flags)
    by_type = {rrset.rrtype: rrset for rrset in data}
    assert unpack_node(packed, OWNER) == Node(by_type, bool(flags & FLAG_CUT), bool(flags & FLAG_OCCLUDED))
    assert types_of(packed) == sorted(by_type)
    assert first_data(packed, OWNER) == (by_type[min(by_type)] if by_type else None)
    assert has_dname(packed) == bool(flags & FLAG_DNAME)
    for rrtype in (*by_type, asked):
        assert find_rrset(packed, OWNER, rrtype) == by_type.get(rrtype)
        assert has_type(packed, rrtype) == (rrtype in by_type)


def test_one_address_takes_fifteen_octets_and_a_name_without_data_one() -> None:
    assert len(pack_node([RRset(OWNER, rrtypes.A, 60, (bytes(4),))])) == 15
    assert pack_node([]) == EMPTY_NON_TERMINAL


def test_a_policy_node_answers_the_same_questions() -> None:
    txt = RRset(OWNER, rrtypes.TXT, 60, (b"\x01x",))
    node = PolicyNode({rrtypes.A: GROUP, rrtypes.TXT: txt})
    assert (is_cut(node), is_occluded(node), has_dname(node)) == (False, False, False)
    assert types_of(node) == [rrtypes.A, rrtypes.TXT]
    assert first_data(node, OWNER) is GROUP
    assert find_data(node, OWNER, rrtypes.A) is GROUP
    assert find_rrset(node, OWNER, rrtypes.A) is None
    assert find_rrset(node, OWNER, rrtypes.TXT) is txt
    assert unpack_node(node, OWNER) == Node(node.data)


def name(number: int) -> bytes:
    return parse_name(f"n{number}.example")


def shards_of(count: int, shards: int) -> list[dict[bytes, Packed]]:
    tables: list[dict[bytes, Packed]] = [{} for _ in range(shards)]
    for number in range(count):
        owner = name(number)
        tables[hash(owner) & (shards - 1)][owner] = EMPTY_NON_TERMINAL
    return tables


@pytest.mark.parametrize(("count", "shards"), [(0, 1), (100, 1), (100, 8), (MAX_SINGLE_NAMES + 1, 8)])
def test_a_table_finds_every_name_however_many_shards_it_has(count: int, shards: int) -> None:
    table = NameTable(shards_of(count, shards))
    assert len(table) == count
    assert all(table.get(name(number)) == EMPTY_NON_TERMINAL for number in range(count))
    assert table.get(name(count)) is None
    assert name(count) not in table
    assert dict(table.items()).keys() == set(table) == {name(number) for number in range(count)}


def test_the_look_up_of_a_small_table_is_the_dicts_own() -> None:
    table = NameTable(shards_of(100, 8))
    assert getattr(table.get, "__self__", None) == dict(table.items())


def test_a_table_is_released_in_slices() -> None:
    table = NameTable(shards_of(MAX_SINGLE_NAMES + 1, 8))
    sizes = [len(table) for _ in table.release()]
    steps = [before - after for before, after in zip([MAX_SINGLE_NAMES + 1, *sizes], sizes, strict=False)]
    assert len(steps) > 8
    assert max(steps) < MAX_SINGLE_NAMES / 4
    assert list(table) == []
    assert table.get(name(1)) is None
