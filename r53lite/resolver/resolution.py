"""How does a question become an answer, one upstream query at a time?

A `Resolution` does no I/O. Its driver asks for the `next_step(now)`, which is a query to send (`AskServer`)
or the end (`Resolved`), and tells what came of it with `on_reply` or `on_failure`; a resolution that cannot
go on raises `ResolutionError` from `next_step`.

Inside stands a stack of lookups. The lowest is the question; above it, while a delegation has no usable
address, the address of a name server, which may need another. Each lookup goes the same way:

    target ── own data or cache ──> answer, absence ─> done
       ^                       └──> CNAME: new target ─┐
       ├───────────────────────────────────────────────┘
       └─> closest delegation ─> server ─> reply: referral (closer delegation), answer, CNAME, or next server

Always true: within one lookup delegations lead strictly down; a name never occurs twice in a CNAME chain; a
question never stands twice in the stack; every query counts towards one limit. So every resolution ends.

Carries out: RFC 1034 §5.3.3, RFC 1035 §7, RFC 6672 §3.4, RFC 6891 §6.2.2 (server without EDNS), RFC 7766 §5
(TCP when truncated), RFC 9520. Left out: query name minimisation (RFC 9156), priming (RFC 8109), validation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from r53lite.dns import rrtypes
from r53lite.dns.message import Message
from r53lite.dns.name import ROOT, format_name, parent_of
from r53lite.dns.rrset import RRset
from r53lite.errors import ResolutionError
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import DEFAULT_LIMITS, Limits
from r53lite.resolver.scrub import Alias, Lame, Negative, Outcome, Positive, Referral, is_reply_to, scrub
from r53lite.resolver.servers import ResolveName, ServerChoice

EDE_OTHER = 0  # RFC 8914 §4.1
EDE_CACHED_ERROR = 13  # RFC 8914 §4.14

LocalLookup = Callable[[bytes, int], Message | None]
"""Answers a name and type from zones of this very process, or None: not ours."""


class Resolved(NamedTuple):
    """The end of a resolution: the chain in order, and for an absence the SOA with the TTL that remains."""

    rcode: int
    answer: tuple[RRset, ...]
    authority: tuple[RRset, ...]


class AskServer(NamedTuple):
    """Send this question to this server of `zone`; `depth` counts the addresses it is needed for."""

    address: str
    zone: bytes
    qname: bytes
    qtype: int
    over_tcp: bool
    with_edns: bool
    timeout_s: float
    depth: int = 0


class _Shared(NamedTuple):
    """What all lookups of a resolution have in common."""

    cache: Cache
    hints: Delegation
    limits: Limits
    draw: Callable[[], float]
    local: LocalLookup | None


class Resolution:
    """One question on its way.

    Args:
        qname: lower-case wire name.
        qtype: any type a question may have, transfers excepted.
        cache: read at every turn, fed with every reply.
        hints: the root servers.
        draw: a number from 0 up to 1, uniform; orders servers of equal speed.
        starting_at: a delegation at or above `qname` that is known better than the cache knows (our own
            zone's cut).
        local: asked before the cache for every name and type the resolution needs.
        limits: see `Limits`.
    """

    def __init__(
        self,
        qname: bytes,
        qtype: int,
        cache: Cache,
        hints: Delegation,
        *,
        draw: Callable[[], float],
        starting_at: Delegation | None = None,
        local: LocalLookup | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._shared = _Shared(cache, hints, limits, draw, local)
        self._stack = [_Lookup(qname, qtype, self._shared, starting_at)]
        self._query_count = 0

    def next_step(self, now: float) -> AskServer | Resolved:
        """Return what to do next.

        Args:
            now: monotonic seconds.

        Raises:
            ResolutionError: no server is left, or a limit is reached.
        """
        while True:
            lookup = self._stack[-1]
            step: AskServer | ResolveName | Resolved
            try:
                step = lookup.next_step(now)
            except ResolutionError as error:
                if len(self._stack) == 1:
                    raise
                self._stack.pop()
                self._stack[-1].on_no_address(str(error))
                continue
            if isinstance(step, ResolveName):
                self._descend(step)
            elif isinstance(step, AskServer):
                return self._count(step)
            elif len(self._stack) == 1:
                return step
            else:
                self._stack.pop()
                self._stack[-1].on_addresses(step, now)

    def _descend(self, step: ResolveName) -> None:
        """Put an address lookup on the stack, unless it would wait for itself or stand too high."""
        name = format_name(step.name)
        if any((lookup.qname, lookup.qtype) == step for lookup in self._stack):
            self._stack[-1].on_no_address(f"the address of {name!r} depends on itself")
        elif len(self._stack) > self._shared.limits.nested_depth:
            self._stack[-1].on_no_address(
                f"the address of {name!r} needs more than {len(self._stack) - 1} others"
            )
        else:
            self._stack.append(_Lookup(step.name, step.rrtype, self._shared, None))

    def _count(self, step: AskServer) -> AskServer:
        """Count a query towards the limit of the resolution."""
        self._query_count += 1
        if self._query_count > self._shared.limits.queries:
            raise ResolutionError(f"no answer after {self._shared.limits.queries} queries", EDE_OTHER)
        return step._replace(depth=len(self._stack) - 1)

    def on_reply(self, message: Message, now: float) -> None:
        """Take the reply to the last `AskServer`."""
        self._stack[-1].on_reply(message, now)

    def on_failure(self, reason: str, now: float, *, is_silence: bool = False) -> None:
        """Take note that the last `AskServer` brought no reply.

        Args:
            reason: for the error message, should the resolution fail.
            now: monotonic seconds.
            is_silence: the server may only have been slow, or the datagram lost: it gets a second try.
        """
        self._stack[-1].on_failure(reason, now, is_silence)


def resolve_known(
    qname: bytes, qtype: int, cache: Cache, now: float, local: LocalLookup | None = None
) -> Resolved | None:
    """Return the whole answer if own data and cache hold it, else None: ask upstream, or it failed lately."""
    no_hints = Delegation(ROOT, {})
    lookup = _Lookup(qname, qtype, _Shared(cache, no_hints, DEFAULT_LIMITS, lambda: 0.0, local), None)
    try:
        return lookup.find_known(now)
    except ResolutionError:
        return None


class _Lookup:
    """One question, through its CNAME chain; `target` is the name that is looked for now."""

    def __init__(self, qname: bytes, qtype: int, shared: _Shared, starting_at: Delegation | None) -> None:
        self.qname = qname
        self.qtype = qtype
        self._shared = shared
        self._target = qname
        self._start = starting_at  # a delegation to use for this target, before cache and hints
        self._chain: tuple[RRset, ...] = ()
        self._cname_owners: set[bytes] = set()
        self._referral_count = 0
        self._choice: ServerChoice | None = None
        self._asked: AskServer | None = None
        self._asked_at = 0.0
        self._retry: AskServer | None = None
        self._silences: set[str] = set()
        self._last_reason = "it has no servers"
        self._end: Resolved | ResolutionError | None = None

    def next_step(self, now: float) -> AskServer | ResolveName | Resolved:
        """Return what this lookup needs next; raises ResolutionError at its end without an answer."""
        if isinstance(self._end, ResolutionError):
            raise self._end
        if self._end is not None:
            return self._end
        if self._choice is None:
            known = self.find_known(now)
            if known is not None:
                return known
            self._enter(self._closest_delegation(now), now)
        step = self._retry or self._ask_next(now)
        self._retry = None
        if isinstance(step, AskServer):
            self._asked, self._asked_at = step, now
        return step

    # --- what is known already ------------------------------------------------------------------------------

    def find_known(self, now: float) -> Resolved | None:
        """Follow own data and the cache as far as they go; set where the walk starts after that."""
        while True:
            outcome = self._find_local() or self._shared.cache.get_answer(self._target, self.qtype, now)
            if isinstance(outcome, Referral):
                self._start = outcome.delegation
                return None
            if outcome is None:
                self._check_failures(now)
                return None
            resolved = self._take(outcome)
            if resolved is not None:
                return resolved

    def _find_local(self) -> Outcome | Referral | None:
        """Ask the zones of this process; what they say is not cached, because they may change at any time."""
        if self._shared.local is None or self._start is not None:
            return None
        message = self._shared.local(self._target, self.qtype)
        if message is None:
            return None
        outcome = scrub(message, ROOT, self._target, self.qtype)
        if isinstance(outcome, Lame):
            raise ResolutionError(f"own zone of {format_name(self._target)!r} {outcome.reason}", EDE_OTHER)
        return outcome

    def _check_failures(self, now: float) -> None:
        """Raise if this very question failed within the last seconds (RFC 9520 §3.2)."""
        reason = self._shared.cache.get_failure(self._target, self.qtype, now)
        if reason is not None:
            raise ResolutionError(reason, EDE_CACHED_ERROR)

    def _closest_delegation(self, now: float) -> Delegation:
        """Return the deepest delegation known above the target."""
        name = self._target
        if self.qtype == rrtypes.DS and name != ROOT:
            name = parent_of(name)  # RFC 4035 §3.1.4.1: the zone above holds the DS of a cut
        start = self._start or self._shared.hints
        cached = self._shared.cache.find_delegation(name, now)
        return cached if cached is not None and len(cached.zone) > len(start.zone) else start

    def _enter(self, delegation: Delegation, now: float) -> None:
        """Go to the servers of a delegation."""
        shared = self._shared
        self._choice = ServerChoice(delegation, shared.cache, shared.draw, shared.limits.address_lookups, now)
        self._silences.clear()

    # --- asking ---------------------------------------------------------------------------------------------

    def _ask_next(self, now: float) -> AskServer | ResolveName:
        """Return the query to the next server."""
        choice = self._current_choice()
        address = choice.next_server()
        zone = choice.delegation.zone
        if address is None:
            self._shared.cache.drop_delegation(zone)
            raise ResolutionError(
                f"no server of zone {format_name(zone)!r} helped; the last problem: {self._last_reason}"
            )
        if isinstance(address, ResolveName):
            return address
        limits = self._shared.limits
        server = self._shared.cache.get_server(address, now)
        timeout_s, has_edns = limits.try_timeout_s, True
        if server is not None:
            has_edns = server.has_edns
            if server.rtt_s > 0:
                timeout_s = min(max(4 * server.rtt_s, limits.min_try_timeout_s), timeout_s)
        return AskServer(address, zone, self._target, self.qtype, False, has_edns, timeout_s)

    def _current_choice(self) -> ServerChoice:
        """Return the servers of the delegation we are at."""
        assert self._choice is not None, "asked before a delegation was entered"
        return self._choice

    def on_no_address(self, reason: str) -> None:
        """Take note that a name server's address cannot be had."""
        self._last_reason = reason

    def on_addresses(self, resolved: Resolved, now: float) -> None:
        """Take the addresses of a name server, if there are any."""
        self._last_reason = "a name server has no address"
        self._current_choice().add_addresses(resolved.answer, now)

    def on_failure(self, reason: str, now: float, is_silence: bool) -> None:
        """Go on to the next server; a silent one gets a second try after all others."""
        asked = self._last_asked()
        self._last_reason = f"{asked.address} {reason}"
        if is_silence:
            self._shared.cache.observe_silence(asked.address, asked.timeout_s, now)
            if asked.address not in self._silences:
                self._silences.add(asked.address)
                self._current_choice().add_silent(asked.address)

    def on_reply(self, message: Message, now: float) -> None:
        """Take a reply: finish, go down, follow a CNAME, ask again in another way, or ask the next server."""
        asked = self._last_asked()
        if not is_reply_to(message, asked.qname, asked.qtype):
            return self.on_failure("answered another question", now, is_silence=False)
        self._shared.cache.observe_reply(asked.address, now - self._asked_at, now)
        if message.rcode in (rrtypes.FORMERR, rrtypes.NOTIMP) and asked.with_edns and message.edns is None:
            self._shared.cache.observe_no_edns(asked.address, now)
            self._retry = asked._replace(with_edns=False)
        elif message.is_truncated and not asked.over_tcp:
            self._retry = asked._replace(over_tcp=True, timeout_s=self._shared.limits.try_timeout_s)
        elif message.is_truncated:
            self.on_failure("truncated a reply over TCP", now, is_silence=False)
        else:
            try:
                self._end = self._read(message, asked.zone, now)
            except ResolutionError as error:
                self._end = error
        return None

    def _last_asked(self) -> AskServer:
        """Return the query that is out."""
        assert self._asked is not None, "told of a reply before anything was asked"
        return self._asked

    # --- reading replies ------------------------------------------------------------------------------------

    def _read(self, message: Message, zone: bytes, now: float) -> Resolved | None:
        """Take what is left of a reply after scrubbing; return the end of the lookup if this is it."""
        outcome = scrub(message, zone, self._target, self.qtype)
        if isinstance(outcome, Lame):
            self.on_failure(outcome.reason, now, is_silence=False)
        elif isinstance(outcome, Referral):
            self._refer(outcome, now)
        else:
            self._keep(outcome, message.is_authoritative, now)
            return self._take(outcome)
        return None

    def _refer(self, referral: Referral, now: float) -> None:
        """Follow a referral."""
        self._referral_count += 1
        if self._referral_count > self._shared.limits.referrals:
            raise ResolutionError(f"more than {self._shared.limits.referrals} referrals", EDE_OTHER)
        self._shared.cache.put_delegation(referral.delegation, referral.ttl, now)
        self._enter(referral.delegation, now)

    def _keep(self, outcome: Outcome, is_authoritative: bool, now: float) -> None:
        """Cache a reply. What answers ANY may be a part of what exists (RFC 8482), so it is not kept."""
        cache = self._shared.cache
        if self.qtype != rrtypes.ANY:
            cache.put_chain(outcome.chain, is_authoritative, now)
        if isinstance(outcome, Negative):
            cache.put_negative(outcome, self.qtype, is_authoritative, now)

    def _take(self, outcome: Outcome) -> Resolved | None:
        """Add an outcome to the chain; return the end of the lookup, or None: there is a new target."""
        self._chain += outcome.chain
        if isinstance(outcome, Positive):
            return Resolved(rrtypes.NOERROR, self._chain, ())
        if isinstance(outcome, Negative):
            return Resolved(outcome.rcode, self._chain, () if outcome.soa is None else (outcome.soa,))
        self._follow(outcome)
        return None

    def _follow(self, alias: Alias) -> None:
        """Make the end of a CNAME chain the new target, from the top."""
        self._cname_owners.update(rrset.owner for rrset in alias.chain if rrset.rrtype == rrtypes.CNAME)
        if alias.target in self._cname_owners:
            raise ResolutionError(f"CNAME loop at {format_name(alias.target)!r}", EDE_OTHER)
        if len(self._cname_owners) > self._shared.limits.cnames:
            raise ResolutionError(f"more than {self._shared.limits.cnames} CNAMEs", EDE_OTHER)
        self._target = alias.target
        self._start = self._choice = None
