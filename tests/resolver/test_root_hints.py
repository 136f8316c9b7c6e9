"""Hints files: what is read, and what is told to their author."""

from __future__ import annotations

import pytest

from r53lite.dns.name import ROOT, parse_name
from r53lite.errors import Faults
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.root_hints import IANA_ROOT_HINTS, parse_root_hints

HINTS = """\
; the form of IANA's named.root
$TTL 3600
.                        3600000      NS    A.ROOT-SERVERS.NET.
A.ROOT-SERVERS.NET.      3600000      A     198.41.0.4
                         3600000  IN  AAAA  2001:503:ba3e:0::2:30   ; the same owner

.  IN NS b.root-servers.net
b.root-servers.net A 170.247.170.2
"""


def parse(text: str) -> tuple[Delegation, list[str]]:
    """Read hints; return them and the faults as text."""
    faults = Faults("root.hints")
    hints = parse_root_hints(text, faults)
    return hints, [str(fault) for fault in faults.items]


def test_a_hints_file_gives_the_roots_delegation() -> None:
    servers = {
        parse_name("a.root-servers.net."): ("198.41.0.4", "2001:503:ba3e::2:30"),
        parse_name("b.root-servers.net."): ("170.247.170.2",),
    }

    assert parse(HINTS) == (Delegation(ROOT, servers), [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("  NS a.root.", "the first record has no owner"),
        (". 60 NS", "expected a type and one value, found 'NS'"),
        ("com. 60 NS a.root.", "NS record of 'com.'; hints are for the root only"),
        (". 60 TXT x", "record type 'TXT' in root hints; only NS, A and AAAA belong here"),
        ("c.root. A 192.0.2.256", "Octet 256 (> 255) not permitted in '192.0.2.256'"),
        ("a..root. A 192.0.2.1", "empty label in name 'a..root.'"),
    ],
)
def test_each_wrong_line_is_told_with_its_number(line: str, reason: str) -> None:
    _, faults = parse(f"{line}\n{HINTS}")

    assert faults == [f"root.hints:1: {reason}"]


def test_hints_without_any_address_are_an_error() -> None:
    _, faults = parse(". NS a.root.\n")

    assert faults == [
        "root.hints: no NS record of the root whose server has an address",
        "root.hints:1: warning: root server 'a.root.' has no address here",
    ]


def test_an_address_of_no_root_server_is_a_warning() -> None:
    _, faults = parse(f"{HINTS}c.root. A 192.0.2.1\n")

    assert faults == ["root.hints: warning: 'c.root.' has an address but is no root server"]


def test_the_thirteen_root_servers_are_built_in() -> None:
    assert IANA_ROOT_HINTS.zone == ROOT
    assert len(IANA_ROOT_HINTS.servers) == 13
    assert all(len(addresses) == 2 for addresses in IANA_ROOT_HINTS.servers.values())
