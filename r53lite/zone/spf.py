"""How many look-ups does an SPF record cost who evaluates it?

A receiver of mail gives up after ten (RFC 7208 §4.6.4), and then the policy is void. The mechanisms
`include`, `a`, `mx`, `ptr` and `exists` and the modifier `redirect` cost one each; what `include` and
`redirect` name is counted too where our zones hold it. Names with macros depend on the mail and are not
followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from r53lite.dns.name import parse_name
from r53lite.errors import NameSyntaxError

MAX_LOOKUPS = 10  # RFC 7208 §4.6.4
_VERSION = "v=spf1"
_COSTLY = frozenset(("include", "a", "mx", "ptr", "exists"))


class SpfCost(NamedTuple):
    """Look-ups of a record and all that it includes; `loop` is a name that includes itself."""

    lookups: int
    loop: bytes | None


def spf_texts(rdatas: Iterable[bytes]) -> list[str]:
    """Return the SPF records among TXT rdatas: their character-strings joined (RFC 7208 §3.3, §4.5)."""
    texts = ["".join(_strings_of(rdata)) for rdata in rdatas]
    return [text for text in texts if text.lower() == _VERSION or text.lower().startswith(_VERSION + " ")]


def spf_cost(owner: bytes, text: str, find: Callable[[bytes], str | None]) -> SpfCost:
    """Count the look-ups of an SPF record.

    Args:
        owner: wire name it stands at.
        text: the record.
        find: returns the SPF record of a name that our zones hold, or None.
    """
    return _cost(text, find, (owner,))


def _cost(text: str, find: Callable[[bytes], str | None], path: tuple[bytes, ...]) -> SpfCost:
    lookups = 0
    for term in text.split()[1:]:
        domain = _domain_of(term)
        if domain is None:
            continue
        lookups += 1
        if not domain or "%" in domain or lookups > MAX_LOOKUPS:
            continue
        try:
            name = parse_name(domain)
        except NameSyntaxError:
            continue
        if name in path:
            return SpfCost(lookups, name)
        included = find(name)
        if included is not None:
            cost = _cost(included, find, (*path, name))
            lookups += cost.lookups
            if cost.loop is not None:
                return SpfCost(lookups, cost.loop)
    return SpfCost(lookups, None)


def _domain_of(term: str) -> str | None:
    """Return the name whose record a term goes on with; "" is a look-up of another kind, None is none."""
    term = term.lower()
    if term.startswith("redirect="):
        return term.removeprefix("redirect=")
    name, _, domain = term.lstrip("+-?~").partition(":")
    name = name.partition("/")[0]
    if name not in _COSTLY:
        return None
    return domain if name == "include" else ""


def _strings_of(rdata: bytes) -> Iterable[str]:
    at = 0
    while at < len(rdata):
        end = at + 1 + rdata[at]
        yield rdata[at + 1 : end].decode("ascii", "replace")
        at = end
