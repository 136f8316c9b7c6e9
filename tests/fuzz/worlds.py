"""What do the fuzzers' servers serve? Zones with every case that a lookup or a policy knows, as text made
by code.

World 0 has no root zone, so that names outside give REFUSED; world 1 has one, so that nothing is outside.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes
from r53lite.dns.message import Message
from r53lite.dns.name import WILDCARD_LABEL, parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrset import RRset
from r53lite.health.model import HealthStatus
from r53lite.health.table import HealthTable
from tests.support import load_snapshot

_LONG_LABEL = "l" * 63
_LONG_NAME = ".".join((_LONG_LABEL, _LONG_LABEL, _LONG_LABEL, "m" * 51))  # with .fuzz.test. it has 255 octets
_SOA = "@ 3600 SOA ns1.fuzz.test. Host\\.Master.fuzz.test. 1 2h 30m 2w 60\n@ NS ns1.fuzz.test.\n"

_PLAIN = r"""
@       NS      ns2
@       NS      ns.outside.test.
@       MX      10 mail
@       MX      20 mail.child
@       TXT     "apex" "two strings"
@       CAA     0 issue "ca.test"
@       DNSKEY  257 3 13 AAAA
ns1     A       192.0.2.1
ns1     AAAA    2001:db8::1
ns2     A       192.0.2.2
mail    A       192.0.2.25
www     A       192.0.2.3
www     A       192.0.2.4
www     A       192.0.2.5
www     AAAA    2001:db8::3
WwW.UPPER A     192.0.2.6
zero    0       A 192.0.2.7
old     2147483647 A 192.0.2.8
leaf.a.b.c TXT  "below three empty non-terminals"
x.*.mid A       192.0.2.9
*.wild  A       192.0.2.10
*.wild  TXT     "wild" "card"
closed.wild TXT "closed"
*.wcname CNAME  www
*.wloop CNAME   other.wloop
*.wns   NS      ns.elsewhere.test.
*.wdname DNAME  wild
"""
_ODD = r"""
a\.b    A       192.0.2.11
\000\255 A      192.0.2.12
sp\032ace TXT   "\000\255\"\\"
_sip._tcp SRV   0 0 5060 www
naptr   NAPTR   1 1 "u" "E2U+sip" "!^.*$!sip:a@fuzz.test!" .
https   HTTPS   1 . alpn=h2,h3 ipv4hint=192.0.2.1
svcb    SVCB    0 www
loc     LOC     52 14 05 N 00 08 50 E 10m
hinfo   HINFO   "cpu" "os"
rp      RP      mail.fuzz.test. txt.fuzz.test.
afsdb   AFSDB   1 www
px      PX      10 a.fuzz.test. b.fuzz.test.
sshfp   SSHFP   1 1 0123456789abcdef0123456789abcdef01234567
opaque  TYPE65280 \# 4 c0000201
empty   TYPE65281 \# 0
self    PTR     self
"""
_CHAINS = r"""
alias   CNAME   www
l1      CNAME   l2
l2      CNAME   l3
l3      CNAME   l1
me      CNAME   me
away    CNAME   www.nobody.invalid.
nowhere CNAME   missing
into    CNAME   www.child
cut     CNAME   below.sub
policy  CNAME   weighted
viadname CNAME  www.dn
dn      DNAME   wild
hidden.dn A     192.0.2.13
grow    DNAME   again.grow
swap1   DNAME   swap2
swap2   DNAME   swap1
out     DNAME   nobody.invalid.
deeper  DNAME   """
_CUTS = r"""
sub     NS      ns.sub
sub     NS      ns1
sub     NS      ns.other
ns.sub  A       192.0.2.20
ns.sub  AAAA    2001:db8::20
deep.below.sub A 192.0.2.21
inner.sub NS    ns.sub
other   NS      ns.other
ns.other A      192.0.2.22
bare    NS      ns.elsewhere.test.
signed  NS      ns1
signed  DS      1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
child   NS      ns.child
ns.child A      192.0.2.23
"""
_CHILD = (
    "$ORIGIN child.fuzz.test.\n$TTL 60\n"
    "@ SOA ns admin 7 3600 600 86400 30\n@ NS ns\nns A 192.0.2.23\nwww A 192.0.2.24\n"
    "back CNAME www.fuzz.test.\n"
    '* TXT "anything"\nmail AAAA 2001:db8::25\n'
)
_ROOT = (
    "$ORIGIN .\n$TTL 518400\n. SOA a.root-servers.test. nstld.test. 9 1800 900 604800 86400\n"
    ". NS a.root-servers.test.\n. NS b.root-servers.test.\na.root-servers.test. A 192.0.2.50\n"
    "b.root-servers.test. AAAA 2001:db8::50\ncom. NS a.gtld.com.\na.gtld.com. A 192.0.2.51\n"
    'org. NS ns.com.\nold. DNAME fuzz.test.\n*.any. TXT "wild in the root"\nhost. A 192.0.2.52\n'
)


class Member(NamedTuple):
    """One set of a policy group: its values, its policy's own key, and whether its health check is up."""

    values: tuple[str, ...]
    key: str = ""
    is_up: bool = True


