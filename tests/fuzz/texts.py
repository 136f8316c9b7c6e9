"""What do people write into zone and policy files, sane ones and others?

A master file is a head that makes a zone, and lines of chance from our own files and from a list of forms; a
policy file is a document of chance in JSON, which YAML reads, whose values are sometimes of another kind.
Then the text is damaged by characters, tokens, lines and octets.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.worlds import policy_text, zone_text

_HEAD = "$ORIGIN fuzz.test.\n$TTL 300\n@ SOA ns1 admin 1 2h 30m 2w 60\n@ NS ns1\nns1 A 192.0.2.1\n"
_LINES = r"""
$ORIGIN sub
$ORIGIN .
$ORIGIN fuzz.test. ; back
$ORIGIN
$TTL 1w2d3h4m5s
$TTL 4294967296
$TTL
$INCLUDE fuzz.test.zone
$INCLUDE ../../../../etc/hostname
$INCLUDE /dev/null sub.fuzz.test.
$INCLUDE . .
$INCLUDE "a b" x
$INCLUDE
$GENERATE 1-20 host$ A 192.0.2.$
$GENERATE 0-255/5 $.rev PTR host${0,3,d}.fuzz.test.
$GENERATE 1-3 ${0,10,x} CNAME ${-1,200,o}.a
$GENERATE 0-4294967295 a$ A 192.0.2.1
$GENERATE 5-1 a$ A 192.0.2.1
$GENERATE 1-2/0 a$ A 192.0.2.1
$GENERATE 1-99999999999999999999/99999999999999999998 a$ A 192.0.2.1
$GENERATE 1-16 ${0,4,n} PTR \$.$$.${
$GENERATE 1-3 a${1000000,1000000,d} TXT "$"
$GENERATE 1-2 a$ 3600 IN A 192.0.2.$ ; comment
$GENERATE
$UNKNOWN 1
$ORIGIN a..b
www 300 IN A 192.0.2.1
www IN 300 A 192.0.2.2
www CH A 192.0.2.1
www CLASS1 TYPE1 \# 4 c0000201
www CLASS3 TYPE1 \# 4 c0000201
a TYPE1 \# 3 c00002
a TYPE0 \# 0
a TYPE255 \# 0
a TYPE41 \# 0
a TYPE65536 \# 0
a TYPE65535 \# 65535 00
t TXT ( "a" ; comment
t2 TXT "open
t3 TXT a\"b "c\;d" \065 \256 \25 \
t4 TXT "" "" ( "" )
t5 TXT \# 1 00
( p A 192.0.2.1 )
p ( A
 192.0.2.1 ) ; end
q A ( ( 192.0.2.1 ) )
) r A 192.0.2.1
\@ A 192.0.2.1
@.@ A 192.0.2.1
. A 192.0.2.1
.. A 192.0.2.1
a..b A 192.0.2.1
.a A 192.0.2.1
\000 A 192.0.2.1
\256 A 192.0.2.1
\1 A 192.0.2.1
\. A 192.0.2.1
* CNAME @
* NS ns1
*.* MX 1 *.*
d DNAME d
d DNAME a.d
x.d A 192.0.2.1
c CNAME c
c CNAME d
c RRSIG A 5 2 3600 20300101000000 20200101000000 1 fuzz.test. AA==
@ CNAME www
@ DNAME other.test.
@ SOA ns1 admin 4294967295 0 0 0 4294967295
b SOA ns1 admin 1 1 1 1 1
outside.test. A 192.0.2.1
cut NS ns.cut
ns.cut A 192.0.2.9
ns.cut AAAA ::ffff:192.0.2.1
below.cut NS ns.cut
cut DS 1 8 2 00
six AAAA fe80::1%eth0
six AAAA 1:2:3:4:5:6:7:8:9
four A 1.2.3
four A 01.2.3.4
four A 256.2.3.4
m MX -1 a
m MX 65536 a
m MX 1
s SRV 1 2 3 .
l LOC 91 0 0 N 0 0 0 E 1e999m
n NSEC a.fuzz.test. A NS TYPE65535
n3 NSEC3 1 0 65535 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A
u URI 1 1 "http://fuzz.test/"
cert CERT 65536 0 0 AA==
sv SVCB 1 . key65535=x mandatory=alpn
sv2 HTTPS 1 a ipv4hint=1.2.3.4,1.2.3 ech=%%
ap APL 1:192.0.2.0/33 !3:00/1
ip IPSECKEY 10 1 2 192.0.2.1 AQ==
hip HIP 2 200100107B1A74DF365639CC39F1D578 AA==
nap NAPTR 1 1 "" "" "" .
caa CAA 256 issue "x"
ts TYPE250 \# 0
tlsa TLSA 3 1 1 00
eui EUI48 00-00-00-00-00-00
wks WKS 192.0.2.1 6 25
nsap NSAP 0x47
x25 X25 "1"
gpos GPOS -1000 0 0
""".strip("\n").split("\n")
_TOKENS = (
    "IN", "CH", "A", "TXT", "SOA", "NS", "CNAME", "TYPE65535", "CLASS0", "\\#", "@", "*", ".", "..", "(", ")",
    '"', ";", "\\", "$", "$ORIGIN", "$TTL", "$GENERATE", "0", "-1", "1w", "4294967296", "9" * 30, "9" * 5000,
    "a" * 64, "b." * 127, "b." * 128, "x" * 70_000, "\u00b2", "\u0663", "1_0", "0x10", "1e3", "nan",
    "\u00fc.test.", "\ud7ff", "\U0001f600", "xn--", "\\032", "\\999", "127.0.0.1", "::", "::1%1", "=",
    "key1=", "\x00", "\t", "\ufeff", "\u202e", "\u00a0",
)  # fmt: skip
_CHARACTERS = (
    '"\\();@.$*# \t\r\n\x00\x01\x0b\x0c\x1a\x1c\x7f\x85\u00a0\u2028\u2029\u3000\ufeff\u00b2\U0010ffff'
    + "{}[]&!%|>:-,'?"
)
_SCALARS = (
    None, True, -1, 0, 1, 255, 256, 65536, 2**31, 2**63, 10**30, 0.5, 1e308, "", "x", "@", "*", "..", "A",
    "AAAA", "NS", "TXT", "CNAME", "weighted", "latency", "failover", "us-east-1", "192.0.2.1", "'", '"',
    "\u00fc", "\x07", "a" * 300, "\U0001f600", "2001-01-01", "1:30", "010", "0x1f", ".inf", ".nan", "yes",
    "~", "<<", "=", "\ud800",
)  # fmt: skip
_YAML = (
    "&a [*a]", "*b", "!!python/object:os.system x", "!!binary AA", "!!timestamp 2001-99-99", "!!int x",
    "!!float -", "? [a]", "<<: {a: 1}", "---", "...", "%YAML 9.9\n---", "\t", "- -", "{", "}", "[" * 40,
    "[" * 900, "!!set {a}", "|\n  x", ">-", ".inf", ".nan", "0o7", "0b1", "1_0", "9" * 5000, "2001-01-01",
    "!<x>", "!x!y z", "\x00", "\ufeff", "\u2028", "\x85", "!!omap [a: 1]", "@", "`", "!!str", "!!null x",
    "1e999", "60:60:60", "190:20:30.15", "!!bool x", "2001-02-30",
)  # fmt: skip
_ROOT = Path(__file__).parents[2] / "zones"

TextMutator = Callable[[str, random.Random], str]


def own_lines() -> list[str]:
    """Return the lines of our zone files and of the fuzzers' own."""
    files = [path.read_text(encoding="utf-8") for path in sorted(_ROOT.rglob("*.zone"))]
    return [line for text in (zone_text(), *files) for line in text.splitlines()]


def make_zone_text(chance: random.Random, lines: list[str]) -> str:
    """Return a master file: a head and up to thirty lines, two thirds of them from real files."""
    chosen = [chance.choice(lines if chance.random() < 0.66 else _LINES) for _ in range(chance.randrange(30))]
    head = _HEAD if chance.random() < 0.9 else ""
    return head + "\n".join(chosen) + "\n"


def make_policy_text(chance: random.Random) -> str:
    """Return a policy file: a document of chance, or one of our own now and then."""
    if chance.random() < 0.02:
        return policy_text()
    document = {
        "zone": "fuzz.test",
        "records": [_record(chance) for _ in range(chance.randrange(5))],
        "health_checks": {f"h{number}": _check(chance) for number in range(3)},
    }
    while chance.random() < 0.5:
        _spoil(document, chance)
    return json.dumps(document, indent=chance.choice((None, 2)), ensure_ascii=chance.random() < 0.5)


def _record(chance: random.Random) -> dict[str, object]:
    record: dict[str, object] = {"name": chance.choice(("@", "www", "*.w", "a.b", "many"))}
    record["type"], value = chance.choice(
        (("A", "192.0.2.1"), ("AAAA", "::1"), ("TXT", '"x"'), ("MX", "1 www"))
    )
    record["ttl"] = chance.choice((0, 5, 300))
    policy = chance.choice(("", "weighted", "latency", "multivalue"))
    if not policy:
        return {**record, "values": [value]}
    sets = [_member(chance, policy, number, value) for number in range(chance.randrange(1, 4))]
    return {**record, "policy": policy, "sets": sets}


def _member(chance: random.Random, policy: str, number: int, value: str) -> dict[str, object]:
    member: dict[str, object] = {"id": f"s{number}", "values": [value], "health_check": f"h{number}"}
    if policy == "weighted":
        member["weight"] = chance.choice((0, 1, 255))
    elif policy == "latency":
        member["region"] = ("us-east-1", "eu-west-1", "ap-southeast-2")[number]
    return member


def _check(chance: random.Random) -> dict[str, object]:
    return {
        "type": "HTTP",
        "ip": "127.0.0.1",
        "port": 8080,
        "path": "/",
        "interval": chance.choice((1, 10, 30)),
    }


def _spoil(node: object, chance: random.Random) -> None:
    """Go down a document and put a value of another kind somewhere, or a key that nobody knows."""
    if isinstance(node, dict) and node:
        key = chance.choice(list(node))
        if chance.random() < 0.6 and isinstance(node[key], dict | list) and node[key]:
            _spoil(node[key], chance)
        elif chance.random() < 0.2:
            node[str(chance.choice(_SCALARS))] = node.pop(key)
        else:
            node[key] = _other(chance)
    elif isinstance(node, list) and node:
        at = chance.randrange(len(node))
        if chance.random() < 0.7 and isinstance(node[at], dict | list):
            _spoil(node[at], chance)
        else:
            node[at] = _other(chance)


def _other(chance: random.Random) -> object:
    scalar = chance.choice(_SCALARS)
    return chance.choice((scalar, scalar, scalar, [scalar], {"id": scalar}, [], {}, [[scalar]]))


# --- damage -------------------------------------------------------------------------------------------------


def _insert_character(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(_CHARACTERS) * chance.choice((1, 1, 1, 2, 300)) + text[at:]


def _delete_piece(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.choice((1, 1, 2, 5, 40)) :]


def _replace_token(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    fields = lines[at].split(" ")
    fields[chance.randrange(len(fields))] = chance.choice(_TOKENS)
    lines[at] = " ".join(fields)
    return "\n".join(lines)


def _insert_yaml(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return (
        text[:at]
        + chance.choice(("", " ", "\n"))
        + chance.choice(_YAML)
        + chance.choice(("", " ", "\n"))
        + text[at:]
    )


def _move_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    line = lines.pop(chance.randrange(len(lines)))
    for _ in range(chance.choice((0, 1, 1, 2))):
        lines.insert(chance.randrange(len(lines) + 1), line)
    return "\n".join(lines)


def _indent(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    lines[at] = chance.choice((" ", "\t", "  ")) + lines[at] if chance.random() < 0.5 else lines[at].strip()
    return "\n".join(lines)


def _cut(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text) + 1)]


def _line_ends(text: str, chance: random.Random) -> str:
    return text.replace("\n", chance.choice(("\r\n", "\r", "\n\r", "\n\n")))


_DAMAGE: tuple[TextMutator, ...] = (
    *(
        _insert_character,
        _insert_character,
        _delete_piece,
        _replace_token,
        _replace_token,
        _move_line,
        _indent,
        _cut,
    ),
    _line_ends,
)


def damage(text: str, chance: random.Random, *, is_yaml: bool) -> bytes:
    """Return the text with some damage as octets, a few of which are not UTF-8."""
    mutators = (*_DAMAGE, _insert_yaml, _insert_yaml, _insert_yaml) if is_yaml else _DAMAGE
    while chance.random() < 0.6:
        text = chance.choice(mutators)(text, chance)
    octets = bytearray(text.encode("utf-8", "surrogatepass"))
    while octets and chance.random() < 0.1:
        octets[chance.randrange(len(octets))] = chance.choice(
            (0, 0x80, 0xC0, 0xFF, 0xED, chance.getrandbits(8))
        )
    return bytes(octets)
