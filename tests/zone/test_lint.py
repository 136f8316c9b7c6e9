"""What sound zones are warned of: targets, addresses and their names, SPF, serials."""

from __future__ import annotations

import pytest

from r53lite.dns.name import parse_name
from r53lite.errors import Fault
from r53lite.zone.builder import build_zone
from r53lite.zone.lint import MAX_FINDINGS, lint_zones
from r53lite.zone.master_file import read_chunks
from r53lite.zone.model import Zone
from r53lite.zone.records import RecordTable

APEX = "$TTL 300\n@ SOA ns.x.net. h.x.net. 1 2 3 4 5\n@ NS ns.x.net.\n"  # lines 1 to 3


def zone_of(text: str, origin: str) -> tuple[Zone, RecordTable]:
    faults: list[Fault] = []
    table = RecordTable()
    file = f"{origin}.zone"
    read_chunks([(APEX + text).encode()], file, parse_name(origin), table, faults)
    records = table.snapshot()
    zone = build_zone(parse_name(origin), table, (), faults, (file,))
    assert zone is not None, faults
    return zone, records


def found(**texts: str) -> list[str]:
    """Lint zones `example`, `in_addr_arpa` (and so on) and return the warnings."""
    zones = [zone_of(text, name.replace("_", ".").replace(".addr", "-addr")) for name, text in texts.items()]
    faults = lint_zones({zone.origin: (zone, records) for zone, records in zones})
    assert not any(fault.is_error for fault in faults)
    return [str(fault).replace(" warning:", "") for fault in faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m MX 0 .\ns SRV 0 0 0 .\nm MX 10 far.x.net.\n", []),
        ("m MX 10 a\nm MX 20 b\na A 192.0.2.1\nb AAAA ::1\n", []),
        ("m MX 10 w.y\n*.y A 192.0.2.1\n", []),
        (
            "m MX 10 a\nm MX 20 c\na A 192.0.2.1\nc CNAME a\n",
            ["example.zone:5: MX of 'm.example.' names 'c.example.', which is an alias (RFC 2181 §10.3)"],
        ),
        (
            "s SRV 0 0 53 b.d\nd DNAME x.net.\n",
            ["example.zone:4: SRV of 's.example.' names 'b.d.example.', which is an alias (RFC 2181 §10.3)"],
        ),
        (
            "@ NS lost\n@ NS t\nt TXT x\n",
            [
                "example.zone:4: NS of 'example.' names 'lost.example.', which does not exist",
                "example.zone:5: NS of 'example.' names 't.example.', which has no address",
            ],
        ),
        ("m MX 10 h.sub\nsub NS ns.x.net.\n", []),
        (
            "sub NS c\nc CNAME a\na A 192.0.2.1\nsub MX 10 lost\nx.sub MX 10 lost\n",
            ["example.zone:4: NS of 'sub.example.' names 'c.example.', which is an alias (RFC 2181 §10.3)"],
        ),
        (
            "c CNAME lost\n",
            ["example.zone:4: CNAME of 'c.example.' names 'lost.example.', which does not exist"],
        ),
        ("c CNAME d\nd CNAME c\ne CNAME far.x.net.\n", []),
        (
            "".join(f"c{n} CNAME c{n + 1}\n" for n in range(9)) + "c9 A 192.0.2.1\n",
            ["example.zone:4: CNAME of 'c0.example.' starts a chain of over 8 CNAMEs"],
        ),
    ],
)
def test_targets(text: str, expected: list[str]) -> None:
    assert found(example=text) == expected


def test_ptr_and_address_records_that_do_not_match() -> None:
    assert found(
        example="a A 192.0.2.1\nb A 192.0.2.2\nc A 192.0.2.3\nd A 198.51.100.1\n*.w A 192.0.2.9\n"
        "six AAAA 2001:db8::1\n",
        in_addr_arpa="1.2.0.192 PTR a.example.\n2.2.0.192 PTR c.example.\n4.2.0.192 PTR lost.example.\n"
        "5.2.0.192 PTR far.x.net.\n01.2.0.192 PTR lost.example.\nx PTR lost.example.\n"
        "3.2.0.192 PTR c.example.\n1.100.51.198 PTR d.example.\n",
        ip6_arpa=f"{'1.' + '0.' * 23}8.b.d.0.1.0.0.2 PTR a.example.\n",
    ) == [
        "in-addr.arpa.zone:5: PTR of '2.2.0.192.in-addr.arpa.' names 'c.example.', which has no A 192.0.2.2",
        "in-addr.arpa.zone:6: PTR of '4.2.0.192.in-addr.arpa.' names 'lost.example.', "
        "which has no A 192.0.2.4",
        f"ip6.arpa.zone:4: PTR of '1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa.' names 'a.example.', "
        "which has no AAAA 2001:db8::1",
    ]


def test_an_address_without_a_name_in_its_reverse_zone() -> None:
    assert found(example="a A 192.0.2.1\na A 192.0.2.2\n", in_addr_arpa="1.2.0.192 PTR a.example.\n") == [
        "example.zone:5: A of 'a.example.' 192.0.2.2 has no PTR in its reverse zone"
    ]


def test_without_the_reverse_zone_nothing_is_said_of_addresses() -> None:
    zone, records = zone_of("a A 192.0.2.1\n", ".")
    assert not [fault for fault in lint_zones({zone.origin: (zone, records)}) if "PTR" in fault.reason]


SPF_OVER = "is an SPF record of 11 look-ups or more; the limit is 10 (RFC 7208 §4.6.4)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('@ TXT "v=spf1 a mx ptr exists:x.net include:x.net a:x mx/24 -all ip4:192.0.2.0/24"\n', []),
        ('@ TXT "v=spf10 a a a a a a a a a a a"\n', []),
        (
            '@ TXT "v=spf1 a a a a a " "a a a a a +a:x -all"\n',
            [f"example.zone:4: TXT of 'example.' {SPF_OVER}"],
        ),
        (
            '@ TXT "v=spf1 a a a a a include:s.example -all"\n'
            's TXT "v=spf1 ?mx ~mx mx mx redirect=t.example"\nt TXT v=spf1\n',
            [f"example.zone:4: TXT of 'example.' {SPF_OVER}"],
        ),
        ('@ TXT "v=spf1 include:%{d}.x.net include:a..b -all"\n', []),
        (
            '@ TXT "v=spf1 -all"\n@ TXT "v=spf1 ~all"\n',
            ["TXT of 'example.' holds 2 SPF records; the limit is 1"],
        ),
        (
            '@ TXT "v=spf1 include:example. -all"\n',
            ["TXT of 'example.' is an SPF record that includes 'example.' in a loop"],
        ),
    ],
)
def test_spf(text: str, expected: list[str]) -> None:
    warnings = found(example=text)
    assert len(warnings) == len(expected)
    assert all(part in warning for part, warning in zip(expected, warnings, strict=True))


def test_only_the_first_of_very_many_findings_of_a_kind_are_told() -> None:
    warnings = found(example="".join(f"c{n} CNAME lost\n" for n in range(MAX_FINDINGS + 7)))
    assert len(warnings) == MAX_FINDINGS + 1
    assert warnings[-1] == "example.zone: 7 more warnings of this kind: CNAME to nothing"
