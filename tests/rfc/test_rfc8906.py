"""RFC 8906 §8: its tests of a server, with its own dig commands, and as packets of ours over UDP and TCP.

Every test runs for a zone that the server has and, where it names a zone, for one that it has not: there the
answer is REFUSED without AA, and all else must be as for the other. Each is judged by what dig shows and by
what dnspython reads.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest

from r53lite.config.settings import ApiSettings, Endpoint, RecursionSettings, Settings
from r53lite.server.runtime import Server
from tests.clients import UdpClient, ask_tcp
from tests.rfc.dig import Seen, dig, read_dig

CONFIGURED, UNCONFIGURED = "example.test", "other.test"
ZONE = """
$TTL 300
@     IN SOA ns1 admin 7 3600 600 86400 60
@     NS ns1
ns1   A 127.0.0.1
"""
MBZ = 0x0040  # the header's reserved bit
OPCODES = {0: "QUERY", 15: "RESERVED15"}  # as dig writes them
OPTIONS = {3: "NSID", 8: "CLIENT-SUBNET", 9: "EXPIRE", 10: "COOKIE", 15: "EDE", 100: "OPT=100"}
SUBNET_ANY = struct.pack("!HHHBB", 8, 4, 1, 0, 0)
MANY_OPTIONS = struct.pack("!HH8sHHHH", 10, 8, b"8 octets", 3, 0, 9, 0) + SUBNET_ANY


class Probe(NamedTuple):
    """One test of §8.

    `dig` holds the RFC's flags for dig, `header`, `qtype`, `edns` (version, flags and options of an OPT
    record, None for none) the same as a packet. Expected: `status` for a zone we have, and `keeps` of those
    flags that the reply may have because the query has them.
    """

    section: str
    dig: str
    header: int = 0
    qtype: str = "SOA"
    edns: tuple[int, int, bytes] | None = None
    has_question: bool = True
    status: str = "NOERROR"
    keeps: frozenset[str] = frozenset()
    edns_keeps: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()

    def packet(self, zone: str) -> bytes:
        """Return the test as a message of our own making."""
        name = b"".join(bytes((len(label),)) + label.encode() for label in zone.split(".")) + b"\x00"
        question = name + struct.pack("!HH", dns.rdatatype.from_text(self.qtype), 1)
        opt = b""
        if self.edns is not None:
            version, flags, options = self.edns
            opt = struct.pack("!BHHBBHH", 0, 41, 4096, 0, version, flags, len(options)) + options
        counts = (int(self.has_question), 0, 0, int(bool(opt)))
        header = struct.pack("!6H", 4711, self.header, *counts)
        return header + (question if self.has_question else b"") + opt

    def judge(self, seen: Seen, zone: str) -> None:
        """Fail where a reply is not what the RFC expects."""
        is_ours = zone == CONFIGURED
        answers = is_ours and self.status == "NOERROR"
        refused = self.status == "NOERROR" and not is_ours
        assert seen.status == ("REFUSED" if refused else self.status)
        assert seen.opcode == OPCODES[self.header >> 11 & 0xF]
        assert seen.flags == {"qr"} | self.keeps | ({"aa"} if answers else set())
        assert seen.rrtypes == ({"SOA"} if answers and self.qtype == "SOA" else set())
        assert seen.edns == (None if self.edns is None else 0)
        assert seen.edns_flags == self.edns_keeps
        assert seen.options - {"EDE"} == self.options  # EDE says why it was refused (RFC 8914)


EDNS_0 = (0, 0, b"")
UNKNOWN_OPTION = struct.pack("!HH", 100, 0)
RD, DO = frozenset({"rd"}), frozenset({"do"})
BADVERS = "BADVERS"
PROBES = [
    Probe("8.1.1 configured", "+noedns +noad +norec soa {zone}"),
    Probe("8.1.2 unknown type", "+noedns +noad +norec type1000 {zone}", qtype="TYPE1000"),
    Probe("8.1.3.1 CD", "+noedns +noad +norec +cd soa {zone}", dns.flags.CD),
    Probe("8.1.3.2 AD", "+noedns +norec +ad soa {zone}", dns.flags.AD),
    Probe("8.1.3.3 reserved bit", "+noedns +noad +norec +zflag soa {zone}", MBZ),
    Probe("8.1.3.4 recursive", "+noedns +noad +rec soa {zone}", dns.flags.RD, keeps=RD),
    Probe("8.1.5 TCP", "+noedns +noad +norec +tcp soa {zone}"),
    Probe("8.2.1 minimal EDNS", "+nocookie +edns=0 +noad +norec soa {zone}", edns=EDNS_0),
    Probe(
        "8.2.2 EDNS version",
        "+nocookie +edns=1 +noednsneg +noad +norec soa {zone}",
        edns=(1, 0, b""),
        status=BADVERS,
    ),
    Probe(
        "8.2.3 unknown option",
        "+nocookie +edns=0 +noad +norec +ednsopt=100 soa {zone}",
        edns=(0, 0, UNKNOWN_OPTION),
    ),
    Probe(
        "8.2.4 unknown flag",
        "+nocookie +edns=0 +noad +norec +ednsflags=0x40 soa {zone}",
        edns=(0, 0x40, b""),
    ),
    Probe(
        "8.2.5 version with unknown flag",
        "+nocookie +edns=1 +noednsneg +noad +norec +ednsflags=0x40 soa {zone}",
        edns=(1, 0x40, b""),
        status=BADVERS,
    ),
    Probe(
        "8.2.6 version with unknown option",
        "+nocookie +edns=1 +noednsneg +noad +norec +ednsopt=100 soa {zone}",
        edns=(1, 0, UNKNOWN_OPTION),
        status=BADVERS,
    ),
    Probe(
        "8.2.7 truncation",
        "+nocookie +norec +noad +dnssec +bufsize=512 +ignore dnskey {zone}",
        qtype="DNSKEY",
        edns=(0, dns.flags.DO, b""),
        edns_keeps=DO,
    ),
    Probe(
        "8.2.8 DO",
        "+nocookie +edns=0 +noad +norec +dnssec soa {zone}",
        edns=(0, dns.flags.DO, b""),
        edns_keeps=DO,
    ),
    Probe(
        "8.2.9 version with DO",
        "+nocookie +edns=1 +noednsneg +noad +norec +dnssec soa {zone}",
        edns=(1, dns.flags.DO, b""),
        status=BADVERS,
        edns_keeps=DO,
    ),
    Probe(
        "8.2.10 several options",
        "+edns=0 +noad +norec +cookie +nsid +expire +subnet=0.0.0.0/0 soa {zone}",
        edns=(0, 0, MANY_OPTIONS),
        options=frozenset({"COOKIE", "NSID", "CLIENT-SUBNET"}),
    ),
]
OPCODE_15 = Probe(
    "8.1.4 unknown opcode",
    "+noedns +noad +opcode=15 +norec +header-only",
    15 << 11,
    has_question=False,
    status="NOTIMP",
)


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[Endpoint]:
    """A server with one zone, which says its name to those who ask."""
    (tmp_path / f"{CONFIGURED}.zone").write_text(ZONE, encoding="utf-8")
    settings = Settings(
        listen=(Endpoint("127.0.0.1", 0),),
        nsid="ns1",
        recursion=RecursionSettings(enabled=False),
        api=ApiSettings(listen=None),
    )
    server = Server(settings, [tmp_path])
    await server.start()
    yield server.endpoints[0]
    await server.stop()


def see(message: dns.message.Message) -> Seen:
    """Return a reply as dnspython reads it, in dig's words."""
    flags = {text.lower() for text in dns.flags.to_text(message.flags).split()}
    edns_flags = {text.lower() for text in dns.flags.edns_to_text(message.ednsflags).split()}
    return Seen(
        OPCODES[message.opcode()],
        dns.rcode.to_text(message.rcode()),
        frozenset(flags | ({"MBZ"} if message.flags & MBZ else set())),
        frozenset(dns.rdatatype.to_text(rrset.rdtype) for rrset in message.answer),
        None if message.edns < 0 else message.edns,
        frozenset(edns_flags | ({"MBZ"} if message.ednsflags & 0x7FFF else set())),
        frozenset(OPTIONS[int(option.otype)] for option in message.options),
    )