class Permitted(NamedTuple):
    """What a policy may choose from."""

    rdatas: frozenset[bytes]
    is_by_chance: bool


class World(NamedTuple):
    """What one server serves.

    `permitted` has what the policy of an owner and type may choose.
    """

    snapshot: Snapshot
    health: HealthTable
    permitted: dict[tuple[bytes, int], Permitted]

    def permitted_rdata(self, rrset: RRset) -> Permitted | None:
        """Return what a policy may put into this RRset, or None where no policy chooses."""
        owner, rrtype = rrset.owner, rrset.rrtype
        known = self.permitted.get((owner, rrtype))
        at = 0
        while known is None and owner[at]:
            at += 1 + owner[at]
            known = self.permitted.get((WILDCARD_LABEL + owner[at:], rrtype))
        return known

    def is_chosen_chain(self, message: Message) -> bool:
        """Say whether a policy chose a CNAME, so that another try may lead to another name."""
        return any(
            rrset.rrtype == rrtypes.CNAME and self.permitted_rdata(rrset) is not None
            for rrset in message.answer
        )


_REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
_GROUPS: dict[tuple[str, str, str], tuple[Member, ...]] = {
    ("weighted", "A", "weighted"): (
        Member(("192.0.2.101",), "weight: 40"),
        Member(("192.0.2.102",), "weight: 40", is_up=False),
        Member(("192.0.2.103",), "weight: 20"),
    ),
    ("alldown", "A", "weighted"): (
        Member(("192.0.2.104",), "weight: 1", is_up=False),
        Member(("192.0.2.105",), "weight: 255", is_up=False),
    ),
    ("zeroes", "AAAA", "weighted"): (
        Member(("2001:db8::104", "2001:db8::105"), "weight: 0"),
        Member(("2001:db8::106", "2001:db8::107"), "weight: 0"),
    ),
    ("wcn", "CNAME", "weighted"): (Member(("www",), "weight: 1"), Member(("missing",), "weight: 1")),
    ("*.pw", "A", "weighted"): (
        Member(("192.0.2.108",), "weight: 3"),
        Member(("192.0.2.109",), "weight: 4"),
    ),
    ("wtxt", "TXT", "weighted"): (
        Member((f'"{"a" * 250}"', f'"{"b" * 250}"'), "weight: 1"),
        Member((f'"{"c" * 250}"', f'"{"d" * 250}"'), "weight: 1"),
    ),
    ("latency", "A", "latency"): tuple(
        Member((f"192.0.2.{120 + index}",), f"region: {region}") for index, region in enumerate(_REGIONS)
    ),
    ("@", "AAAA", "latency"): tuple(
        Member((f"2001:db8::{120 + index}",), f"region: {region}", is_up=index > 0)
        for index, region in enumerate(_REGIONS)
    ),
    ("*.pl", "TXT", "latency"): tuple(
        Member((f'"{region}"',), f"region: {region}") for region in _REGIONS
    ),
    ("multi", "A", "multivalue"): tuple(
        Member((f"192.0.2.{130 + index}",), is_up=index % 3 > 0) for index in range(10)
    ),
    ("crowd", "AAAA", "multivalue"): tuple(Member((f"2001:db8::{index + 512:x}",)) for index in range(100)),
    ("lone", "A", "multivalue"): (Member(("192.0.2.150",), is_up=False),),
}  # fmt: skip


