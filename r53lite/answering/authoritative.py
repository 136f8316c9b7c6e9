"""What do our own zones answer?

`respond` is the clear path: it looks a name up, lets a policy choose where a policy group sits, follows
CNAMEs as far as our zones reach, and builds a `Response` field by field from the outcome. The last name of a
chain settles the response code (RFC 6604 §2); the first settles AA. What recursion could finish (a cut, a
chain that leaves our zones) is said in the result, and the caller decides.

Carries out: RFC 1034 §4.3.2, RFC 2308 §2 and §5, RFC 6604, RFC 6672 §3.1 (DNAME), RFC 8482 (ANY), RFC 9471
(glue). Pure: chance comes in through `Context.choose` and `Context.arrange`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, assert_never

from r53lite.dns import rrtypes
from r53lite.dns.message import Response
from r53lite.dns.name import MAX_NAME_OCTETS, is_subdomain
from r53lite.dns.rdata import target_of
from r53lite.dns.rrset import RRset
from r53lite.routing.context import Context
from r53lite.routing.record_set import RecordSetGroup
from r53lite.routing.registry import select
from r53lite.routing.selection import arranged_rdatas
from r53lite.zone.catalog import Catalog
from r53lite.zone.lookup import additional_addresses, lookup
from r53lite.zone.model import Data, Zone
from r53lite.zone.outcome import Answer, Cname, Dname, NoData, NxDomain, OutOfZone, Referral

MAX_CNAME_CHAIN = 16  # gdnsd 16, Unbound 11; no RFC sets one


class Result(NamedTuple):
    """A response, and what a recursive resolver could still add to it.

    `referral` is the cut where our data ends, `leaving` the CNAME target outside our zones; at most one is
    set.
    """

    response: Response
    referral: Referral | None = None
    leaving: bytes | None = None


class Options(NamedTuple):
    """What client and settings want.

    `is_minimal` leaves apex NS set and additional addresses out of positive answers; `is_dnssec_ok` is the
    query's DO bit.
    """

    is_minimal: bool = False
    is_dnssec_ok: bool = False


class _Chain:
    """The answer section as it grows along a CNAME chain, and the scope of the choices made.

    `is_endless` says that the last link is a DNAME that leads below itself: while the zone stays the same,
    every further link would be longer, without end.
    `is_broken` is True once a choice was an alias that leads nowhere.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.is_endless = False
        self.answer: list[RRset] = []
        self.scope_prefix_len = 0
        self.is_broken = False

    def has(self, owner: bytes, rrtype: int) -> bool:
        """Say whether the answer section holds an RRset already."""
        return any(rrset.owner == owner and rrset.rrtype == rrtype for rrset in self.answer)

    def add(self, data: Data, owner: bytes) -> RRset | None:
        """Append data at `owner`, letting its policy choose; None where the policy has nothing for this
        client.
        """
        if isinstance(data, RRset):
            rrset = RRset(owner, data.rrtype, data.ttl, arranged_rdatas(data.rdatas, self.context))
        else:
            assert isinstance(data, RecordSetGroup)
            selection = select(data, self.context)
            self.scope_prefix_len = max(self.scope_prefix_len, selection.scope_prefix_len)
            if not selection.rdatas:
                self.is_broken = not selection.is_usable
                return None
            rdatas = selection.rdatas
            if not selection.is_arranged:
                rdatas = arranged_rdatas(rdatas, self.context)
            rrset = RRset(owner, data.rrtype, selection.ttl, rdatas)
        self.answer.append(rrset)
        return rrset


def respond(
    catalog: Catalog, zone: Zone, qname: bytes, qtype: int, context: Context, options: Options
) -> Result:
    """Answer a question from our zones.

    Args:
        catalog: all our zones.
        zone: the longest of them that holds `qname`.
        qname: lower-case wire name.
        qtype: the question's type.
        context: what policies may look at.
        options: what the client and the settings want.

    Returns:
        The response, never an exception for any name.

    Source: RFC 1034 §4.3.2; docs/route53/records-and-changes.md §1.10.
    """
    chain = _Chain(context)
    name = qname
    seen = {qname}
    while True:
        if qtype == rrtypes.DS and name == zone.origin:
            zone = catalog.find_parent_side(name) or zone  # RFC 4035 §3.1.4.1: DS lives on the parent's side
        step = _step(chain, zone, name, qtype, options)
        if isinstance(step, Result):
            return step
        if step in seen or len(seen) > MAX_CNAME_CHAIN:
            return Result(_response(chain, rrtypes.NOERROR))
        next_zone = catalog.find(step)
        if next_zone is None:
            return Result(_response(chain, rrtypes.NOERROR), leaving=step)
        if chain.is_endless and next_zone is zone:
            return Result(_response(chain, rrtypes.NOERROR))
        seen.add(step)
        name, zone = step, next_zone


