"""Class CHAOS: told only what the settings hold, refused otherwise."""

from __future__ import annotations

import pytest

from r53lite.answering.chaos import Chaos
from r53lite.dns import rrtypes
from r53lite.dns.name import parse_name
from r53lite.dns.presentation import format_rrset

ALL = Chaos("r53lite test", "host.example", "one")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("version.bind.", "r53lite test"),
        ("version.server.", "r53lite test"),
        ("hostname.bind.", "host.example"),
        ("id.server.", "one"),
    ],
)
def test_rfc4892_a_configured_text_is_told_with_ttl_0_and_without_aa(name: str, text: str) -> None:
    response = ALL.respond(parse_name(name), rrtypes.TXT)
    assert [format_rrset(rrset) for rrset in response.answer] == [[f'{name} 0 IN TXT "{text}"']]
    assert (response.rcode, response.is_authoritative, response.authority) == (0, False, ())


@pytest.mark.parametrize("name", ["version.bind.", "version.server.", "hostname.bind.", "id.server."])
def test_what_is_not_configured_is_refused(name: str) -> None:
    assert Chaos().respond(parse_name(name), rrtypes.TXT).rcode == rrtypes.REFUSED


@pytest.mark.parametrize(
    ("name", "qtype"),
    [
        ("authors.bind.", rrtypes.TXT),
        ("bind.", rrtypes.TXT),
        (".", rrtypes.TXT),
        ("x.version.bind.", rrtypes.TXT),
        ("version.bind.", rrtypes.A),
        ("version.bind.", rrtypes.ANY),
    ],
)
def test_all_else_is_refused(name: str, qtype: int) -> None:
    assert ALL.respond(parse_name(name), qtype) == Chaos().respond(parse_name(name), qtype)
    assert ALL.respond(parse_name(name), qtype).rcode == rrtypes.REFUSED
