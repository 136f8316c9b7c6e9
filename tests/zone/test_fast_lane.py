"""The fast lane reads what the full reader reads, and no line of a fault; chunks may be cut anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.errors import Fault
from r53lite.zone.fast_lane import FastLane
from r53lite.zone.master_file import CHUNK_BYTES, read_chunks
from r53lite.zone.reading import ReadingState
from r53lite.zone.records import Record, RecordTable

ORIGIN = parse_name("example.com")


def read(chunks: Sequence[bytes], *, is_slow: bool = False) -> tuple[list[Record], list[Fault]]:
    table = RecordTable()
    faults: list[Fault] = []
    if is_slow:
        with patch.object(FastLane, "take", lambda _self, _lines, at, _place, **_: at):
            read_chunks(chunks, "f.zone", ORIGIN, table, faults)
    else:
        read_chunks(chunks, "f.zone", ORIGIN, table, faults)
    return table.records(), faults


names = st.sampled_from(
    [
        "a",
        "@",
        "*",
        "A.B",
        "b.",
        ".",
        "c.example.net.",
        "d..e",
        "f..",
        "@.g",
        "h.@",
        ".i",
        "-_",
        "1",
        "x" * 64,
        "y" * 63,
    ]
)
spaces = st.sampled_from([" ", "\t", "  ", " \t "])
heads = st.sampled_from(
    ["", "60", "1h", "IN", "in", "60 IN", "IN\t60", "CLASS1", "CH", "60 60", "2147483648", "$TTL", "IN IN"]
)
types = st.sampled_from(
    ["A", "a", "AAAA", "NS", "CNAME", "PTR", "MX", "SRV", "TXT", "TYPE1", "DNAME", "SPF", "SOA", "X"]
)
values = st.sampled_from(
    [
        "192.0.2.1",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "1.2.3.4.5",
        "2001:db8::1",
        "::",
        "::1",
        "1::",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::",
        "1:2:3:4:5:6:7:8::",
        ":::",
        "1::2::3",
        "12345::",
        "::g",
        "::192.0.2.1",
        "::1%eth0",
        "10 mail",
        "10 .",
        "70000 mail",
        "0 5 5060 sip.example.net.",
        "word",
        "two words",
        '"quoted; text"',
        '"',
        '""',
        '"one" "two"',
        '"one""two"',
        'x"y"',
        '"\u00e9("',
        '"' + "q" * 256 + '"',
        "\\065",
        "z" * 256,
        "",
        "ns h 1 2 3 4 5",
    ]
)
ends = st.sampled_from(["\n", "\r\n", " \n", " ; comment\n", ";c ( \n", "\n\n", " ( \n )\n", '"\n'])
lines = st.one_of(
    st.builds(
        "".join,
        st.tuples(
            st.one_of(names, st.just("")),
            spaces,
            heads,
            spaces,
            types,
            spaces,
            st.one_of(values, names),
            ends,
        ),
    ),
    st.sampled_from(
        ["$TTL 5\n", "$TTL x\n", "$ORIGIN sub\n", "$ORIGIN example.net.\n", "$ORIGIN " + "o" * 60 + "\n"]
    ),
)
files = st.lists(lines, max_size=12).map(lambda parts: "".join(parts).encode())


@given(files)
def test_both_lanes_read_the_same(text: bytes) -> None:
    assert read([text]) == read([text], is_slow=True)


@given(files, st.lists(st.integers(0, 400), max_size=5))
def test_where_chunks_are_cut_makes_no_difference(text: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [text[start:end] for start, end in pairwise(places)]
    assert read(chunks) == read([text])


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_octets_give_records_or_faults(chunks: list[bytes]) -> None:
    read(chunks)


def taken(text: str) -> int:
    """Return how many of the lines the fast lane takes at sight."""
    lane = FastLane(ReadingState(ORIGIN), RecordTable())
    parts = text.encode().split(b"\n")
    return lane.take(parts, 0, 0, is_clean=False)


@pytest.mark.parametrize(
    "line",
    [
        "a 60 A 192.0.2.1",
        "@\t60\tIN\tAAAA\t2001:db8::1 ; comment",
        "a.b 60 MX 10 mail",
        "a.example.net. IN 60 NS ns.example.net.",
        "* 60 TXT word",
        '@ 60 TXT "semi;colon (and more)"',
        "_sip._tcp 60 SRV 0 5 5060 sip",
        "1 60 PTR host",
    ],
)
def test_plain_lines_are_taken_and_the_blank_owner_too(line: str) -> None:
    assert taken(f"{line}\n 60 A 192.0.2.2\n{line}") == 3


@pytest.mark.parametrize(
    "line",
    [
        "",
        ";",
        "$TTL 5",
        "a 60 A 1.2.3",
        "a 60 CAA 0 issue x",
        "a A 192.0.2.1",
        "a 60 MX (10 b)",
    ],
)
def test_what_is_not_known_at_sight_is_left(line: str) -> None:
    assert taken(f"a 60 A 192.0.2.1\n{line}\nb 60 A 192.0.2.1") == 1


def test_a_file_of_errors_is_not_read_to_its_end() -> None:
    _, faults = read([b"a A 1\n" * 5000])
    assert len(faults) == 1001
    assert faults[-1] == Fault("f.zone", 1000, "1000 errors; reading stops here")


@pytest.mark.parametrize("text", [b"a 60 A 192.0.2.1\nb", b"a 60 A 192.0.2.1\nb 60 TXT (\n"])
def test_a_line_longer_than_any_record_ends_the_reading(text: bytes) -> None:
    records, faults = read([text, *[b"x" * CHUNK_BYTES] * 6])
    assert len(records) == 1
    assert [(fault.line, fault.reason[:12]) for fault in faults] == [(text.count(b"\n") + 1, "line of over")]


def test_parentheses_that_stay_open_over_more_than_any_record_are_an_error() -> None:
    _, faults = read([b"b 60 TXT (\n" + b" x\n" * 400000 + b"c 60 A 192.0.2.1\n"])
    assert [fault.line for fault in faults] == [1]


def test_an_owner_of_many_records_keeps_their_order() -> None:
    text = "".join(f"a 60 TXT {'x' * 200}{number}\n" for number in range(300))
    records, faults = read([text.encode()])
    assert not faults
    assert [record.line for record in records] == list(range(1, 301))
    assert {record.rrtype for record in records} == {rrtypes.TXT}
    assert [int(record.rdata[201:]) for record in records] == list(range(300))


def test_a_table_grows_when_there_are_more_names_than_its_size_told() -> None:
    table = RecordTable()
    faults: list[Fault] = []
    block = [
        b"".join(b"h%d 60 A 192.0.2.1\n" % number for number in range(start, start + 9000))
        for start in (0, 9000)
    ]
    read_chunks(block, "f.zone", ORIGIN, table, faults)
    assert len(table.tables) > 1
    assert len(table) == 18000
    assert [record.line for record in table.records()] == list(range(1, 18001))