def _step(chain: _Chain, zone: Zone, name: bytes, qtype: int, options: Options) -> Result | bytes:
    """Answer one name of a chain: the result that ends it, or the name it goes on with."""
    outcome = lookup(zone, name, qtype)
    match outcome:
        case Answer(owner, data):
            if chain.has(owner, data.rrtype):  # a chain of DNAMEs came back to one, and DNAME is asked for
                return _positive(chain, zone, options)
            if chain.add(data, owner) is None:
                return _nothing(chain, zone)
            return _positive(chain, zone, options)
        case Cname(owner, data):
            chain.is_endless = False
            cname = chain.add(data, owner)
            return _nothing(chain, zone) if cname is None else cname.rdatas[0]
        case Dname(rrset):
            if not chain.has(rrset.owner, rrtypes.DNAME):  # RFC 2181 §5: no record twice
                chain.add(rrset, rrset.owner)
            target = name[: len(name) - len(rrset.owner)] + rrset.rdatas[0]
            if len(target) > MAX_NAME_OCTETS:  # RFC 6672 §2.2
                return Result(_response(chain, rrtypes.YXDOMAIN))
            chain.answer.append(RRset(name, rrtypes.CNAME, rrset.ttl, (target,)))
            if qtype == rrtypes.CNAME:
                return _positive(chain, zone, options)
            chain.is_endless = is_subdomain(rrset.rdatas[0], rrset.owner)
            return target
        case Referral():
            return _delegated(chain, outcome, options)
        case NoData(soa):
            return _negative(chain, rrtypes.NOERROR, soa)
        case NxDomain(soa):
            return _negative(chain, rrtypes.NXDOMAIN, soa)
        case OutOfZone():
            return Result(_response(chain, rrtypes.REFUSED))
    assert_never(outcome)


def _response(chain: _Chain, rcode: int) -> Response:
    """Return a response with the chain's answer section alone."""
    return Response(
        rcode,
        is_authoritative=rcode not in (rrtypes.REFUSED, rrtypes.SERVFAIL),
        answer=tuple(chain.answer),
        scope_prefix_len=chain.scope_prefix_len,
    )


def _positive(chain: _Chain, zone: Zone, options: Options) -> Result:
    """Return an answer with the apex NS set and the addresses of the hosts it names, as far as they fit."""
    response = _response(chain, rrtypes.NOERROR)
    if options.is_minimal:
        return Result(response)
    last = chain.answer[-1]
    is_apex_ns = last.rrtype == rrtypes.NS and last.owner == zone.origin
    authority = () if is_apex_ns else (zone.ns,)
    answered = {(rrset.owner, rrset.rrtype) for rrset in chain.answer}
    additional = _addresses(zone, chain.answer, answered)
    return Result(
        response._replace(
            authority=authority,
            is_authority_optional=True,
            additional=additional,
            authority_addresses=_addresses(zone, authority, answered),
        )
    )


def _addresses(zone: Zone, rrsets: Iterable[RRset], answered: set[tuple[bytes, int]]) -> tuple[RRset, ...]:
    """Return the addresses our zone holds for the hosts that NS, MX and SRV name (RFC 1034 §3.7).

    Args:
        zone: where to look.
        rrsets: what names the hosts.
        answered: owner and type of what the reply holds; what is found is added.
    """
    found = []
    for rrset in rrsets:
        for rdata in sorted(rrset.rdatas):  # whatever order was drawn: what fits must not depend on it
            target = target_of(rrset.rrtype, rdata)
            if target is None:
                break
            for address in additional_addresses(zone, target):
                if (address.owner, address.rrtype) not in answered:
                    answered.add((address.owner, address.rrtype))
                    found.append(address)
    return tuple(found)


def _nothing(chain: _Chain, zone: Zone) -> Result:
    """Return what a policy without data gives: NODATA, or SERVFAIL for an alias that leads nowhere.

    Source: docs/route53/alias-trees.md §3.1 `[INF]`.
    """
    if chain.is_broken:
        return Result(_response(chain, rrtypes.SERVFAIL))
    return _negative(chain, rrtypes.NOERROR, zone.negative_soa)


def _negative(chain: _Chain, rcode: int, soa: RRset) -> Result:
    """Return NXDOMAIN or NODATA with the SOA (RFC 2308 §2)."""
    return Result(_response(chain, rcode)._replace(authority=(soa,)))


def _delegated(chain: _Chain, referral: Referral, options: Options) -> Result:
    """Return a referral; behind a chain it stands below the answer, which stays authoritative."""
    authority: tuple[RRset, ...] = (referral.ns,)
    if referral.ds is not None and options.is_dnssec_ok:  # RFC 3225 §3: only for those who asked
        authority = (referral.ns, referral.ds)
    response = _response(chain, rrtypes.NOERROR)._replace(
        is_authoritative=bool(chain.answer),
        authority=authority,
        glue=referral.glue,
        additional=referral.sibling_glue,
    )
    return Result(response, referral=referral)
