"""What does the resolver remember, and for how long?

Four tables, each bounded in octets (least recently used goes first) and each entry bounded in time:

- answers: RRsets, NODATA and NXDOMAIN, the only ones that a client ever sees;
- delegations, learned from referrals of the zone above only, with their glue: a child cannot keep itself
  alive after its parent took it away ("ghost domains"), and glue never becomes an answer;
- failures, so that a broken zone is not asked again by every client (RFC 9520);
- servers: smoothed round-trip time and what they do not understand.

Credibility (RFC 2181 §5.4.1) is mostly this separation: answers over delegations and glue. Among answers an
authoritative one is not replaced by one without the AA bit.

Always true: `now` never runs backwards; a TTL given out is what remains; nothing with a TTL of 0 is kept.

Carries out: RFC 1035 §7.4, RFC 2181 §5.4.1, RFC 2308 §5, RFC 6672 §3.4, RFC 8020 §2, RFC 9520 §3.2. Serving
stale data (RFC 8767) is left out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

from r53lite.dns import rrtypes
from r53lite.dns.name import ancestors_of
from r53lite.dns.rrset import RRset
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import FAILURE_TTL_S, SERVER_TTL_S
from r53lite.resolver.scrub import UNFOLLOWED, Alias, Negative, Outcome, Positive, synthesize_cname

DEFAULT_LIMIT_BYTES = 64 << 20  # our choice; about 120,000 answers
_SMALL_TABLE_LIMIT_BYTES = 4 << 20
_ENTRY_BYTES = 480  # key, tuples and table slots of an entry, measured on CPython 3.11
_NXDOMAIN = -1  # stands for "every type" in a key; no question can ask for it
_SMOOTHING = 0.3  # weight of a new measurement, as in BIND
_MAX_RTT_S = 12.0

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringTable(Generic[K, V]):
    """A table bounded in octets and time: the least recently used entry makes room."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._entries: OrderedDict[K, tuple[V, float, int]] = OrderedDict()

    def __len__(self) -> int:
        """Count the entries, those past their time included."""
        return len(self._entries)

    def get(self, key: K, now: float) -> tuple[V, float] | None:
        """Return the value and the seconds it still holds, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        left_s = entry[1] - now
        if left_s <= 0:
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[0], left_s

    def put(self, key: K, value: V, expires: float, content_bytes: int) -> None:
        """Keep a value until `expires`, in place of what the key had."""
        self.drop(key)
        size = _ENTRY_BYTES + content_bytes
        if size > self._limit_bytes:
            return
        self._entries[key] = (value, expires, size)
        self._used_bytes += size
        while self._used_bytes > self._limit_bytes:
            self._used_bytes -= self._entries.popitem(last=False)[1][2]

    def drop(self, key: K) -> None:
        """Forget a key."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._used_bytes -= entry[2]


class _Answer(NamedTuple):
    """An RRset that answers, or (`is_negative`) the SOA of a negative answer."""

    rrset: RRset
    is_negative: bool
    is_authoritative: bool


class Server(NamedTuple):
    """What is known of a server: smoothed round-trip time in seconds, and whether it understands EDNS."""

    rtt_s: float
    has_edns: bool = True


