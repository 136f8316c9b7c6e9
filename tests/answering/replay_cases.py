"""Does a replayed answer equal the clear path's? Generated zones, policies, clients, health and queries.

One case is one request, asked of two doors over the same snapshot: one that replays and one that takes the
clear path every time. Before each question both get the same draws, so their replies must be equal byte for
byte; and each request is asked several times, so that the replaying door answers it new, compiled and ready.
Health flips, other addresses of an outside name and reloads of other zones come in between. `run` is what the
test and `make soak` share.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rdatatype

from r53lite.answering.access import AccessList
from r53lite.answering.dispatch import Dispatch, make_draw
from r53lite.answering.reply_options import ClientOptions
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.control.snapshot import Snapshot
from r53lite.control.zone_files import load_zone_files
from r53lite.dns.cookies import ServerCookies
from r53lite.dns.name import parse_name
from r53lite.dns.rrtypes import A
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from r53lite.routing.record_set import OutsideTarget

LABELS = ("a", "b", "c", "www", "*", "ns", "x-1")
TYPES = ("A", "AAAA", "TXT", "MX", "NS", "CNAME", "SOA", "SRV", "PTR", "DS", "ANY", "DNAME", "TYPE65280")
CLIENTS = ("127.0.0.1", "127.0.0.77", "192.0.2.7", "2001:db8::7")
SUBNETS = ("198.51.100.0/24", "198.51.100.64/26", "203.0.113.0/24", "0.0.0.0/0", "2001:db8:1::/48")
CHECKS = ("one", "two", "three")
ROUNDS = 5  # new, seen again, compiled, ready, ready again
REQUESTS = 40

LOCATIONS = """
networks:
  - {cidr: 198.51.100.0/24, region: eu-west-1, country: DE}
  - {cidr: 198.51.100.64/28, region: ap-northeast-1, country: JP}
  - {cidr: 203.0.113.0/24, region: us-west-2, country: US, subdivision: WA}
  - {cidr: "2001:db8::/32", region: sa-east-1, country: BR}
"""
POLICIES = ("w", "m", "l", "f", "g", "x", "i", "s")  # each has a group p-LETTER
TREES = ("t-1", "t-2", "t-3", "t-4")  # each leads to groups and to trees before it
GEO_PLACES = (
    "continent: EU",
    "country: DE",
    "country: JP",
    "country: US",
    "country: US, subdivision: WA",
    'country: "*"',
)
OUTSIDE = OutsideTarget(parse_name("lb.other.test."), A)
CIDR_BLOCKS = """
cidr_collections:
  offices:
    near: [198.51.100.0/24, "2001:db8:1::/48", 127.0.0.0/9]
    wide: [198.51.0.0/16, 203.0.112.0/21]
    other: [192.0.2.0/24, 203.0.113.0/24]
"""


class World:
    """What changes while a case runs: the snapshot, the health table and the addresses of an outside name."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.health = HealthTable()
        self.targets: dict[OutsideTarget, tuple[bytes, ...]] = {}

    def move(self, chance: random.Random) -> None:
        """Give the outside name other addresses, or none."""
        addresses = tuple(bytes([192, 0, 2, 240 + number]) for number in range(chance.randint(0, 2)))
        self.targets = {OUTSIDE: addresses} if addresses else {}

    def flip(self, check: str) -> None:
        """Turn one health check over."""
        is_healthy = self.health.is_healthy(check)
        self.health = self.health.with_status(check, HealthStatus(not is_healthy, "flipped", 1, 0.0, None))


