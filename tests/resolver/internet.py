"""A fake internet for the state machine: servers that answer from a table, no socket, no clock, no chance."""

from __future__ import annotations

from r53lite.dns import rrtypes
from r53lite.dns.edns import Edns
from r53lite.dns.message import AA, QR, Message
from r53lite.dns.name import ROOT, format_name, parse_name
from r53lite.dns.presentation import format_rrset, parse_rdata
from r53lite.dns.rrset import RRset
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import Limits
from r53lite.resolver.resolution import AskServer, LocalLookup, Resolution, Resolved

HINTS = Delegation(ROOT, {parse_name("a.root."): ("192.0.2.1",)})
COM = "com. 3600 NS a.tld.", "a.tld. 3600 A 192.0.2.2"
EXAMPLE = "example.com. 300 NS ns.example.com.", "ns.example.com. 300 A 192.0.2.3"
SOA = "example.com. 900 SOA ns.example.com. admin.example.com. 1 7200 900 1209600 60"

Reply = Message | str
"""A message without its question, or why none came: "silence", or any other reason."""


def rrsets(*lines: str) -> tuple[RRset, ...]:
    """Read records, one to a line, gathering those of one owner and type."""
    gathered: dict[tuple[bytes, int], RRset] = {}
    for line in lines:
        owner, ttl, rrtype, rdata = line.split(maxsplit=3)
        key = parse_name(owner), rrtypes.parse_rrtype(rrtype)
        held = gathered.get(key, RRset(*key, int(ttl), ()))
        gathered[key] = held._replace(rdatas=(*held.rdatas, parse_rdata(key[1], rdata, ROOT)))
    return tuple(gathered.values())


def reply(
    *answer: str,
    authority: tuple[str, ...] = (),
    additional: tuple[str, ...] = (),
    rcode: int = rrtypes.NOERROR,
    flags: int = AA,
    edns: Edns | None = None,
) -> Message:
    """Return a reply whose question `drive` fills in."""
    sections = rrsets(*answer), rrsets(*authority), rrsets(*additional)
    return Message(0, QR | flags, 0, rcode, ROOT, 0, 1, *sections, edns)


def referral(ns: str, *glue: str) -> Message:
    """Return a referral."""
    return reply(authority=(ns,), additional=glue, flags=0)


class Internet:
    """Fake servers: address → {"name TYPE" or "*.suffix": reply}; the exact question counts first."""

    def __init__(self, servers: dict[str, dict[str, Reply]], rtt_s: float = 0.01) -> None:
        self.servers = servers
        self.rtt_s = rtt_s
        self.now = 1000.0
        self.asked: list[str] = []

    def find(self, step: AskServer) -> Reply:
        """Return what a server says to a question."""
        table = self.servers.get(step.address, {})
        qname = format_name(step.qname)
        keys = [
            f"{qname} {rrtypes.format_rrtype(step.qtype)} {'TCP' if step.over_tcp else 'UDP'}",
            f"{qname} {rrtypes.format_rrtype(step.qtype)} {'EDNS' if step.with_edns else 'plain'}",
            f"{qname} {rrtypes.format_rrtype(step.qtype)}",
            *sorted((key for key in table if key[0] == "*" and f".{qname}".endswith(key[1:])), key=len)[::-1],
        ]
        return next((table[key] for key in keys if key in table), "silence")

    def resolve(
        self,
        qname: str,
        qtype: int = rrtypes.A,
        *,
        cache: Cache | None = None,
        starting_at: Delegation | None = None,
        local: LocalLookup | None = None,
        limits: Limits | None = None,
    ) -> Resolved:
        """Drive a resolution to its end, noting in `asked` who was asked what."""
        resolution = Resolution(
            parse_name(qname),
            qtype,
            Cache() if cache is None else cache,
            HINTS,
            draw=lambda: 0.5,
            starting_at=starting_at,
            local=local,
            limits=limits or Limits(),
        )
        while True:
            step = resolution.next_step(self.now)
            if isinstance(step, Resolved):
                return step
            how = (" TCP" if step.over_tcp else "") + ("" if step.with_edns else " plain")
            question = f"{format_name(step.qname)} {rrtypes.format_rrtype(step.qtype)}"
            self.asked.append(f"{step.address} {question}{how}")
            found = self.find(step)
            if isinstance(found, str):
                self.now += step.timeout_s if found == "silence" else 0.0
                resolution.on_failure(found, self.now, is_silence=found == "silence")
            else:
                self.now += self.rtt_s
                full = found._replace(qname=step.qname, qtype=step.qtype) if found.qname == ROOT else found
                resolution.on_reply(full, self.now)


def lines(resolved: Resolved) -> list[str]:
    """Return an answer section as text, without the class."""
    return [line.replace(" IN ", " ") for rrset in resolved.answer for line in format_rrset(rrset)]


def make_tree(**records: Reply) -> Internet:
    """Return root and com. servers and one for example.com with these replies, keyed by their questions."""
    return Internet(
        {
            "192.0.2.1": {"*.com.": referral(*COM), "*.net.": referral("net. 3600 NS a.tld.", COM[1])},
            "192.0.2.2": {"*.example.com.": referral(*EXAMPLE)},
            "192.0.2.3": dict(records),
        }
    )
