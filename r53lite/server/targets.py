"""Which addresses do the names outside our zones have that aliases lead to?

The settings give a name addresses, or other names. Those are resolved here, in the background, and again
when their TTL is over; a query only reads the table that was published last, as it reads health. A name that
cannot be resolved keeps what it had for `MAX_STALE_S` and is then unknown: an alias to it is unusable. One
that resolves to nothing of a type is known to have nothing: NODATA.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import chain
from typing import Protocol

from r53lite.config.target_settings import TargetRule, rule_for
from r53lite.dns import rrtypes
from r53lite.dns.name import format_name
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import ADDRESS_OCTETS, format_rrtype
from r53lite.errors import ResolutionError
from r53lite.resolver.resolution import LocalLookup, Resolved
from r53lite.routing.record_set import OutsideTarget

MIN_REFRESH_S, MAX_REFRESH_S = 1, 3600  # our choice: bounds of a TTL
RETRY_S = 5.0  # our choice
MAX_STALE_S = 300.0  # our choice: five times what Route 53 lets a load balancer's addresses live
MAX_CONCURRENT = 20  # our choice: resolutions at once

_Key = tuple[bytes, int]  # a name that is resolved, and the type

Resolve = Callable[[bytes, int], Awaitable[tuple[RRset, ...]]]


class Resolver(Protocol):
    """What is needed of `answering.recursive.Recursive`."""

    async def resolve(self, qname: bytes, qtype: int) -> Resolved:
        """Find an answer, or raise a ResolutionError."""
        ...


logger = logging.getLogger("r53lite.server")


class OutsideTargets:
    """The addresses of outside names; `table` is another object whenever one has changed. A name that is not
    in it is unknown; its addresses may be none.

    Args:
        rules: the settings' `targets`.
        sleep: waits; tests have their own.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        rules: tuple[TargetRule, ...],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._sleep = sleep
        self._clock = clock
        self._resolve: Resolve | None = None
        self._targets: frozenset[OutsideTarget] = frozenset()
        self._tasks: dict[_Key, asyncio.Task[None]] = {}
        self._resolved: dict[_Key, tuple[bytes, ...]] = {}
        self._permits = asyncio.Semaphore(MAX_CONCURRENT)
        self.table: Mapping[OutsideTarget, tuple[bytes, ...]] = {}

    def update(self, targets: Iterable[OutsideTarget]) -> None:
        """Take the outside names of a new snapshot: addresses of the settings count at once."""
        if self._targets == frozenset(targets):
            return
        self._targets = frozenset(targets)
        for target in sorted(self._targets):
            if rule_for(self._rules, target.owner) is None:
                what = _shown((target.owner, target.rrtype))
                logger.warning("no entry of 'targets' is for %s: aliases to it are unusable", what)
        self._publish()
        self._adjust()

    def resolve_locally(self, local: LocalLookup) -> None:
        """Resolve what our own zones answer, at once; for who reads files and runs no server."""
        for key in {key for target in self._targets for key in self._keys_of(target)}:
            found = local(*key)
            if found is not None and found.rcode != rrtypes.SERVFAIL:
                self._learn(key, tuple(sorted(_rdatas(found.answer, key[1]))))

    def start(self, recursive: Resolver | None, local: LocalLookup) -> None:
        """Begin to resolve names.

        Args:
            recursive: resolves any name; None where recursion is off.
            local: answers from our own zones, which is all there is without recursion.
        """

        async def resolve(name: bytes, rrtype: int) -> tuple[RRset, ...]:
            if recursive is not None:
                return (await recursive.resolve(name, rrtype)).answer
            found = local(name, rrtype)
            if found is None or found.rcode == rrtypes.SERVFAIL:
                raise ResolutionError("our own zones do not answer it, and recursion is off")
            return found.answer

        self._resolve = resolve
        self._adjust()

    async def stop(self) -> None:
        """End all background work."""
        self._resolve = None
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _adjust(self) -> None:
        """Run one task for each name that has to be resolved, and no other."""
        if self._resolve is None:
            return
        wanted = {key for target in self._targets for key in self._keys_of(target)}
        for key in self._tasks.keys() - wanted:
            self._tasks.pop(key).cancel()
            self._resolved.pop(key, None)
        for key in wanted - self._tasks.keys():
            task = asyncio.get_running_loop().create_task(self._keep_fresh(key, self._resolve))
            self._tasks[key] = task

    def _keys_of(self, target: OutsideTarget) -> list[_Key]:
        rule = rule_for(self._rules, target.owner)
        return [] if rule is None else [(name or target.owner, target.rrtype) for name in rule.names]

    def _publish(self) -> None:
        """Publish another table if anything differs."""
        table = {}
        for target in self._targets:
            rule = rule_for(self._rules, target.owner)
            known = [rule.addresses_of(target.rrtype)] if rule is not None and rule.addresses else []
            known += [self._resolved[key] for key in self._keys_of(target) if key in self._resolved]
            if known:
                table[target] = tuple(dict.fromkeys(chain.from_iterable(known)))
        if table != self.table:
            self.table = table

    async def _keep_fresh(self, key: _Key, resolve: Resolve) -> None:
        """Resolve one name again and again, until cancelled; a reason why not is logged once."""
        good_until = 0.0
        logged = ""
        while True:
            try:
                async with self._permits:
                    answer = await resolve(*key)
                self._learn(key, tuple(sorted(_rdatas(answer, key[1]))))
            except Exception as error:  # the guard of one refresh: a bug in it must not end the next ones
                if logged != repr(error):
                    logged = repr(error)
                    if isinstance(error, ResolutionError):
                        logger.warning("cannot resolve %s for an alias: %s", _shown(key), error)
                    else:
                        logger.exception("refreshing %s for an alias failed", _shown(key))
                if self._clock() >= good_until and self._resolved.pop(key, None) is not None:
                    self._publish()
                await self._sleep(RETRY_S)
                continue
            if logged:
                logged = ""
                logger.info("%s is resolved again", _shown(key))
            ttl = min((rrset.ttl for rrset in answer), default=int(RETRY_S))
            good_until = self._clock() + ttl + MAX_STALE_S
            await self._sleep(min(max(ttl, MIN_REFRESH_S), MAX_REFRESH_S))

    def _learn(self, key: _Key, rdatas: tuple[bytes, ...]) -> None:
        if self._resolved.get(key) != rdatas:
            self._resolved[key] = rdatas
            self._publish()


def _shown(key: _Key) -> str:
    return f"{format_name(key[0])} {format_rrtype(key[1])}"


def _rdatas(answer: tuple[RRset, ...], rrtype: int) -> list[bytes]:
    """Return the addresses of an answer; the CNAMEs before them and rdata of a wrong length do not count."""
    rdatas = [rdata for rrset in answer if rrset.rrtype == rrtype for rdata in rrset.rdatas]
    return [rdata for rdata in rdatas if len(rdata) == ADDRESS_OCTETS[rrtype]]
