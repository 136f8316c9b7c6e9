"""What can a lookup say? Seven values, never an exception (RFC 1034 §4.3.2, 2308, 6672, 8020).

`data` is an RRset, or a policy group that the caller lets a policy choose from; its owner may be a wildcard,
the answer's owner is always `owner`. `is_wildcard` says the data was synthesized (RFC 4592).
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.dns.rrset import RRset
from r53lite.zone.model import Data


class Answer(NamedTuple):
    """The name has the type (for ANY: one of its types, RFC 8482)."""

    owner: bytes
    data: Data
    is_wildcard: bool = False


class Cname(NamedTuple):
    """The name is an alias (CNAME) and the question is not for CNAME."""

    owner: bytes
    data: Data
    is_wildcard: bool = False


class Dname(NamedTuple):
    """A proper ancestor of the name has a DNAME (RFC 6672)."""

    rrset: RRset


class Referral(NamedTuple):
    """The name is at or below a zone cut: the child's NS set, and the DS set where there is one.

    `glue` holds addresses of name servers at or below the cut (needed, RFC 9471), `sibling_glue` other
    addresses the zone knows for them.
    """

    ns: RRset
    ds: RRset | None
    glue: tuple[RRset, ...]
    sibling_glue: tuple[RRset, ...]


class NoData(NamedTuple):
    """The name exists (or a wildcard matches) without the type: NOERROR and the SOA (RFC 2308 §2.2)."""

    soa: RRset


class NxDomain(NamedTuple):
    """The name does not exist, and nothing below it: NXDOMAIN and the SOA (RFC 2308 §2.1, 8020)."""

    soa: RRset


class OutOfZone(NamedTuple):
    """The name is not in this zone."""


Outcome = Answer | Cname | Dname | Referral | NoData | NxDomain | OutOfZone
