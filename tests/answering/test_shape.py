"""Which questions share an answer: the names must be alike in everything but themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.answering.shape import Shape, shape_of
from r53lite.dns.name import parse_name
from r53lite.dns.rrtypes import parse_rrtype
from r53lite.zone.model import Zone
from tests.support import load_snapshot

ZONE = """
$TTL 300
@        SOA ns1 h 1 1 1 1 60
@        NS ns1
ns1      A 192.0.2.1
aa       A 192.0.2.2
bb       A 192.0.2.3
cc       AAAA 2001:db8::1
two      A 192.0.2.4
two      A 192.0.2.5
mix      A 192.0.2.6
mix      TXT "x"
mail     MX 10 aa
alias    CNAME aa
*.w      TXT "wild"
*.c      CNAME aa
d        DNAME other
sub      NS ns1
x.y      A 192.0.2.7
"""


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    (zone,) = load_snapshot(tmp_path, z_test_zone=ZONE).catalog.zones
    return zone


def shape(zone: Zone, name: str, qtype: str = "A") -> Shape:
    return shape_of(zone, parse_name(f"{name}.z.test"), parse_rrtype(qtype))


@pytest.mark.parametrize(
    ("one", "other", "qtype"),
    [
        pytest.param("aa", "bb", "A", id="one plain record of the same size"),
        pytest.param("aa", "cc", "TXT", id="names without the type"),
        pytest.param("mi", "no", "A", id="missing names below the apex"),
        pytest.param("k.aa", "m.aa", "A", id="missing names below one encloser"),
        pytest.param("k.y", "m.y", "TXT", id="missing names below an empty non-terminal"),
        pytest.param("k.w", "m.w", "TXT", id="a wildcard's data"),
        pytest.param("k.w", "m.w", "A", id="a wildcard without the type"),
        pytest.param("k.sub", "m.sub", "A", id="names below a cut"),
    ],
)
def test_names_alike_share_a_shape(zone: Zone, one: str, other: str, qtype: str) -> None:
    first, second = shape(zone, one, qtype), shape(zone, other, qtype)
    assert (first.is_shared, first.key, first.private_octets) == (True, second.key, second.private_octets)


@pytest.mark.parametrize(
    ("one", "other", "qtype"),
    [
        pytest.param("aa", "ns1", "A", id="an address of the zone's own name server"),
        pytest.param("aa", "mix", "A", id="another length"),
        pytest.param("k.aa", "m.bb", "A", id="another encloser"),
        pytest.param("mi", "k.w", "TXT", id="NXDOMAIN and a wildcard"),
        pytest.param("aa", "cc", "A", id="data and no data"),
        pytest.param("k.sub", "sub", "A", id="below a cut and at it"),
    ],
)
def test_names_that_differ_have_shapes_of_their_own(zone: Zone, one: str, other: str, qtype: str) -> None:
    assert shape(zone, one, qtype).key != shape(zone, other, qtype).key


@pytest.mark.parametrize(
    ("name", "qtype"),
    [
        pytest.param("two", "A", id="several records"),
        pytest.param("mix", "A", id="other types beside it"),
        pytest.param("mail", "MX", id="names in the data"),
        pytest.param("alias", "A", id="a CNAME"),
        pytest.param("k.c", "A", id="a wildcard CNAME: the chain may come back"),
        pytest.param("k.d", "A", id="below a DNAME: the target is made of the name"),
        pytest.param("aa", "ANY", id="ANY"),
        pytest.param("aa", "DS", id="DS: another zone may answer"),
        pytest.param("sub", "A", id="a cut"),
    ],
)
def test_what_depends_on_the_name_is_not_shared(zone: Zone, name: str, qtype: str) -> None:
    assert shape(zone, name, qtype) == Shape(parse_name(f"{name}.z.test"))


def test_the_record_of_a_plain_name_is_ready_in_the_packed_node(zone: Zone) -> None:
    found = shape(zone, "aa")
    assert (
        found.record == b"\xc0\x0c\x00\x01\x00\x01" + (300).to_bytes(4, "big") + b"\x00\x04\xc0\x00\x02\x02"
    )
    assert found.private_octets == len("_aa")
