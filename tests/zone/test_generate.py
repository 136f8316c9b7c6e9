"""What $GENERATE stands for, after BIND's manual, and its limits."""

from __future__ import annotations

import pytest

from r53lite.dns.name import format_name, parse_name
from r53lite.dns.presentation import format_rdata
from r53lite.errors import Faults
from r53lite.zone.generate import MAX_RECORDS_PER_LINE, expand
from r53lite.zone.master_file import read_master_file

ORIGIN = parse_name("example.com")


def read(text: str) -> tuple[list[str], list[str]]:
    faults = Faults("f.zone")
    records = read_master_file("$TTL 300\n" + text, ORIGIN, faults)
    shown = [
        f"{format_name(record.owner).removesuffix('.example.com.')} {record.ttl} "
        f"{format_rdata(record.rrtype, record.rdata)}"
        for record in records
    ]
    return shown, [str(fault) for fault in faults.items]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1-3 h$ A 192.0.2.$", ["h1 300 192.0.2.1", "h2 300 192.0.2.2", "h3 300 192.0.2.3"]),
        ("0-4/2 h$ IN 60 A 192.0.2.$", ["h0 60 192.0.2.0", "h2 60 192.0.2.2", "h4 60 192.0.2.4"]),
        ("7-7 h${1} 60 CNAME t${-2,3}", ["h8 60 t005.example.com."]),
        ("10-10 h${0,4,x} TXT ${0,0,X} ${0,3,o} ${0,0,d}", ['h000a 300 "A" "012" "10"']),
        ("26-26 ${0,3,n} TXT ${0,0,n} ${0,5,N} ${0,4,n}", ['a.1 300 "a.1" "A.1.0" "a.1."']),
        (r"1-1 a$ TXT $$ \$ x\"$", [r'a1 300 "$" "$" "x\"1"']),
        ('1-1 a$ TXT "v=$ ;($)"', ['a1 300 "v=1 ;(1)"']),
        ("1-2 $ MX $0 m$", ["1 300 10 m1.example.com.", "2 300 20 m2.example.com."]),
    ],
)
def test_what_a_line_stands_for(line: str, expected: list[str]) -> None:
    records, faults = read(f"$GENERATE {line}\n")
    assert not faults
    assert sorted(records) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1-3 h$ A", "$GENERATE has 3 values; expected a range"),
        ("3-1 h$ A 192.0.2.$", "range '3-1' is not one; expected start <= stop"),
        ("1-3/0 h$ A 192.0.2.$", "step >= 1"),
        ("1..3 h$ A 192.0.2.$", "'1..3' is not a range"),
        ("0-2147483648 h$ A 192.0.2.$", "stop <= 2147483647"),
        ("0-65536 h$ A 192.0.2.1", "stands for 65537 records; the limit is 65536"),
        ("1-3 h${ A 192.0.2.$", "'${' is not a modifier"),
        ("1-3 h${x} A 192.0.2.$", "'${x}' is not a modifier"),
        ("1-3 h${0,256} A 192.0.2.$", "with width up to 255"),
        ("1-3 h${0,1,y} A 192.0.2.$", "base d, o, x, X, n or N"),
        ("1-3 h${-2} A 192.0.2.$", "'${-2}' gives the negative number -1"),
        ("255-257 h$ A 192.0.2.$", "'192.0.2.256' is not an IPv4 address"),
        ("1-3 ${0,64} A 192.0.2.$", "label of 64 octets"),
    ],
)
def test_a_fault_ends_its_line_and_is_told_once(line: str, reason: str) -> None:
    records, faults = read(f"$GENERATE {line}\nnext A 192.0.2.9\n")
    assert records[-1] == "next 300 192.0.2.9"
    assert len(faults) == 1
    assert faults[0].startswith("f.zone:2: ")
    assert reason in faults[0]


def test_the_records_behind_it_have_the_owner_and_ttl_of_those_before() -> None:
    records, faults = read("a 60 A 192.0.2.1\n$GENERATE 1-1 g$ 30 A 192.0.2.2\n A 192.0.2.3\n")
    assert not faults
    assert records == ["a 60 192.0.2.1", "g1 30 192.0.2.2", "a 300 192.0.2.3"]


def test_the_largest_range_is_allowed() -> None:
    assert (
        sum(1 for _ in expand([f"1-{MAX_RECORDS_PER_LINE}", "$", "A", "192.0.2.1"])) == MAX_RECORDS_PER_LINE
    )
