"""How does a request's bytes become a reply's bytes? The one door for every transport.

`answer` is a plain call for everything that needs no waiting: errors, our own zones, cached recursive
answers. Only a question that recursion must go out for comes back as a coroutine. Order: replay
(`answering.replay`) → decode → access → our zones → recursion → REFUSED. Any exception that is not a
`WireError` is a bug: logged once with its traceback, counted, answered SERVFAIL.
"""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import NamedTuple

from r53lite.answering.access import AccessList
from r53lite.answering.authoritative import Options, Result, respond
from r53lite.answering.recursive import Recursive
from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes, wire
from r53lite.dns.message import AA, QR, Message, Query, Response
from r53lite.dns.rrset import RRset
from r53lite.errors import ResolutionError, WireError
from r53lite.health.table import HealthTable
from r53lite.resolver.delegation import Delegation, addresses_of
from r53lite.resolver.resolution import Resolved
from r53lite.routing.context import Context
from r53lite.routing.locations import Locations
from r53lite.zone.outcome import Referral

EDE_NOT_READY, EDE_PROHIBITED, EDE_NOT_AUTHORITATIVE = 14, 18, 20  # RFC 8914 §4

Reply = bytes | None | Coroutine[None, None, bytes | None]

logger = logging.getLogger("r53lite.answering")
_draw = random.Random().randrange  # which answer comes is no secret: the fast generator will do


class DispatchSettings(NamedTuple):
    """What the door needs of the settings."""

    recursion_clients: AccessList
    udp_payload_bytes: int = 1232
    minimal_responses: bool = False