def run(seed: int, directory: Path) -> int:
    """Check the requests of one generated set of zones.

    Returns:
        How many replies were compared.

    Raises:
        AssertionError: two replies differ; the message tells how to repeat it.
    """
    chance = random.Random(seed)
    world = World(_load(chance, directory))
    doors, reseed = make_doors(world)
    requests = [_make_request(chance) for _ in range(REQUESTS)]
    compared = 0
    for round_number in range(ROUNDS):
        for request, client, is_stream in requests:
            if chance.random() < 0.3:  # the same octets from elsewhere
                client = chance.choice(CLIENTS)
            replies = []
            for door in doors:
                reseed(seed + compared)
                replies.append(door.answer(request, client, is_stream=is_stream))
            if replies[0] != replies[1]:
                raise AssertionError(_explain(seed, directory, round_number, request, replies))
            compared += 1
        if round_number == 2:
            world.flip(chance.choice(CHECKS))
        if round_number in (1, 2):
            world.move(chance)
        if round_number == 3 and seed % 3 == 0:
            world.snapshot = _load(chance, directory)._replace(version=2)
    assert [door.failures for door in doors] == [0, 0], f"seed {seed}: a query failed"
    return compared


def make_doors(world: World) -> tuple[list[Dispatch], Callable[[int], None]]:
    """Return a replaying door and a clear one, and what sets the draws of both."""
    current = [make_draw(0)]

    def reseed(seed: int) -> None:
        current[0] = make_draw(seed)

    cookies = ServerCookies((b"0123456789abcdef",))
    options = ClientOptions(b"nsid", cookies)
    doors = [
        Dispatch(
            lambda: world.snapshot,
            lambda: world.health,
            None,
            DispatchSettings(AccessList(()), client_options=options, is_replaying=is_replaying),
            lambda limit: current[0](limit),
            lambda: 1_700_000_000.0,
            lambda: world.targets,
        )
        for is_replaying in (True, False)
    ]
    return doors, reseed


def _explain(seed: int, directory: Path, round_number: int, request: bytes, replies: Sequence[object]) -> str:
    shown = []
    for reply in replies:
        assert isinstance(reply, bytes)
        shown.append(f"{dns.message.from_wire(reply)}\n{reply.hex()}")
    files = "\n".join(path.read_text() for path in sorted(directory.iterdir()))
    question = dns.message.from_wire(request)
    return "\n\n".join((f"seed {seed}, round {round_number}", files, str(question), *shown))


# --- zones --------------------------------------------------------------------------------------------------


def _load(chance: random.Random, directory: Path) -> Snapshot:
    for old in directory.iterdir():
        old.unlink()
    (directory / "locations.yaml").write_text(LOCATIONS)
    (directory / "z.test.zone").write_text("\n".join(_zone_lines(chance)) + "\n")
    if chance.random() < 0.4:
        child = ["$TTL 77", "@ SOA ns.z.test. h 9 1 1 1 33", "@ NS ns", "ns A 192.0.2.99", "www A 192.0.2.98"]
        (directory / "a.z.test.zone").write_text("\n".join(child) + "\n")
    (directory / "z.test.yaml").write_text("\n".join(_policy_lines(chance)) + "\n")
    loaded = load_zone_files([directory], directory / "locations.yaml")
    loaded.raise_for_errors()
    return loaded.snapshot()


def _name(chance: random.Random, most: int = 3) -> str:
    return ".".join(chance.choice(LABELS) for _ in range(chance.randint(1, most)))


def _zone_lines(chance: random.Random) -> Iterator[str]:
    """Yield a valid zone: CNAMEs and DNAMEs stand alone, everything else as it falls."""
    yield f"$TTL {chance.choice((5, 300))}"
    yield "@ SOA ns h 7 3600 600 86400 60"
    yield "@ NS ns"
    if chance.random() < 0.5:
        yield "@ NS ns.elsewhere.test."
    if chance.random() < 0.8:
        yield "ns A 192.0.2.1"
    if chance.random() < 0.3:
        yield "ns AAAA 2001:db8::1"
    if chance.random() < 0.5:  # several hosts with addresses, so that their order could tell
        yield "@ NS mail"
        yield "@ MX 1 mail"
        yield "@ MX 2 ns"
        yield "mail AAAA 2001:db8::25"
    if chance.random() < 0.2:
        yield "@ RRSIG SOA 13 1 300 20300101000000 20200101000000 1 @ AAAA"
    taken = {"ns"}
    for _ in range(chance.randint(2, 9)):
        owner = _name(chance)
        if owner in taken or owner.startswith("p-"):
            continue
        taken.add(owner)
        yield from _data_lines(chance, owner)


