"""What does a reply say, once everything its sender may not say is dropped?

A reply is judged by the zone whose server was asked: only records at or below that zone (its bailiwick)
count, only the CNAME chain that starts at the question is followed, only a referral that leads strictly down
towards the question is taken, and glue only for the referral's own name servers. What remains is one of five
values; `cache` gives the same values back, so a resolution treats both alike.

A synthesized CNAME is not believed but made again from its DNAME (RFC 6672 §3.4).

Carries out: RFC 1034 §5.3.3 step 4, RFC 2181 §5.4.1, RFC 2308 §2.1, §2.2 and §5, RFC 6672 §2.3 and §3.1.
DNSSEC records are left out.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.dns import rrtypes
from r53lite.dns.message import QR, Message
from r53lite.dns.name import MAX_NAME_OCTETS, ROOT, ancestors_of, format_name, is_subdomain, parent_of
from r53lite.dns.rdata import soa_numbers
from r53lite.dns.rrset import RRset
from r53lite.resolver.delegation import Delegation, addresses_of
from r53lite.resolver.limits import MAX_NEGATIVE_TTL_S, MAX_POSITIVE_TTL_S

ANSWERING_RCODES = frozenset({rrtypes.NOERROR, rrtypes.NXDOMAIN, rrtypes.YXDOMAIN})
"""Response codes that answer a question; every other one says that this server cannot or will not."""

UNFOLLOWED = frozenset({rrtypes.CNAME, rrtypes.ANY})
"""Types that a CNAME itself answers (RFC 1034 §3.6.2)."""


class Positive(NamedTuple):
    """The answer, with the chain that leads to it in order."""

    chain: tuple[RRset, ...]


class Alias(NamedTuple):
    """A chain whose last CNAME leads to `target`, of which the sender may not or does not speak."""

    chain: tuple[RRset, ...]
    target: bytes


class Negative(NamedTuple):
    """`target`, the end of the chain, lacks the type (NOERROR) or does not exist (NXDOMAIN).

    `soa` carries the negative TTL; without one the answer is not to be cached (RFC 2308 §5). YXDOMAIN: a
    DNAME's substitution is too long (RFC 6672 §2.2).
    """

    chain: tuple[RRset, ...]
    target: bytes
    rcode: int
    soa: RRset | None


class Referral(NamedTuple):
    """Ask these servers; `ttl` is how long the delegation and its glue hold."""

    delegation: Delegation
    ttl: int


class Lame(NamedTuple):
    """The server does not serve the zone, or says nothing usable."""

    reason: str


Outcome = Positive | Alias | Negative
Reply = Outcome | Referral | Lame


def is_reply_to(message: Message, qname: bytes, qtype: int) -> bool:
    """Say whether a message is a response to this question; an error may leave the question out."""
    if not message.flags & QR or message.opcode != rrtypes.OPCODE_QUERY:
        return False
    if message.qname is None:
        return message.rcode not in ANSWERING_RCODES
    return (message.qname, message.qtype, message.qclass) == (qname, qtype, rrtypes.CLASS_IN)


def scrub(message: Message, zone: bytes, qname: bytes, qtype: int) -> Reply:
    """Read a reply of a server of `zone`.

    Args:
        message: the reply; `is_reply_to` holds and it is not truncated.
        zone: wire name of the zone whose server was asked.
        qname: the question's name, at or below `zone`.
        qtype: the question's type.

    Source: RFC 1034 §5.3.3, RFC 2308 §2.
    """
    if message.rcode not in ANSWERING_RCODES:
        return Lame(f"answered {rrtypes.format_rcode(message.rcode)}")
    chain, target, has_ended = _follow(message.answer, zone, qname, qtype)
    if has_ended:
        return Positive(chain)
    if target is None:
        return Negative(chain, qname, rrtypes.YXDOMAIN, None)
    if message.rcode == rrtypes.YXDOMAIN:
        return Lame("answered YXDOMAIN without a DNAME that is too long")
    soa = _negative_soa(message.authority, zone, target)
    if message.rcode == rrtypes.NXDOMAIN and is_subdomain(target, zone):
        return Negative(chain, target, rrtypes.NXDOMAIN, soa)
    if chain:
        # RFC 2308 §2.2: the SOA may speak of the chain's end, but asking for it anew is always right.
        return Alias(chain, target)
    if soa is not None:
        return Negative((), qname, rrtypes.NOERROR, soa)
    return _read_referral(message, zone, qname)


def _follow(
    answer: tuple[RRset, ...], zone: bytes, qname: bytes, qtype: int
) -> tuple[tuple[RRset, ...], bytes | None, bool]:
    """Follow the chain from the question; return it, its end (None: too long) and whether it has data."""
    records = {(rrset.owner, rrset.rrtype): rrset for rrset in answer if is_subdomain(rrset.owner, zone)}
    chain: list[RRset] = []
    seen: set[bytes] = set()
    target = qname
    while target not in seen:
        seen.add(target)
        link = _find_dname(records, target)
        if link is None:
            found = [records[target, qtype]] if (target, qtype) in records else []
            if qtype == rrtypes.ANY:
                found = [rrset for rrset in records.values() if rrset.owner == target]
            if found:
                return (*chain, *(cap_ttl(rrset) for rrset in found)), target, True
            link = records.get((target, rrtypes.CNAME))
        if link is None:
            break
        link = cap_ttl(link)._replace(rdatas=link.rdatas[:1])  # RFC 2181 §10.1: a second one is a fault
        chain.append(link)
        if link.rrtype == rrtypes.DNAME:
            cname = synthesize_cname(link, target)
            if cname is None:
                return tuple(chain), None, False
            chain.append(cname)
            link = cname
        if qtype in UNFOLLOWED:
            return tuple(chain), target, True
        target = link.rdatas[0]
    return tuple(chain), target, False


def _find_dname(records: dict[tuple[bytes, int], RRset], name: bytes) -> RRset | None:
    """Return the DNAME of the closest proper ancestor of `name`."""
    if name == ROOT:
        return None
    keys = ((ancestor, rrtypes.DNAME) for ancestor in ancestors_of(parent_of(name)))
    return next((records[key] for key in keys if key in records), None)


def synthesize_cname(dname: RRset, name: bytes) -> RRset | None:
    """Return the CNAME that a DNAME makes of a name below it, with the DNAME's TTL; None: it is too long.

    Source: RFC 6672 §2.2, §3.1.
    """
    target = name[: len(name) - len(dname.owner)] + dname.rdatas[0]
    if len(target) > MAX_NAME_OCTETS:
        return None
    return RRset(name, rrtypes.CNAME, dname.ttl, (target,))


def cap_ttl(rrset: RRset) -> RRset:
    """Return the RRset with a TTL of one day at most (RFC 2181 §8 allows the cap)."""
    return rrset if rrset.ttl <= MAX_POSITIVE_TTL_S else rrset.with_ttl(MAX_POSITIVE_TTL_S)


def _negative_soa(authority: tuple[RRset, ...], zone: bytes, target: bytes) -> RRset | None:
    """Return the SOA that speaks for `target`, its TTL that of the negative answer (RFC 2308 §3, §5)."""
    for rrset in authority:
        if (
            rrset.rrtype == rrtypes.SOA
            and is_subdomain(rrset.owner, zone)
            and is_subdomain(target, rrset.owner)
        ):
            minimum = soa_numbers(rrset.rdatas[0])[1]
            return rrset.with_ttl(min(rrset.ttl, minimum, MAX_NEGATIVE_TTL_S))
    return None


def _read_referral(message: Message, zone: bytes, qname: bytes) -> Reply:
    """Read a reply without answer and SOA: a referral, NODATA without a SOA, or a lame server's."""
    for rrset in message.authority:
        if rrset.rrtype != rrtypes.NS or not is_subdomain(qname, rrset.owner):
            continue
        if rrset.owner != zone and is_subdomain(rrset.owner, zone):
            return _make_referral(rrset, message.additional, zone)
        if not message.is_authoritative:
            return Lame(f"referred to {format_name(rrset.owner)!r}, which does not lead down")
    if message.is_authoritative:
        return Negative((), qname, rrtypes.NOERROR, None)  # RFC 2308 §2.2, NODATA type 3
    return Lame("answered nothing")


def _make_referral(ns: RRset, additional: tuple[RRset, ...], zone: bytes) -> Referral:
    """Join an NS set with the glue that the zone above may give for it."""
    servers: dict[bytes, tuple[str, ...]] = dict.fromkeys(ns.rdatas, ())
    ttl = min(ns.ttl, MAX_POSITIVE_TTL_S)
    for rrset in additional:
        if rrset.owner in servers and is_subdomain(rrset.owner, zone):
            addresses = addresses_of(rrset)
            if addresses:
                servers[rrset.owner] += addresses
                ttl = min(ttl, rrset.ttl)
    return Referral(Delegation(ns.owner, servers), ttl)
