"""What do clients ask, sane ones and others? Requests built from the corpus: names, types, options,
records.

A `PacketMaker` gives an endless row of requests that follows from its seed alone. What costs time (text to
wire, options with their lengths) is made once; a request is then put together from a few ready pieces and
goes through `mutators` two times out of three.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import NamedTuple

from r53lite.dns.name import parse_name
from tests.fuzz.mutators import interesting_octets, mutate

_QUESTION_END = struct.Struct("!HH")
_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")
A, NS, CNAME, SOA, MX, TXT, AAAA, SRV, DNAME, OPT, DS = 1, 2, 5, 6, 15, 16, 28, 33, 39, 41, 43
SIG, TKEY, TSIG, IXFR, AXFR, ANY = 24, 249, 250, 251, 252, 255

_OWNERS = r"""
@ www WwW.UPPER zero old mail ns1 leaf.a.b.c a.b.c b.c x.*.mid *.mid mid nothing.mid one.wild two.one.wild
*.wild wild closed.wild below.closed.wild one.wcname *.wcname one.wloop one.wns *.wns below.*.wns one.wdname
x.one.wdname a\.b \000\255 sp\032ace _sip._tcp naptr https svcb loc hinfo rp afsdb px sshfp opaque empty
self alias l1 l2 me away nowhere into cut policy viadname dn one.dn hidden.dn two.hidden.dn grow a.grow
swap1 x.swap1 x.swap2 y.out deeper x.deeper sub ns.sub below.sub deep.below.sub inner.sub x.inner.sub other
ns.other x.other bare x.bare signed x.signed child www.child ns.child any.child back.child many huge over
svc mx crowded x.crowded h1.hosts n1.crowded c0 c3 c4 c5 c19 c20 weighted alldown zeroes wcn one.pw
two.one.pw *.pw wtxt latency one.pl multi crowd lone missing a.missing
"""
_ELSEWHERE = r"""
. com. a.gtld.com. www.com. org. old. www.old. c0.old. x.any. any. host. nothing. test. xfuzz.test.
fuzz.tes. a.root-servers.test. b.root-servers.test. version.bind. id.server. hostname.bind.
3.2.0.192.in-addr.arpa. 1.9.2.0.192.in-addr.arpa. 2.0.192.in-addr.arpa. arpa. localhost. www.example.com.
nobody.invalid.
"""
_LABEL = "l" * 63
_LONG = (_LABEL, f"x.{_LABEL}", f"{_LABEL}.{_LABEL}.{_LABEL}.{'m' * 51}", f"{_LABEL}.{_LABEL}.deeper")
_RICH = (  # questions whose answers meet a limit or a policy
    ("many", AAAA), ("huge", TXT), ("svc", SRV), ("mx", MX), ("x.crowded", A), ("crowded", NS),
    ("crowd", AAAA), ("multi", A), ("weighted", A), ("latency", A), ("@", AAAA), ("@", MX), ("one.pw", A),
    ("one.pl", TXT), ("wtxt", TXT), ("zeroes", AAAA), ("c0", A), ("c5", A), ("l1", A), ("one.dn", A),
    ("a.grow", A), ("x.swap1", A), ("wcn", A), ("policy", A), ("viadname", TXT),
)  # fmt: skip
_COMMON_TYPES = (A,) * 6 + (AAAA,) * 4 + (NS, MX, TXT, SOA, CNAME, DNAME, SRV, DS, ANY, TXT, NS, MX)
_RARE_TYPES = (
    0, 3, 4, 7, 8, 9, 10, 11, 12, 13, 14, 17, 18, SIG, 25, 29, 35, OPT, 46, 47, 48, 50, 51, 52, 59, 60, 61,
    62, 63, 64, 65, 99, 128, 200, TKEY, TSIG, IXFR, AXFR, 253, 254, ANY, 256, 257, 32768, 65280, 65281, 65535,
)  # fmt: skip
_CLASSES = (1,) * 16 + (255, 3, 254, 2, 4, 0, 256, 65535)
_PAYLOADS = (1232,) * 6 + (512, 4096, 1220, 1410, 0, 1, 511, 513, 600, 700, 65535)
_FLAGS = (0x0100,) * 6 + (0x0120,) * 3 + (0, 0x0010, 0x0110, 0x0020, 0x0130)
_CLIENTS = (
    ("127.0.0.1",) * 6
    + (
        "192.0.2.77",
        "198.51.100.7",
        "203.0.113.9",
        "203.0.113.200",
        "255.255.255.255",
        "0.0.0.0",
        "::1",
        "::",
    )
    + ("2001:db8:e::9", "2001:db8:f::9", "fe80::1%eth0", "::ffff:192.0.2.9")
)
POOL = 1024  # ready OPT records and names per maker: enough that few are asked twice in a row


class Request(NamedTuple):
    """One request as it reaches the door; `case` says how it came to be, for the statistics of a run."""

    wire: bytes
    client: str
    is_stream: bool


def option(code: int, body: bytes) -> bytes:
    """Return one EDNS option."""
    return _QUESTION_END.pack(code, len(body)) + body


def opt_record(options: bytes, payload: int = 1232, ttl: int = 0, owner: bytes = b"\x00") -> bytes:
    """Return an OPT record; `ttl` holds extended rcode, version and flags."""
    return owner + _FIXED.pack(OPT, payload, ttl, len(options)) + options


def message(flags: int, question: bytes, extra: bytes = b"", counts: tuple[int, ...] = (1, 0, 0, 0)) -> bytes:
    """Return a request with id 0x1234."""
    return _HEADER.pack(0x1234, flags, *counts) + question + extra


def question(name: str, rrtype: int, rrclass: int = 1) -> bytes:
    """Return a question section."""
    return parse_name(name) + _QUESTION_END.pack(rrtype, rrclass)


def client_seeds() -> list[bytes]:
    """Return what dig, kdig, stub resolvers, resolvers and monitors really send, and RFC 8906's tests."""
    www, apex = question("www.fuzz.test", A), question("fuzz.test", SOA)
    cookie, server_cookie, nsid = option(10, bytes(range(8))), option(10, bytes(24)), option(3, b"")
    subnet = option(8, b"\x00\x01\x18\x00\xc6\x33\x64")
    one, pointed, old_soa = (1, 0, 0, 1), b"\xc0\x0c", bytes(22)
    return [
        message(0x0120, www, opt_record(cookie), one),  # dig
        message(0x0120, www, opt_record(cookie + subnet + nsid), one),  # dig +subnet +nsid
        message(0x0100, www, opt_record(b"", 4096), one),  # kdig +edns
        message(0x0100, www),  # a stub resolver
        message(0x0010, www, opt_record(b"", 1232, 0x8000), one),  # a validating resolver
        message(0, question("www.fuzz.test", AAAA).swapcase(), opt_record(server_cookie), one),  # 0x20
        message(0, apex, opt_record(b"", 1232, 0x00010000), one),  # EDNS version 1
        message(0, apex, opt_record(option(100, b"")), one),  # an unknown option
        message(0, apex, opt_record(b"", 1232, 0x4000), one),  # an unknown flag
        message(0x0040, apex),  # the Z bit
        message(0x0200, apex),
        message(0x0400, apex),
        message(0x7800, b"", b"", (0, 0, 0, 0)),  # opcode 15
        message(0x2000, apex, b"", (1, 0, 0, 0)),  # NOTIFY
        message(0x2800, apex, b"\x00" + _FIXED.pack(ANY, 255, 0, 0), (1, 0, 1, 0)),  # UPDATE
        message(0, b"", opt_record(cookie), (0, 0, 0, 1)),  # RFC 7873 §5.4: a cookie and no question
        message(0, question("version.bind", TXT, 3)),
        message(0, question("fuzz.test", AXFR)),
        message(0, question("fuzz.test", IXFR), pointed + _FIXED.pack(SOA, 1, 0, 22) + old_soa, (1, 0, 1, 0)),
        message(0x8180, www, pointed + _FIXED.pack(A, 1, 60, 4) + bytes(4), (1, 1, 0, 0)),  # a response
        message(0x0100, www, opt_record(option(12, bytes(100)) + option(11, b"")), one),  # padding, keepalive
        message(0x0100, www, opt_record(b"") + _tsig(), (1, 0, 0, 2)),
        message(0x0100, www, b"\x00" + _FIXED.pack(SIG, 255, 0, 30) + bytes(30), one),  # SIG(0)
    ]  # fmt: skip