def _data_lines(chance: random.Random, owner: str) -> Iterator[str]:
    """Yield the records of one owner."""
    kind = chance.choice(("plain", "plain", "plain", "alias", "cut", "dname", "large", "several"))
    if kind == "alias":
        yield f"{owner} CNAME {_target(chance)}"
    elif kind == "cut":
        yield f"{owner} NS glue.{owner}" if chance.random() < 0.5 else f"{owner} NS {_target(chance)}"
        yield f"glue.{owner} A 192.0.2.{chance.randint(2, 9)}"
        yield f"{owner} DS 1 8 2 {'00' * 32}"
    elif kind == "dname" and "*" not in owner:
        yield f"{owner} DNAME {_target(chance)}"
    elif kind == "large":
        for number in range(chance.choice((3, 12, 40))):
            yield f"{owner} AAAA 2001:db8::{number + 1:x}"
    elif kind == "several":
        for number in range(chance.randint(2, 5)):
            yield f"{owner} MX {number} {_target(chance)}"
    else:
        lines = (
            f"{owner} A 192.0.2.{chance.randint(2, 250)}",
            f"{owner} AAAA 2001:db8::{chance.randint(2, 250):x}",
            f'{owner} TXT "{"t" * chance.choice((1, 200))}"',
            f"{owner} SRV 1 2 3 {_target(chance)}",
            f"{owner} TYPE65280 \\# 2 abcd",
        )
        yield from chance.sample(lines, chance.choice((1, 1, 2, 3)))


def _target(chance: random.Random) -> str:
    return chance.choice((_name(chance).replace("*", "w"), "p-w", "p-m", "host.other.test.", "ns", "@"))


def _policy_lines(chance: random.Random) -> Iterator[str]:
    """Yield a policy file: a group of every policy, alias trees over them, and `p-c`, a weighted CNAME."""
    yield "zone: z.test"
    yield "records:"
    several = "[192.0.2.21, 192.0.2.22]" if chance.random() < 0.3 else "[192.0.2.21]"
    weights = [chance.choice((0, 1, 10, 255)) for _ in range(3)]
    yield "  - name: p-w\n    type: A\n    ttl: 20\n    policy: weighted\n    sets:"
    for number, weight in enumerate(weights):
        values = several if number == 0 else f"[192.0.2.{30 + number}]"
        yield f"      - {{id: w{number}, weight: {weight}, values: {values}{_check(chance)}}}"
    yield "  - name: p-m\n    type: A\n    policy: multivalue\n    sets:"
    ttls = (30, 40) if chance.random() < 0.3 else (30,)
    for number in range(chance.choice((1, 2, 8, 9, 12))):
        ttl = chance.choice(ttls)
        yield f"      - {{id: m{number}, ttl: {ttl}, values: [192.0.2.{100 + number}]{_check(chance)}}}"
    for letter, policy, keys in _placed(chance):
        yield f"  - name: p-{letter}\n    type: A\n    ttl: 9\n    policy: {policy}\n    sets:"
        for number, key in enumerate(chance.sample(keys, chance.randint(1, len(keys)))):
            value = f"[192.0.2.{150 + number}]"
            check = ", health_check: one" if "primary" in key else _check(chance)
            yield f"      - {{id: {letter}{number}, {key}, values: {value}{check}}}"
    yield f"  - {{name: p-s, type: A, ttl: 7, values: [192.0.2.77], health_check: {chance.choice(CHECKS)}}}"
    yield from _tree_lines(chance)
    yield "  - name: p-c\n    type: CNAME\n    ttl: 9\n    policy: weighted\n    sets:"
    for number, target in enumerate(("p-w", "p-m", "t-1", "t-3", "ns")):
        yield f"      - {{id: c{number}, weight: {number + 1}, values: [{target}]{_check(chance)}}}"
    yield "health_checks:"
    for check in CHECKS:
        yield f"  {check}: {{type: HTTP, ip: 127.0.0.1}}"
    yield CIDR_BLOCKS