@pytest.mark.parametrize("zone", [CONFIGURED, UNCONFIGURED])
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.section.replace(" ", "_"))
async def test_rfc8906_8_dig_sees_what_the_rfc_expects(endpoint: Endpoint, probe: Probe, zone: str) -> None:
    arguments = probe.dig.format(zone=zone).split()

    seen = read_dig(await dig(endpoint.address, endpoint.port, *arguments))

    probe.judge(seen, zone)
    assert seen.counts[0] == 1


@pytest.mark.parametrize("zone", [CONFIGURED, UNCONFIGURED])
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.section.replace(" ", "_"))
async def test_rfc8906_8_udp_and_tcp_give_what_the_rfc_expects(
    endpoint: Endpoint, probe: Probe, zone: str
) -> None:
    request = probe.packet(zone)

    with UdpClient(*endpoint) as client:  # three times: later replies are replayed
        over_udp = [dns.message.from_wire(await client.ask(request)) for _ in range(3)]
    over_tcp = await ask_tcp(*endpoint, request, request, request)

    for reply in over_udp + over_tcp:
        probe.judge(see(reply), zone)
        assert reply.id == 4711
        assert [str(rrset.name) for rrset in reply.question] == [f"{zone}."]


async def test_rfc8906_8_1_4_an_unknown_opcode_is_not_implemented(endpoint: Endpoint) -> None:
    seen = read_dig(await dig(endpoint.address, endpoint.port, *OPCODE_15.dig.split()))
    request = OPCODE_15.packet(CONFIGURED)
    with UdpClient(*endpoint) as client:
        over_udp = dns.message.from_wire(await client.ask(request))
    (over_tcp,) = await ask_tcp(*endpoint, request)

    assert seen.counts == (0, 0, 0, 0)
    for view in (seen, see(over_udp), see(over_tcp)):
        OPCODE_15.judge(view, CONFIGURED)
