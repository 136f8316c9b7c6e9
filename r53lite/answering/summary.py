"""What does a response come to, for those who report on it? Pure."""

from __future__ import annotations

from typing import NamedTuple

from r53lite.answering.authoritative import Result
from r53lite.dns import rrtypes


class Summary(NamedTuple):
    """The end of an answer section.

    `values` are those of the last RRset, of `rrtype`; none where a CNAME chain ends without what was asked
    for, or leaves our zones: whoever asks has to go on. `ttl` is how long the whole chain may be kept; None
    without an answer section.
    """

    ttl: int | None
    rrtype: int
    values: tuple[bytes, ...]


def summary_of(result: Result, qtype: int) -> Summary:
    """Return what a result answers to a question of a type."""
    answer = result.response.answer
    if not answer:
        return Summary(None, qtype, ())
    links = [rrset for rrset in answer if rrset.rrtype != rrtypes.DNAME or qtype == rrtypes.DNAME]
    ttl = min(rrset.ttl for rrset in links)
    last = answer[-1]
    is_cut_short = last.rrtype == rrtypes.CNAME and qtype != rrtypes.CNAME
    return Summary(ttl, last.rrtype, () if is_cut_short else last.rdatas)