def load_worlds() -> tuple[World, ...]:
    """Load both worlds through the readers of zone and policy files."""
    health, permitted = _health(), _permitted()
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "locations.yaml").write_text(_locations(), encoding="utf-8")
        files = {
            "fuzz_test_zone": zone_text(),
            "fuzz_test_yaml": policy_text(),
            "child_fuzz_test_zone": _CHILD,
            "2_0_192_in-addr_arpa_zone": "$TTL 9\n"
            + _SOA
            + "3 PTR www.fuzz.test.\n*.9 PTR host.fuzz.test.\n",
        }
        without_root = load_snapshot(Path(directory), **files)
        with_root = load_snapshot(Path(directory), root_zone=_ROOT)
    return World(without_root, health, permitted), World(with_root, health, permitted)


def zone_text() -> str:
    """Return the master file of fuzz.test."""
    chain = "".join(f"c{number} CNAME c{number + 1}\n" for number in range(20)) + "c20 A 192.0.2.14\n"
    many = "".join(f"many AAAA 2001:db8::{number:x}\n" for number in range(1, 61))
    text = "".join(f'huge TXT "{number:03d}{"x" * 240}"\n' for number in range(60))
    text += "".join(
        f'over TXT "{number:03d}{"y" * 250}" "{"z" * 250}"\n' for number in range(140)
    )  # over 65,535
    hosts = "".join(
        f"h{number}.hosts A 192.0.2.{number}\nh{number}.hosts AAAA 2001:db8:1::{number}\n"
        f"svc SRV {number} 0 80 h{number}.hosts\nmx MX {number} h{number}.hosts\n"
        f"crowded NS n{number}.crowded\nn{number}.crowded A 192.0.2.{number}\n"
        f"n{number}.crowded AAAA 2001:db8:2::{number}\n"
        for number in range(1, 31)
    )
    names = f"{_LONG_LABEL} A 192.0.2.15\n{_LONG_NAME} A 192.0.2.16\n"
    return (
        f"$ORIGIN fuzz.test.\n$TTL 300\n{_SOA}{_PLAIN}{_ODD}{_CHAINS}{_LONG_LABEL}.{_LONG_LABEL}\n"
        f"{_CUTS}{chain}{many}{text}{hosts}{names}"
    )


def policy_text() -> str:
    """Return the policy file of fuzz.test."""
    lines, checks = ["zone: fuzz.test", "records:"], ["health_checks:"]
    for (name, rrtype, policy), members in _GROUPS.items():
        lines += [
            f'  - name: "{name}"',
            f"    type: {rrtype}",
            "    ttl: 5",
            f"    policy: {policy}",
            "    sets:",
        ]
        for index, member in enumerate(members):
            check = _check_id(name, rrtype, index)
            values = ", ".join(f"'{value}'" for value in member.values)
            key = f", {member.key}" if member.key else ""
            lines.append(f"      - {{id: s{index}, values: [{values}], health_check: {check}{key}}}")
            checks.append(f"  {check}: {{type: HTTP, ip: 127.0.0.1, port: 8080, path: /}}")
    return "\n".join((*lines, *checks, ""))


def _check_id(name: str, rrtype: str, index: int) -> str:
    return f"{name.replace('*', 'star').replace('@', 'apex')}-{rrtype.lower()}-{index}"


def _health() -> HealthTable:
    statuses = {
        _check_id(name, rrtype, index): HealthStatus(member.is_up, "Success: fuzz", 1, 0.0, 0.0)
        for (name, rrtype, _), members in _GROUPS.items()
        for index, member in enumerate(members)
    }
    return HealthTable(statuses)


def _permitted() -> dict[tuple[bytes, int], Permitted]:
    """Return what each group may answer: the values that are up, or all of them where none is."""
    origin = parse_name("fuzz.test")
    found = {}
    for (name, type_name, policy), members in _GROUPS.items():
        rrtype = rrtypes.parse_rrtype(type_name)
        up = [member for member in members if member.is_up] or members
        values = frozenset(parse_rdata(rrtype, value, origin) for member in up for value in member.values)
        found[parse_name(name, origin), rrtype] = Permitted(values, policy != "latency")
    return found


def _locations() -> str:
    places = (("192.0.2.0/24", 0), ("198.51.100.0/24", 1), ("203.0.113.0/25", 2), ("2001:db8:e::/48", 1))
    lines = [
        f"  - cidr: {cidr}\n    region: {_REGIONS[at]}\n    coordinates: [{at * 9}, {at * 20}]\n"
        f"    latency_ms: {{us-east-1: {80 - at}, eu-west-1: {80 + at}, ap-southeast-2: {90 - 20 * at}}}"
        for cidr, at in places
    ]
    return "\n".join(("networks:", *lines, ""))