class Dispatch:
    """The door of one server.

    Args:
        snapshot: returns the snapshot a query is to see.
        health: returns the published health table.
        recursive: the resolver, or None where recursion is off.
        settings: limits and access.
        draw: a whole number from 0 to n-1, uniform.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Callable[[], HealthTable],
        recursive: Recursive | None,
        settings: DispatchSettings,
        draw: Callable[[int], int] = _draw,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._recursive = recursive
        self._settings = settings
        self._draw = draw
        self._replay = Replay(snapshot(), health(), draw)
        self._permits: dict[str, bool] = {}
        self._places: dict[str, Place] = {}
        self._placed_by: Locations | None = None
        self.failures = 0

    def answer_batch(self, requests: Sequence[bytes], client: Callable[[int], str]) -> list[Reply]:
        """Answer datagrams that came together, in order; all of them see one snapshot.

        Args:
            requests: the messages.
            client: returns the IP address that a request came from; asked only where the reply needs it.

        Returns:
            For each request what `answer` returns.
        """
        self._refresh()
        replies: list[Reply] = []
        add = replies.append
        is_one_kind = self._recursive is None
        find = self._replay.ready(is_stream=False, may_recurse=False).young.get
        for index, request in enumerate(requests):
            if not is_one_kind:
                may_recurse = self._may_recurse(client(index))
                find = self._replay.ready(is_stream=False, may_recurse=may_recurse).young.get
            ready = find(request[2:])
            if ready.__class__ is bytes:
                add(request[:2] + ready)  # type: ignore[operator]  # mypy does not narrow by `__class__`
            elif ready is None:
                add(self._answer_new(request, client(index), is_stream=False))
            else:
                add(self._answer_ready(ready, request, client(index), is_stream=False))
        return replies

    def answer(self, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Answer one request.

        Args:
            request: the message, without TCP's length.
            address: the client's IP address as text.
            is_stream: True for TCP, where only 65,535 octets limit the reply.

        Returns:
            The reply; None to stay silent; or a coroutine that returns either, where recursion has to go out.
        """
        self._refresh()
        table = self._replay.ready(is_stream=is_stream, may_recurse=self._may_recurse(address))
        ready = table.young.get(request[2:])
        if ready is None:
            return self._answer_new(request, address, is_stream=is_stream)
        return self._answer_ready(ready, request, address, is_stream=is_stream)

    def _refresh(self) -> None:
        """Let compiled answers go that are no longer true."""
        self._replay.refresh(self._snapshot(), self._health())

    def _may_recurse(self, address: str) -> bool:
        """Say whether recursion is on and open to a client."""
        if self._recursive is None:
            return False
        known = self._permits.get(address)
        if known is None:
            if len(self._permits) >= MAX_KNOWN_CLIENTS:
                self._permits.clear()
            # A link-local client has its interface behind the address.
            known = self._settings.recursion_clients.permits(ip_address(address.partition("%")[0]))
            self._permits[address] = known
        return known

    def _answer_ready(self, ready: Ready, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Replay the reply of a request that was answered before."""
        tree: ReadyTree | None
        if isinstance(ready, ReadyEntry):
            tree = ready.find(lambda: self._place_of_client(address))
            if tree is None:
                return self._answer_new(request, address, is_stream=is_stream)
        else:
            tree = ready
        return request[:2] + pick_ready(tree, self._draw)

    def _answer_new(self, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Answer a request that no table of whole requests holds."""
        try:
            query = wire.decode_query(request)
        except WireError as error:
            return None if error.rcode is None else wire.encode_error(request, error.rcode)
        limit_bytes = wire.MAX_MESSAGE_BYTES if is_stream else self._udp_limit(query)
        asker = Asker(request, address, limit_bytes, is_stream)
        try:
            outcome = self._answer(query, asker)
            if isinstance(outcome, bytes):
                return outcome
            if isinstance(outcome, Response):
                return wire.encode_response(query, outcome, limit_bytes, self._settings.udp_payload_bytes)
        except Exception:
            logger.exception("a query failed")
            self.failures += 1
            outcome = Response(rrtypes.SERVFAIL)
            return wire.encode_response(query, outcome, limit_bytes, self._settings.udp_payload_bytes)
        return self._finish(outcome, query, limit_bytes)

    def _udp_limit(self, query: Query) -> int:
        """Return the longest UDP reply: 512 without EDNS, else the lesser of both sides' sizes (RFC 6891
        §6.2.5).
        """
        if query.edns is None:
            return 512
        return min(query.edns.payload_bytes, self._settings.udp_payload_bytes)

    async def _finish(
        self, pending: Coroutine[None, None, Response], query: Query, limit_bytes: int
    ) -> bytes:
        """Wait for recursion and encode what came of it."""
        try:
            response = await pending
        except Exception:
            logger.exception("a query failed")
            self.failures += 1
            response = Response(rrtypes.SERVFAIL)
        return wire.encode_response(query, response, limit_bytes, self._settings.udp_payload_bytes)

    def _answer(self, query: Query, asker: Asker) -> bytes | Response | Coroutine[None, None, Response]:
        """Decide who answers: an error, our zones, recursion, or nobody."""
        if query.edns is not None and query.edns.version > 0:
            return Response(rrtypes.BADVERS)  # RFC 6891 §6.1.3
        if query.qclass not in (rrtypes.CLASS_IN, rrtypes.CLASS_ANY) or query.qtype in (
            rrtypes.AXFR,
            rrtypes.IXFR,
        ):
            return Response(rrtypes.REFUSED, ede_code=EDE_PROHIBITED)
        if query.qtype == rrtypes.OPT:
            return Response(rrtypes.FORMERR)
        recursive = self._recursive if self._may_recurse(asker.address) else None
        zone = self._snapshot().catalog.find(query.qname)
        if zone is not None:
            return self._answer_from_zone(query, asker, zone, recursive)
        if recursive is None:
            return Response(rrtypes.REFUSED, ede_code=EDE_NOT_AUTHORITATIVE)
        if not query.is_recursion_desired:
            return self._from_cache(recursive, query)
        return self._recurse(recursive, query.qname, query.qtype)

    def _answer_from_zone(
        self, query: Query, asker: Asker, zone: Zone, recursive: Recursive | None
    ) -> bytes | Response | Coroutine[None, None, Response]:
        """Answer from one of our zones: replay, or take the clear path."""
        shape = shape_of(zone, query.qname, query.qtype)
        clear = ClearPath(
            self._snapshot().catalog,
            zone,
            query,
            Options(self._settings.minimal_responses, query.edns is not None and query.edns.is_dnssec_ok),
            recursive is not None,
            shape.private_octets,
        )
        asked = Asked(
            (shape.key, query.qtype, query.qclass, query.flags & _REPLAYED_FLAGS, clear.edns_kind, asker.limit_bytes)
            + (recursive is not None,),
            shape.is_shared,
            shape.record,
            partial(clear.run, asker.limit_bytes),
            partial(self._place, query, asker.address),
            _is_placed_by_request(query),
        )
        found = self._replay.find(asked)
        if found is not None:
            reply = self._replayed(query, asker, asked, *found)
            if reply is not None:
                return reply
        result = clear.respond(Context(self._health(), partial(self._location, asked.place), self._draw))
        if recursive is not None and query.is_recursion_desired:
            return self._complete(recursive, result, query)
        return wire.encode_response(
            query, result.response, asker.limit_bytes, self._settings.udp_payload_bytes, shape.private_octets
        )

    def _replayed(
        self, query: Query, asker: Asker, asked: Asked, found: Tree | Entry, leaf: Leaf
    ) -> bytes | None:
        """Put a reply together from a compiled answer; None where the OPT record leaves too little room."""
        opt = b""
        if query.edns is not None:
            scope = asked.place().prefix_len if leaf.is_scoped else 0
            opt = wire.encode_reply_opt(
                query, Response(0, scope_prefix_len=scope), self._settings.udp_payload_bytes
            )
        reply = b"".join(
            (asker.request[:2], leaf.head, query.question, asked.record, leaf.body, opt)
        )
        if len(reply) > asker.limit_bytes:
            return None
        table = self._replay.ready(is_stream=asker.is_stream, may_recurse=self._may_recurse(asker.address))
        self._replay.keep_ready(table, asker.request[2:], asked, found, query.question, opt)
        return reply

    def _place(self, query: Query, address: str) -> Place:
        """Return where the client is; a client subnet stands for the client (RFC 7871 §7.2.1)."""
        subnet = query.client_subnet
        if subnet is None:
            return self._place_of_client(address)
        if subnet.source_prefix_len == 0:  # the scope is one of the subnet, not of the source address
            return self._place_of_client(address)._replace(prefix_len=0)
        packed = subnet.address.ljust(4 if subnet.family == 1 else 16, b"\x00")
        return Place(*self._snapshot().locations.find(packed, subnet.source_prefix_len))

    def _place_of_client(self, address: str) -> Place:
        """Return where a client is by the address it asks from."""
        locations = self._snapshot().locations
        if locations is not self._placed_by:
            self._placed_by = locations
            self._places.clear()
        place = self._places.get(address)
        if place is None:
            if len(self._places) >= MAX_KNOWN_CLIENTS:
                self._places.clear()
            packed = ip_address(address.partition("%")[0]).packed
            place = self._places[address] = Place(*locations.find(packed, 8 * len(packed)))
        return place

    def _from_cache(self, recursive: Recursive, query: Query) -> Response:
        """Answer a question without RD from the cache alone; what is not there is refused."""
        known = recursive.cached(query.qname, query.qtype)
        if known is None:
            return Response(rrtypes.REFUSED, is_recursion_available=True, ede_code=EDE_NOT_AUTHORITATIVE)
        return _resolved_response(known)

    def _recurse(
        self,
        recursive: Recursive,
        qname: bytes,
        qtype: int,
        prefix: tuple[RRset, ...] = (),
        starting_at: Delegation | None = None,
    ) -> Response | Coroutine[None, None, Response]:
        """Answer from the cache, or return the coroutine that goes out; `prefix` is a chain found in our
        zones.
        """
        known = recursive.cached(qname, qtype)
        if known is not None:
            return _resolved_response(known, prefix)
        return self._resolve(recursive, qname, qtype, prefix, starting_at)

    async def _resolve(
        self,
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

    def _complete(
        self, recursive: Recursive, result: Result, query: Query
    ) -> Response | Coroutine[None, None, Response]:
        """Let recursion finish what our zones begin: at a cut, or after a CNAME that leaves them."""
        response = result.response._replace(is_recursion_available=True)
        last = query.qname if not response.answer else response.answer[-1].rdatas[0]
        if result.leaving is not None:
            return self._recurse(recursive, result.leaving, query.qtype, response.answer)
        if result.referral is not None:
            return self._recurse(recursive, last, query.qtype, response.answer, _delegation(result.referral))
        return response

    def local(self, qname: bytes, qtype: int) -> Message | None:
        """Answer for our own resolver from our own zones; None where they do not hold the name.

        Policies see no client there: the resolver is located as a client nobody knows.
        """
        snapshot = self._snapshot()
        zone = snapshot.catalog.find(qname)
        if zone is None:
            return None
        context = Context(self._health(), snapshot.locations.locate(b"\x00" * 4, 0), self._draw)
        response = respond(snapshot.catalog, zone, qname, qtype, context, Options(is_minimal=True)).response
        return Message(
            0,
            QR | (AA if response.is_authoritative else 0),
            rrtypes.OPCODE_QUERY,
            response.rcode,
            qname,
            qtype,
            rrtypes.CLASS_IN,
            response.answer,
            response.authority,
            (*response.glue, *response.additional),
            None,
        )


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