def _tsig() -> bytes:
    rdata = parse_name("hmac-sha256") + bytes(6) + b"\x01\x2c\x00\x10" + bytes(16) + b"\x12\x34" + bytes(4)
    return parse_name("key.fuzz.test") + _FIXED.pack(TSIG, 255, 0, len(rdata)) + rdata


class PacketMaker:
    """Makes requests from a seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._seeds = client_seeds()
        self._names = [self._make_name() for _ in range(POOL)]
        self._opts = [self._make_opt() for _ in range(POOL)]
        self._rich = [question(f"{name}.fuzz.test.".removeprefix("@."), rrtype) for name, rrtype in _RICH]
        subnets = (b"", option(8, b"\0\1\x18\0\xc6\x33\x64"), option(8, b"\0\1\x18\0\xcb\0\x71"))
        self._few = [
            opt_record(subnet, payload, ttl)
            for subnet in subnets
            for payload in (512, 1232, 4096)
            for ttl in (0, 0x8000)
        ]
        self._few += [b"", opt_record(option(10, bytes(8))), opt_record(b"", 1232, 0x00010000)]
        self._extras = (_tsig(), opt_record(b""), b"\xc0\x0c" + _FIXED.pack(A, 1, 60, 4) + bytes(4))

    def next(self) -> Request:
        """Return the next request."""
        draw = self._random.random
        if draw() < 0.15:
            return self._repeat()
        wire = self._seeds[int(draw() * len(self._seeds))] if draw() < 0.1 else self._build()
        if draw() < 0.66:
            wire = mutate(wire, self._random, self._seeds)
        return Request(wire, _CLIENTS[int(draw() * len(_CLIENTS))], draw() < 0.2)

    def pick_name(self) -> bytes:
        """Return one of the names that are asked for, as wire."""
        return self._names[int(self._random.random() * POOL)]

    def _repeat(self) -> Request:
        """Return one of some thousand requests that a table of answers must tell apart."""
        draw = self._random.random
        body = self._rich[int(draw() * len(self._rich))]
        opt = self._few[int(draw() * len(self._few))]
        flags = 0x0100 if draw() < 0.8 else 0x0010
        wire = _HEADER.pack(self._random.getrandbits(16), flags, 1, 0, 0, bool(opt)) + body + opt
        client = "127.0.0.1" if draw() < 0.8 else _CLIENTS[int(draw() * len(_CLIENTS))]
        return Request(wire, client, draw() < 0.15)

    def _build(self) -> bytes:
        """Put a well-formed request together; a few have records that no sane client sends."""
        draw = self._random.random
        flags = _FLAGS[int(draw() * len(_FLAGS))] if draw() < 0.95 else self._random.getrandbits(15)
        types = _COMMON_TYPES if draw() < 0.85 else _RARE_TYPES
        rrtype = types[int(draw() * len(types))] if draw() < 0.98 else self._random.getrandbits(16)
        rrclass = 1 if draw() < 0.9 else _CLASSES[int(draw() * len(_CLASSES))]
        body = self._names[int(draw() * POOL)] + _QUESTION_END.pack(rrtype, rrclass)
        if draw() < 0.1:
            body = self._rich[int(draw() * len(self._rich))]
        additionals = authorities = 0
        if draw() < 0.7:
            body += self._opts[int(draw() * POOL)]
            additionals = 1
        if draw() < 0.03:
            body += self._extras[int(draw() * len(self._extras))]
            additionals += 1
        if rrtype == IXFR and draw() < 0.5:
            authorities, additionals = additionals, 0
        return _HEADER.pack(self._random.getrandbits(16), flags, 1, 0, authorities, additionals) + body

    def _make_name(self) -> bytes:
        """Return a name of the zones or beside them, sometimes deeper or in mixed case."""
        choose, draw = self._random.choice, self._random.random
        if draw() < 0.75:
            text = f"{choose(_OWNERS.split())}.fuzz.test.".removeprefix("@.")
        elif draw() < 0.85:
            text = f"{choose(_LONG)}.fuzz.test."
        else:
            text = choose(_ELSEWHERE.split())
        name = parse_name(text)
        if draw() < 0.15 and len(name) < 200:
            label = self._random.randbytes(self._random.randrange(1, 40))
            name = bytes((len(label),)) + label + name
        if draw() < 0.2:
            name = scramble_case(name, self._random)
        return name

    def _make_opt(self) -> bytes:
        draw = self._random.random
        options = b""
        while draw() < 0.55:
            options += self._make_option()
        version = 0 if draw() < 0.95 else self._random.getrandbits(8)
        ttl = self._random.getrandbits(8) << 24 if draw() < 0.03 else 0
        ttl |= (
            version << 16
            | (0x8000 if draw() < 0.4 else 0)
            | (self._random.getrandbits(15) if draw() < 0.05 else 0)
        )
        return opt_record(options, _PAYLOADS[int(draw() * len(_PAYLOADS))], ttl)

    def _make_option(self) -> bytes:
        """Return an option: mostly of a well-known code, half of them well-formed."""
        makers: tuple[Callable[[], bytes], ...] = (
            self._make_subnet,
            self._make_subnet,
            lambda: option(
                10, self._random.randbytes(self._random.choice((8, 8, 8, 16, 24, 40, 7, 9, 15, 41, 0)))
            ),
            lambda: option(3, b""),
            lambda: option(15, b"\x00\x12" + "\u00e9".encode()),
            lambda: option(11, self._random.choice((b"", b"\x00\x64", b"\x00"))),
            lambda: option(12, bytes(self._random.randrange(200))),
            lambda: option(self._random.randrange(30), self._random.randbytes(self._random.randrange(40))),
            lambda: option(self._random.getrandbits(16), interesting_octets(self._random)),
        )
        return makers[int(self._random.random() * len(makers))]()

    def _make_subnet(self) -> bytes:
        """Return a client subnet; one in four has a family, prefix, scope or address that does not fit."""
        family = self._random.choice((1, 2))
        bits = self._random.choice((0, 8, 20, 24, 25, 32, 48, 56, 64, 128))
        bits = min(bits, 32) if family == 1 else bits
        address = self._random.choice((b"\xc6\x33\x64\x00", b"\xc0\x00\x02\x00", b"\xcb\x00\x71\x80"))
        if family == 2:
            address = b"\x20\x01\x0d\xb8\x00\x0e" + bytes(10)
        buffer = bytearray(address[: (bits + 7) // 8])
        if bits % 8:
            buffer[-1] &= 0xFF00 >> bits % 8 & 0xFF
        scope = 0
        if self._random.random() < 0.25:
            family, bits = self._random.choice((0, 1, 2, 3, 65535)), self._random.getrandbits(8)
            scope = self._random.choice((0, 0, 24, 255))
        return option(8, struct.pack("!HBB", family, bits, scope) + buffer)


def scramble_case(name: bytes, chance: random.Random) -> bytes:
    """Return a name in mixed case: the letters of labels alone, because length octets are below 64."""
    bits = chance.getrandbits(len(name))
    return bytes(
        octet ^ 0x20 if bits >> at & 1 and (0x41 <= octet <= 0x5A or 0x61 <= octet <= 0x7A) else octet
        for at, octet in enumerate(name)
    )
