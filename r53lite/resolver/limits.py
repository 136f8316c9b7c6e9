"""How far may one resolution go? Every bound of the resolver, with where its number comes from.

A resolver works for whoever asks, on data that anyone may publish: each loop needs a number that ends it
(RFC 1034 §5.3.3, "bound the amount of work").
"""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """The bounds of one resolution; tests and tools may tighten them.

    Attributes:
        referrals: delegations followed for one name; 127 labels are possible, real trees stay below 10.
        cnames: links of one CNAME chain.
        queries: upstream queries of the whole resolution, name server addresses included.
        nested_depth: address lookups that may stand upon each other (a name server's zone needs another
            zone's server…).
        address_lookups: address lookups for one delegation without glue; bounds the NXNSAttack amplification.
        try_timeout_s: longest wait for one reply.
        min_try_timeout_s: shortest wait, however quick a server was before.
        deadline_s: the whole resolution.
    """

    referrals: int = 30  # Unbound 130; no RFC sets one
    cnames: int = 16  # gdnsd 16, Unbound 11; no RFC sets one
    queries: int = 100  # BIND's max-recursion-queries for many years
    nested_depth: int = 4  # Unbound's target-fetch-policy stops at depth 4
    address_lookups: int = (
        8  # Unbound and BIND fetch a handful; the NXNSAttack paper (2020) asks for a small constant
    )
    try_timeout_s: float = 1.5  # two rounds over two dead servers fit into the deadline
    min_try_timeout_s: float = 0.4  # a busy server on a quick path is not a dead one
    deadline_s: float = (
        8.0  # past dig's 5 s a client has asked again, and that question joins the one in flight
    )


DEFAULT_LIMITS = Limits()

MAX_POSITIVE_TTL_S = 86400  # RFC 8767 §4 asks for a cap in days; one day is Unbound's cache-max-ttl
MAX_NEGATIVE_TTL_S = 10800  # RFC 2308 §5: one to three hours work well
FAILURE_TTL_S = 5.0  # RFC 9520 §3.2: at least 1 s, at most 5 minutes; 5 s is its starting value
SERVER_TTL_S = 900.0  # Unbound's infra-host-ttl: what is known of a server is forgotten after that
MAX_CONCURRENT_RESOLUTIONS = (
    1000  # our choice: one socket each, below the usual limit of 1,024 descriptors with TCP's
)