class Cache:
    """The memory of one resolver.

    Args:
        limit_bytes: room for answers; delegations get a quarter of it on top.
    """

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._answers: ExpiringTable[tuple[bytes, int], _Answer] = ExpiringTable(limit_bytes)
        self._delegations: ExpiringTable[bytes, Delegation] = ExpiringTable(limit_bytes // 4)
        self._failures: ExpiringTable[tuple[bytes, int], str] = ExpiringTable(_SMALL_TABLE_LIMIT_BYTES)
        self._servers: ExpiringTable[str, Server] = ExpiringTable(_SMALL_TABLE_LIMIT_BYTES)

    # --- answers --------------------------------------------------------------------------------------------

    def get_answer(self, name: bytes, rrtype: int, now: float) -> Outcome | None:
        """Return what is known of a name and type: data, a CNAME or DNAME that leads on, or their absence.

        Returns:
            TTLs are what remains in whole seconds. None: nothing known.

        Source: RFC 2308 §5; RFC 6672 §3.4 (synthesis from a cached DNAME); RFC 8020 §2 (nothing below
            NXDOMAIN).
        """
        hit = self._answers.get((name, rrtype), now)
        if hit is not None:
            rrset = hit[0].rrset.with_ttl(int(hit[1]))
            return Negative((), name, rrtypes.NOERROR, rrset) if hit[0].is_negative else Positive((rrset,))
        if rrtype not in UNFOLLOWED:
            cname = self._get_rrset(name, rrtypes.CNAME, now)
            if cname is not None:
                return Alias((cname,), cname.rdatas[0])
        for ancestor in ancestors_of(name):
            nxdomain = self._answers.get((ancestor, _NXDOMAIN), now)
            if nxdomain is not None:
                soa = nxdomain[0].rrset.with_ttl(int(nxdomain[1]))
                return Negative((), name, rrtypes.NXDOMAIN, soa)
            dname = self._get_rrset(ancestor, rrtypes.DNAME, now) if ancestor != name else None
            if dname is not None:
                cname = synthesize_cname(dname, name)
                if cname is None:
                    return Negative((dname,), name, rrtypes.YXDOMAIN, None)
                if rrtype in UNFOLLOWED:
                    return Positive((dname, cname))
                return Alias((dname, cname), cname.rdatas[0])
        return None

    def _get_rrset(self, name: bytes, rrtype: int, now: float) -> RRset | None:
        """Return a positive answer's RRset with the TTL that remains."""
        hit = self._answers.get((name, rrtype), now)
        return None if hit is None or hit[0].is_negative else hit[0].rrset.with_ttl(int(hit[1]))

    def get_addresses(self, name: bytes, now: float) -> tuple[RRset, ...]:
        """Return the A and AAAA RRsets of a host that answers gave."""
        found = (self._get_rrset(name, rrtype, now) for rrtype in (rrtypes.A, rrtypes.AAAA))
        return tuple(rrset for rrset in found if rrset is not None)

    def put_chain(self, chain: Iterable[RRset], is_authoritative: bool, now: float) -> None:
        """Keep the RRsets of a chain. A CNAME that its DNAME made is left out: `get_answer` makes it again.

        Args:
            chain: in the order of `scrub.Positive`.
            is_authoritative: the AA bit of the reply.
            now: monotonic seconds.
        """
        follows_dname = False
        for rrset in chain:
            if not (follows_dname and rrset.rrtype == rrtypes.CNAME):
                self._put_answer(rrset.owner, rrset.rrtype, _Answer(rrset, False, is_authoritative), now)
            follows_dname = rrset.rrtype == rrtypes.DNAME

    def put_negative(self, negative: Negative, rrtype: int, is_authoritative: bool, now: float) -> None:
        """Keep NODATA for one type, or NXDOMAIN for all; without a SOA nothing is kept (RFC 2308 §5)."""
        if negative.soa is not None:
            key_type = _NXDOMAIN if negative.rcode == rrtypes.NXDOMAIN else rrtype
            self._put_answer(negative.target, key_type, _Answer(negative.soa, True, is_authoritative), now)

    def _put_answer(self, name: bytes, rrtype: int, answer: _Answer, now: float) -> None:
        """Keep one answer unless it is held by a more credible one (RFC 2181 §5.4.1)."""
        if answer.rrset.ttl <= 0:
            return
        if not answer.is_authoritative:
            held = self._answers.get((name, rrtype), now)
            if held is not None and held[0].is_authoritative:
                return
        size = 2 * len(name) + sum(33 + len(rdata) for rdata in answer.rrset.rdatas)
        self._answers.put((name, rrtype), answer, now + answer.rrset.ttl, size)

    # --- delegations ----------------------------------------------------------------------------------------

    def find_delegation(self, name: bytes, now: float) -> Delegation | None:
        """Return the delegation of the closest zone at or above a name."""
        for ancestor in ancestors_of(name):
            hit = self._delegations.get(ancestor, now)
            if hit is not None:
                return hit[0]
        return None

    def put_delegation(self, delegation: Delegation, ttl: int, now: float) -> None:
        """Keep a delegation that the zone above gave."""
        if ttl > 0:
            size = sum(200 + 2 * len(name) + 70 * len(held) for name, held in delegation.servers.items())
            self._delegations.put(delegation.zone, delegation, now + ttl, size)

    def drop_delegation(self, zone: bytes) -> None:
        """Forget a delegation none of whose servers helped: the zone above may know better by now."""
        self._delegations.drop(zone)

    # --- failures and servers -------------------------------------------------------------------------------

    def get_failure(self, name: bytes, rrtype: int, now: float) -> str | None:
        """Return the reason why this question failed a moment ago."""
        hit = self._failures.get((name, rrtype), now)
        return None if hit is None else hit[0]

    def put_failure(self, name: bytes, rrtype: int, reason: str, now: float) -> None:
        """Keep a failure for 5 s (RFC 9520 §3.2)."""
        self._failures.put((name, rrtype), reason, now + FAILURE_TTL_S, 2 * len(name) + len(reason))

    def get_server(self, address: str, now: float) -> Server | None:
        """Return what is known of a server."""
        hit = self._servers.get(address, now)
        return None if hit is None else hit[0]

    def observe_reply(self, address: str, rtt_s: float, now: float) -> None:
        """Feed the round-trip time of a reply."""
        known = self.get_server(address, now)
        if known is None:
            self._put_server(address, Server(rtt_s), now)
        else:
            self._put_server(
                address, known._replace(rtt_s=known.rtt_s + _SMOOTHING * (rtt_s - known.rtt_s)), now
            )

    def observe_silence(self, address: str, waited_s: float, now: float) -> None:
        """Feed a query without a reply: the server counts as twice as slow, and not quicker than the wait."""
        known = self.get_server(address, now) or Server(0.0)
        self._put_server(address, known._replace(rtt_s=min(max(2 * known.rtt_s, waited_s), _MAX_RTT_S)), now)

    def observe_no_edns(self, address: str, now: float) -> None:
        """Note that a server does not understand EDNS (RFC 6891 §7)."""
        known = self.get_server(address, now) or Server(0.0)
        self._put_server(address, known._replace(has_edns=False), now)

    def _put_server(self, address: str, server: Server, now: float) -> None:
        """Keep what is known of a server."""
        self._servers.put(address, server, now + SERVER_TTL_S, len(address))
