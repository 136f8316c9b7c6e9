"""How does recursion take over where our own zones end?

Four cases: a name in none of our zones, a question without RD (the cache alone answers), a cut of ours, and a
CNAME that leaves our zones; in the last two recursion finishes what our zones began. What the cache holds is
answered at once; only a question that recursion must go out for comes back as a function that does so.

Carries out: RFC 1034 §4.3.2 (step 1, RD and RA), RFC 8914 (why a resolution failed).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial

from r53lite.answering.authoritative import Result
from r53lite.answering.recursive import Recursive
from r53lite.dns import rrtypes
from r53lite.dns.message import Query, Response
from r53lite.dns.rrset import RRset
from r53lite.errors import ResolutionError
from r53lite.resolver.delegation import Delegation, addresses_of
from r53lite.resolver.resolution import Resolved
from r53lite.zone.outcome import Referral

EDE_NOT_AUTHORITATIVE = 20  # RFC 8914 §4.21

_NOT_RESOLVED = rrtypes.META_TYPES - {rrtypes.ANY}  # nobody has data of these: no upstream is asked for them

Resolve = Callable[[], Coroutine[None, None, Response]]
"""Goes out and returns the response. Not a coroutine, which would complain if nobody came to await it."""

Outcome = Response | Resolve


def answer_outside(recursive: Recursive | None, query: Query) -> Outcome:
    """Answer for a name in none of our zones; `recursive` is None for clients that may not recurse."""
    if recursive is None:
        return Response(rrtypes.REFUSED, ede_code=EDE_NOT_AUTHORITATIVE)
    if query.qtype in _NOT_RESOLVED:
        return Response(rrtypes.NOTIMP, is_recursion_available=True)  # as BIND answers MAILA and MAILB
    if not query.is_recursion_desired:
        return _from_cache(recursive, query)
    return _recurse(recursive, query.qname, query.qtype)


def complete(recursive: Recursive, result: Result, query: Query) -> Outcome:
    """Let recursion finish what our zones begin: at a cut, or after a CNAME that leaves them."""
    response = result.response
    if query.qtype in _NOT_RESOLVED:
        return response
    if result.leaving is not None:
        return _recurse(recursive, result.leaving, query.qtype, response.answer)
    if result.referral is not None:
        last = query.qname if not response.answer else response.answer[-1].rdatas[0]
        return _recurse(recursive, last, query.qtype, response.answer, _delegation(result.referral))
    return response


def _from_cache(recursive: Recursive, query: Query) -> Response:
    """Answer a question without RD from the cache alone; what is not there is refused."""
    known = recursive.cached(query.qname, query.qtype)
    if known is None:
        return Response(rrtypes.REFUSED, is_recursion_available=True, ede_code=EDE_NOT_AUTHORITATIVE)
    return _resolved_response(known)


def _recurse(
    recursive: Recursive,
    qname: bytes,
    qtype: int,
    prefix: tuple[RRset, ...] = (),
    starting_at: Delegation | None = None,
) -> Outcome:
    """Answer from the cache, or return the coroutine that goes out; `prefix` is a chain found in our
    zones.
    """
    known = recursive.cached(qname, qtype)
    if known is not None:
        return _resolved_response(known, prefix)
    return partial(_resolve, recursive, qname, qtype, prefix, starting_at)


async def _resolve(
    recursive: Recursive,
    qname: bytes,
    qtype: int,
    prefix: tuple[RRset, ...],
    starting_at: Delegation | None,
) -> Response:
    """Resolve; a failure is SERVFAIL with its reason as an extended error."""
    try:
        resolved = await recursive.resolve(qname, qtype, starting_at)
    except ResolutionError as error:
        return Response(
            rrtypes.SERVFAIL,
            is_recursion_available=True,
            answer=prefix,
            ede_code=error.ede_code,
            ede_text=str(error)[:200],
        )
    return _resolved_response(resolved, prefix)


def _delegation(referral: Referral) -> Delegation:
    """Return our own zone's cut as a place for recursion to start."""
    servers: dict[bytes, tuple[str, ...]] = dict.fromkeys(referral.ns.rdatas, ())
    for rrset in (*referral.glue, *referral.sibling_glue):
        servers[rrset.owner] = servers.get(rrset.owner, ()) + addresses_of(rrset)
    return Delegation(referral.ns.owner, servers)


def _resolved_response(resolved: Resolved, prefix: tuple[RRset, ...] = ()) -> Response:
    """Return what recursion found as a response: never authoritative, RA set."""
    return Response(
        resolved.rcode,
        is_recursion_available=True,
        answer=(*prefix, *resolved.answer),
        authority=resolved.authority,
    )