def _placed(chance: random.Random) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield the policies without chance: the letter, the name, and what tells one set from another."""
    regions = ("us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1")
    yield "l", "latency", [f"region: {region}" for region in regions]
    yield "f", "failover", ["failover: primary", "failover: secondary"]
    yield "g", "geolocation", [f"location: {{{place}}}" for place in GEO_PLACES]
    biases = [chance.choice((-50, 0, 99)) for _ in regions]
    yield (
        "x",
        "geoproximity",
        [f"at: {{region: {region}}}, bias: {bias}" for region, bias in zip(regions, biases, strict=True)],
    )
    places = ("near", "wide", "other", '"*"')
    yield "i", "cidr", [f"cidr: {{collection: offices, location: {place}}}" for place in places]


def _tree_lines(chance: random.Random) -> Iterator[str]:
    """Yield alias trees: each is a group of aliases, some of them beside values; no target comes later."""
    known = [f"p-{letter}" for letter in POLICIES] + ["ns", "nowhere", "lb.other.test."]
    for name in TREES:
        kind = chance.choice(("simple", "weighted", "latency", "failover", "geolocation"))
        if kind == "simple":
            yield f"  - {{name: {name}, type: A, {_alias(chance, known)}{_check(chance)}}}"
        else:
            keys = {
                "weighted": [f"weight: {chance.choice((0, 1, 3))}" for _ in range(3)],
                "latency": ["region: us-east-1", "region: eu-west-1", "region: ap-northeast-1"],
                "failover": ["failover: primary", "failover: secondary"],
                "geolocation": [f"location: {{{place}}}" for place in GEO_PLACES],
            }[kind]
            yield f"  - name: {name}\n    type: A\n    policy: {kind}\n    sets:"
            for number, key in enumerate(chance.sample(keys, chance.randint(2, len(keys)))):
                body = "ttl: 11, values: [192.0.2.200]"
                if "primary" in key or chance.random() < 0.8:
                    body = _alias(chance, known)
                yield f"      - {{id: {name}-{number}, {key}, {body}{_check(chance)}}}"
        known.append(name)


def _alias(chance: random.Random, known: Sequence[str]) -> str:
    evaluates = chance.choice(("true", "true", "false"))
    return f"alias: {{target: {chance.choice(known)}, evaluate_target_health: {evaluates}}}"


def _check(chance: random.Random) -> str:
    return f", health_check: {chance.choice(CHECKS)}" if chance.random() < 0.6 else ""


# --- requests -----------------------------------------------------------------------------------------------


def _make_request(chance: random.Random) -> tuple[bytes, str, bool]:
    """Return a request, its client and whether it comes over TCP."""
    chosen = (f"p-{chance.choice(POLICIES)}", chance.choice(TREES), chance.choice(TREES), "p-c")
    owner = chance.choice((_name(chance, 4), _name(chance, 4), *chosen, "ns", "@"))
    name = f"{owner}.z.test." if owner != "@" else "z.test."
    if chance.random() < 0.2:
        name = name.upper()
    qtype = "A" if owner.startswith(("p-", "t-")) else chance.choice(TYPES)
    query = dns.message.Message(id=chance.randrange(1 << 16))
    query.flags = dns.flags.Flag(chance.choice((0, dns.flags.RD, dns.flags.RD | dns.flags.CD, dns.flags.AD)))
    rrset = dns.rrset.RRset(dns.name.from_text(name), dns.rdataclass.IN, dns.rdatatype.from_text(qtype))
    query.question.append(rrset)
    if chance.random() < 0.6:
        options: list[dns.edns.Option] = []
        if chance.random() < 0.4:
            address, _, length = chance.choice(SUBNETS).partition("/")
            options.append(dns.edns.ECSOption(address, int(length)))
        if chance.random() < 0.3:
            options.append(dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"8 octets"))
        if chance.random() < 0.2:
            options.append(dns.edns.GenericOption(dns.edns.OptionType.NSID, b""))
        flags = dns.flags.DO if chance.random() < 0.3 else 0
        query.use_edns(0, flags, chance.choice((100, 700, 1232, 1232, 4096)), options=options)
    return query.to_wire(), chance.choice(CLIENTS), chance.random() < 0.2
