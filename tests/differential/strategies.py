"""Which zones and questions are worth asking three servers about?

Hypothesis draws a small tree of names first, then records that sit at and point to names of that tree, so
that chains, loops, cuts above data, wildcards above cuts and names that nearly match come up all the time.
What no server would load (RFC 1034 §3.6.2, RFC 6672 §2.4) is taken out afterwards; everything else stays,
however odd.

Left out because a peer refuses the zone: data below a DNAME and NS beside it (NSD). Left out because RFC 4592
§4.2 and §4.4 give no one answer: NS and DNAME at a wildcard; written cases have them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.differential.model import (
    CLASS_CH,
    CLASS_IN,
    MAX_NAME_OCTETS,
    TYPES,
    Field,
    Name,
    Question,
    Record,
    ZoneSet,
    ZoneSource,
    is_at_or_below,
    key_of,
    octets,
)

QUESTIONS_PER_SET = 50
BASE_OCTETS = len(b"\x05s1234\x04test")
MAX_DEPTH = 5
PLAIN = (b"a", b"b", b"c", b"www", b"ns")
ODD = (
    b"B",
    b"a.b",  # a dot inside a label
    b"x*",
    b"**",
    b"\x00\xff",
    b"\xc3\xa4",
    b'\\"; (@',
    b"_sip",
    b"L" + b"l" * 62,
    b"1",
)
LABELS = PLAIN * 4 + (b"*",) * 6 + ODD
OUTSIDE = (Name((b"ns", b"elsewhere"), True), Name((b"a", b"b", b"elsewhere"), True))
LONG = Name(
    (b"x" * 63, b"y" * 63, b"z" * 63, b"w" * 49)
)  # a DNAME to it makes names over 255 octets (RFC 6672 §2.2)
TTLS = (0, 1, 60, 300, 3600)
KINDS = (
    *["A"] * 5,
    *["AAAA"] * 2,
    *["TXT"] * 2,
    *["CNAME"] * 5,
    *["DNAME"] * 3,
    *["CUT"] * 4,
    *["MX"] * 2,
    *["SRV"] * 2,
    *["WILD"] * 4,
    "DS",
    "PTR",
    "TYPE65280",
    "MANY",
    "MANY CUT",
)
QTYPES = (*TYPES.values(), 1, 1, 1, 1, 2, 5, 15, 16, 16, 28, 33, 43, 43, 48, 64, 99) * 3
# Left out, as r53lite equals one of the two each time: type 0 (Knot: NOTIMP), AXFR and IXFR (Knot: NOTAUTH),
# RRSIG and NSEC types at a CNAME (Knot, NSD: NODATA), class ANY (NSD: no AA), HS and NONE (NSD: no question).
META_QTYPES = (41, 128, 249, 250, 253, 254, 256, 65535)
PAYLOADS = (None, None, None, 0, 512, 700, 1232, 1232, 4096)


class _Tree(NamedTuple):
    """The names of a set: those that may have data, those that are zones, and what records may point at."""

    names: list[Name]
    origins: list[Name]
    targets: list[Name]


@st.composite
def zone_sets(draw: st.DrawFn, *, is_root: bool = False) -> ZoneSet:
    """Draw one to three zones and the questions to ask about them."""
    tree = _draw_tree(draw)
    zones = _without_dnames_above_zones(
        [_settle(origin, _draw_records(draw, tree, origin)) for origin in tree.origins]
    )
    questions = _draw_questions(draw, tree, zones)
    return ZoneSet(tuple(zones), questions, is_root)


def generate(seed_number: int, count: int, *, is_root: bool = False) -> list[ZoneSet]:
    """Return so many different sets, the same for the same seed and the same code."""
    found: dict[ZoneSet, None] = {}
    for turn in range(1000):
        for zone_set in _generate_once(seed_number * 1000 + turn, min(count, 25), is_root=is_root):
            found[zone_set] = None
        if len(found) >= count:
            break
    return list(found)[:count]


def _generate_once(seed_number: int, count: int, *, is_root: bool) -> list[ZoneSet]:
    """Draw some sets; a run of hypothesis varies what it has drawn, so many short runs differ more."""
    found: list[ZoneSet] = []

    @seed(seed_number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(zone_sets(is_root=is_root))
    def collect(zone_set: ZoneSet) -> None:
        found.append(zone_set)

    collect()
    return found


def _draw_tree(draw: st.DrawFn) -> _Tree:
    apex = Name(())
    names = [apex]
    for _ in range(draw(st.integers(4, 14))):
        parent = names[draw(st.integers(0, len(names) - 1))]
        child = Name((draw(st.sampled_from(LABELS)), *parent.labels))
        if len(child.labels) <= MAX_DEPTH and octets(child.labels) + BASE_OCTETS <= 200:
            names.append(child)
    names = _unique(names)
    children = range(draw(st.sampled_from((0, 1, 1, 2, 2))))
    origins = [apex, *(names[draw(st.integers(0, len(names) - 1))] for _ in children)]
    origins = _unique(name for name in origins if b"*" not in name.labels[:1])
    below = [name for name in names if any(is_at_or_below(name, origin) for origin in origins[1:])]
    return _Tree(names, origins, [*names, *names, *below, *below, *OUTSIDE])


def _unique(names: Iterable[Name]) -> list[Name]:
    return list({key_of(name): name for name in reversed(list(names))}.values())[::-1]


def _draw_records(draw: st.DrawFn, tree: _Tree, origin: Name) -> list[Record]:
    soa: tuple[Field, ...] = (_target(draw, tree), Name((b"host", b"elsewhere"), True), "1 7200 3600 86400")
    records = [Record(origin, "SOA", _ttl(draw), (*soa, str(_ttl(draw))))]
    records += _draw_ns(draw, tree, origin)
    owners = [name for name in tree.names if is_at_or_below(name, origin)]
    for child in tree.origins:  # most children are delegated
        if child != origin and is_at_or_below(child, origin) and draw(st.integers(0, 3)):
            records += _draw_ns(draw, tree, child)
    for _ in range(draw(st.integers(1, 18))):
        owner = owners[draw(st.integers(0, len(owners) - 1))]
        records += _draw_kind(draw, tree, owner)
    return records


def _draw_kind(draw: st.DrawFn, tree: _Tree, owner: Name) -> list[Record]:
    """Draw one thing at a name: an RRset, a delegation with what belongs to it, or a wildcard."""
    kind = draw(st.sampled_from(KINDS))
    if kind == "CUT":
        records = _draw_ns(draw, tree, owner)
        if draw(st.integers(0, 2)) == 0:
            records.append(Record(owner, "DS", _ttl(draw), ("12345 8 2", "AB" * 32)))
        return records
    if kind == "WILD":
        owner = Name((b"*", *owner.labels))
        kind = draw(st.sampled_from(("A", "A", "CNAME", "CNAME", "TXT", "MX")))
    if kind == "DNAME" and not owner.labels and draw(st.integers(0, 3)):
        kind = "A"  # a DNAME at the apex leaves nothing else in the zone: not too often
    if kind.startswith("MANY"):
        return _draw_many(draw, owner, is_cut=kind == "MANY CUT")
    count = 1 if kind in ("CNAME", "DNAME") else draw(st.sampled_from((1, 1, 1, 2, 3)))
    ttl = _ttl(draw)
    return [Record(owner, kind, ttl, _rdata(draw, tree, kind)) for _ in range(count)]


def _draw_many(draw: st.DrawFn, owner: Name, *, is_cut: bool) -> list[Record]:
    """Draw so many records that answers near the limits of UDP come up (RFC 9471 §3: glue or TC)."""
    count = draw(st.integers(3, 40))
    if not is_cut:
        return [Record(owner, "A", 300, (f"192.0.2.{number}",)) for number in range(count)]
    records = []
    for number in range(count // 3 + 1):
        target = Name((b"n%d" % number, *owner.labels))
        records.append(Record(owner, "NS", 300, (target,)))
        records.append(Record(target, "A", 300, (f"192.0.2.{number}",)))
        if draw(st.booleans()):
            records.append(Record(target, "AAAA", 300, (f"2001:db8::{number}",)))
    return records


def _draw_ns(draw: st.DrawFn, tree: _Tree, owner: Name) -> list[Record]:
    """Draw an NS set; a name server below the owner mostly gets the address that glue needs."""
    records = []
    for _ in range(draw(st.sampled_from((1, 1, 2, 3)))):
        target = _target(draw, tree)
        if draw(st.booleans()):
            target = Name((b"ns", *owner.labels))
        records.append(Record(owner, "NS", 300, (target,)))
        if not target.is_outside and draw(st.integers(0, 3)):
            kind = draw(st.sampled_from(("A", "A", "AAAA")))
            records.append(Record(target, kind, _ttl(draw), _rdata(draw, tree, kind)))
    return records


def _rdata(draw: st.DrawFn, tree: _Tree, kind: str) -> tuple[Field, ...]:
    number = draw(st.integers(1, 4))
    match kind:
        case "A":
            return (f"192.0.2.{number}",)
        case "AAAA":
            return (f"2001:db8::{number}",)
        case "TXT":
            return (('"one"', '"a b" "\\"\\\\;"', '""', f'"{"x" * 200}" "\\000\\255"')[number - 1],)
        case "DNAME" if draw(st.integers(0, 4)) == 0:
            return (LONG,)
        case "CNAME" | "DNAME" | "PTR":
            return (_target(draw, tree),)
        case "MX":
            return (str(number), _target(draw, tree))
        case "SRV":
            return (f"{number} 0 {443}", _target(draw, tree))
        case "DS":
            return (f"{number} 8 2", "CD" * 32)
    return (("\\# 0", "\\# 1 00", "\\# 3 ABCDEF", "\\# 5 0102030405")[number - 1],)


def _target(draw: st.DrawFn, tree: _Tree) -> Name:
    """Draw a name to point at: mostly one of the set, sometimes one below it, or one outside."""
    target = tree.targets[draw(st.integers(0, len(tree.targets) - 1))]
    if draw(st.integers(0, 3)) == 0 and not target.is_outside and len(target.labels) < MAX_DEPTH:
        return Name((draw(st.sampled_from(LABELS)), *target.labels))
    return target


def _ttl(draw: st.DrawFn) -> int:
    return draw(st.sampled_from(TTLS))


def _settle(origin: Name, records: list[Record]) -> ZoneSource:
    """Take out what makes a zone unservable, give each RRset one TTL, and drop duplicates."""
    apex_ns = {key_of(origin)}
    kept: dict[tuple[object, ...], Record] = {}
    types: dict[tuple[bytes, ...], set[str]] = {}
    ttls: dict[tuple[object, ...], int] = {}
    for record in records:
        owner = key_of(record.owner)
        if not is_at_or_below(record.owner, origin) or octets(record.owner.labels) > 220:
            continue
        here = types.setdefault(owner, set())
        if not _fits_beside(record.rrtype, here, is_apex=owner in apex_ns):
            continue
        if b"*" in record.owner.labels[:1] and record.rrtype in ("NS", "DNAME", "DS"):
            continue
        here.add(record.rrtype)
        ttl = ttls.setdefault((owner, record.rrtype), record.ttl)
        folded = tuple(key_of(field) if isinstance(field, Name) else field for field in record.rdata)
        kept.setdefault((owner, record.rrtype, folded), record._replace(ttl=ttl))
    below = _below_dnames(types)
    return ZoneSource(origin, tuple(record for record in kept.values() if key_of(record.owner) not in below))


def _fits_beside(rrtype: str, here: set[str], *, is_apex: bool) -> bool:
    """Say whether a record may join the types already at its owner."""
    if "CNAME" in here or (rrtype == "CNAME" and here):
        return False  # the first CNAME stands alone
    if rrtype == "DNAME" and ("DNAME" in here or ("NS" in here and not is_apex)):
        return False
    return not (rrtype == "NS" and "DNAME" in here and not is_apex)


def _below_dnames(types: dict[tuple[bytes, ...], set[str]]) -> set[tuple[bytes, ...]]:
    """Return the owners below a DNAME; a DNAME that is itself below one does not count."""
    below: set[tuple[bytes, ...]] = set()
    for owner in sorted(types, key=len):
        if any("DNAME" in types.get(owner[at:], ()) for at in range(1, len(owner) + 1)):
            below.add(owner)
            types[owner] = set()
    return below


def _without_dnames_above_zones(zones: list[ZoneSource]) -> list[ZoneSource]:
    """Take out DNAMEs above data of another zone: NSD refuses that zone for it."""
    owners = {(key_of(record.owner), zone.origin) for zone in zones for record in zone.records}
    above = {(owner[at:], origin) for owner, origin in owners for at in range(1, len(owner) + 1)}
    hidden = {
        (key_of(record.owner), zone.origin)
        for zone in zones
        for record in zone.records
        if record.rrtype == "DNAME"
        and any((key_of(record.owner), other.origin) in above for other in zones if other != zone)
    }
    return [
        zone._replace(
            records=tuple(
                record
                for record in zone.records
                if record.rrtype != "DNAME" or (key_of(record.owner), zone.origin) not in hidden
            )
        )
        for zone in zones
    ]


def _draw_questions(draw: st.DrawFn, tree: _Tree, zones: list[ZoneSource]) -> tuple[Question, ...]:
    owners = _unique(record.owner for zone in zones for record in zone.records)
    targets = _unique(
        field
        for zone in zones
        for record in zone.records
        for field in record.rdata
        if isinstance(field, Name) and not field.is_outside
    )
    pool = [*owners, *owners, *targets, *tree.names, OUTSIDE[0]]
    types: dict[tuple[bytes, ...], list[int]] = {}
    for zone in zones:
        for record in zone.records:
            types.setdefault(key_of(record.owner), []).append(TYPES[record.rrtype])
    chance = random.Random(draw(st.integers(0, 2**32 - 1)))  # draws of hypothesis are what takes time
    return tuple(_question(chance, pool, types) for _ in range(QUESTIONS_PER_SET))


def _question(chance: random.Random, pool: list[Name], types: dict[tuple[bytes, ...], list[int]]) -> Question:
    """Make up a name at, near, above or below one that is written, and a type that is there or any other."""
    name = chance.choice(pool)
    labels = _near(chance, name)
    if octets(labels) + BASE_OCTETS > MAX_NAME_OCTETS:
        labels = name.labels
    here = types.get(tuple(label.lower() for label in labels), ())
    qtype = chance.choice(here) if here and chance.random() < 0.5 else chance.choice(QTYPES + META_QTYPES)
    payload = chance.choice(PAYLOADS)
    is_chaos = qtype < min(META_QTYPES[1:]) and chance.random() < 0.01
    return Question(
        Name(labels, name.is_outside),
        qtype,
        is_recursive=chance.random() < 0.25,
        payload=payload,
        is_dnssec_ok=payload is not None and chance.random() < 0.5,
        is_tcp=chance.random() < 0.12,
        case_seed=chance.choice((0, chance.randrange(1, 256))),
        is_checking_disabled=chance.random() < 0.1,
        is_authentic=chance.random() < 0.1,
        qclass=CLASS_CH if is_chaos else CLASS_IN,
    )


def _near(chance: random.Random, name: Name) -> tuple[bytes, ...]:
    """Return the labels of a name, or of one above, below or beside it."""
    labels = name.labels
    label = chance.choice(LABELS)
    match chance.randrange(10):
        case 0 if not name.is_outside:
            return labels[1:]
        case 1 if labels:
            return (label, *labels[1:])
        case 2 | 3:
            return (label, *labels)
        case 4:
            return (b"q", label, *labels)
    return labels
