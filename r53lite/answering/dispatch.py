"""How does a request's bytes become a reply's bytes? The one door for every transport.

`answer` is a plain call for everything that needs no waiting: errors, our own zones, cached recursive
answers. Only a question that recursion must go out for comes back as a coroutine. Order: decode → cookie →
EDNS version → class → transfers → our zones → recursion → REFUSED. Any exception that is not a `WireError`
is a bug: logged once with its traceback, counted, answered SERVFAIL.
"""

from __future__ import annotations

import logging
import random
import socket
import time
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import NamedTuple

from r53lite.answering.access import AccessList
from r53lite.answering.authoritative import Options, Result, respond
from r53lite.answering.chaos import Chaos
from r53lite.answering.recursive import Recursive
from r53lite.answering.reply_options import ClientOptions
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
from r53lite.zone.model import Zone
from r53lite.zone.outcome import Referral

EDE_NOT_READY, EDE_PROHIBITED, EDE_NOT_AUTHORITATIVE = 14, 18, 20  # RFC 8914 §4

_NOT_RESOLVED = rrtypes.META_TYPES - {rrtypes.ANY}  # nobody has data of these: no upstream is asked for them

Reply = bytes | None | Coroutine[None, None, bytes | None]

logger = logging.getLogger("r53lite.answering")
_draw = random.Random().randrange  # which answer comes is no secret: the fast generator will do


class DispatchSettings(NamedTuple):
    """What the door needs of the settings."""

    recursion_clients: AccessList
    udp_payload_bytes: int = 1232
    minimal_responses: bool = False
    client_options: ClientOptions = ClientOptions()
    chaos: Chaos = Chaos()


class Dispatch:
    """The door of one server.

    Args:
        snapshot: returns the snapshot a query is to see.
        health: returns the published health table.
        recursive: the resolver, or None where recursion is off.
        settings: limits and access.
        draw: a whole number from 0 to n-1, uniform.
        wall_clock: seconds since 1970, for cookies.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Callable[[], HealthTable],
        recursive: Recursive | None,
        settings: DispatchSettings,
        draw: Callable[[int], int] = _draw,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._recursive = recursive
        self._settings = settings
        self._draw = draw
        self._wall_clock = wall_clock
        self.failures = 0

    def answer(self, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Answer one request.

        Args:
            request: the message, without TCP's length.
            address: the client's IP address as text.
            is_stream: True for TCP, where only 65,535 octets limit the reply.

        Returns:
            The reply; None to stay silent; or a coroutine that returns either, where recursion has to go out.
        """
        try:
            query = wire.decode_query(request)
        except WireError as error:
            return self._answer_unreadable(request, address, error.rcode)
        limit_bytes = wire.MAX_MESSAGE_BYTES if is_stream else self._udp_limit(query)
        try:
            if query.edns is not None and query.edns.has_client_options:
                query = self._admit(query, address, is_stream=is_stream)
            outcome = self._answer(query, address)
            if isinstance(outcome, Response):
                return wire.encode_response(query, outcome, limit_bytes, self._settings.udp_payload_bytes)
        except Exception:
            logger.exception("a query failed")
            self.failures += 1
            outcome = Response(rrtypes.SERVFAIL)
            return wire.encode_response(query, outcome, limit_bytes, self._settings.udp_payload_bytes)
        return self._finish(outcome, query, limit_bytes)

    def _admit(self, query: Query, address: str, *, is_stream: bool) -> Query:
        """Judge the query's cookie, and note what the reply says to this client whatever the answer is."""
        now = int(self._wall_clock())
        return self._settings.client_options.admit(query, _unscoped(address), is_stream=is_stream, now=now)

    def _answer_unreadable(self, request: bytes, address: str, rcode: int | None) -> bytes | None:
        """Answer what is not a query: nothing, an error, or the cookie that was all it asked for."""
        if rcode is None:
            return None
        options = b""
        if rcode == rrtypes.NOERROR:
            rcode, options = self._settings.client_options.answer_cookie_query(
                wire.read_edns(request), _unscoped(address), now=int(self._wall_clock())
            )
        return wire.encode_error(request, rcode, self._settings.udp_payload_bytes, options)

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

    def _answer(self, query: Query, address: str) -> Response | Coroutine[None, None, Response]:
        """Decide who answers: an error, our zones, recursion, or nobody."""
        snapshot = self._snapshot()
        zone = snapshot.catalog.find(query.qname)
        settled = self._answer_without_data(query, zone)
        if settled is not None:
            return settled
        recursive = self._recursive
        address = _unscoped(address)
        if recursive is not None and not self._settings.recursion_clients.permits(ip_address(address)):
            recursive = None
        if zone is None:
            return self._answer_outside(recursive, query)
        context = self._context(snapshot.locations, address, query)
        result = respond(
            snapshot.catalog,
            zone,
            query.qname,
            query.qtype,
            context,
            Options(self._settings.minimal_responses, query.edns is not None and query.edns.is_dnssec_ok),
        )
        if recursive is None:
            return result.response
        if query.is_recursion_desired and query.qtype not in _NOT_RESOLVED:
            return self._complete(recursive, result, query)
        return result.response._replace(is_recursion_available=True)

    def _answer_without_data(self, query: Query, zone: Zone | None) -> Response | None:
        """Answer what asks for no data of ours or others: a version, a class, a transfer.

        NSD, Knot and BIND refuse a transfer of a zone they have (we hand out none), and are NOTAUTH for any
        other name. Types that mean something only elsewhere in a message (OPT, TSIG, MAILA and such) are
        answered as types that no name has, as NSD and Knot do: they are no case here.
        """
        if query.is_cookie_demanded:
            return Response(rrtypes.BADCOOKIE)  # RFC 7873 §5.2.3
        if query.edns is not None and query.edns.version > 0:
            return Response(rrtypes.BADVERS)  # RFC 6891 §6.1.3
        if query.qclass == rrtypes.CLASS_CH:
            return self._settings.chaos.respond(query.qname, query.qtype)
        if query.qclass not in (rrtypes.CLASS_IN, rrtypes.CLASS_ANY):
            return Response(rrtypes.REFUSED, ede_code=EDE_PROHIBITED)
        if query.qtype in (rrtypes.AXFR, rrtypes.IXFR):
            if zone is None or zone.origin != query.qname:
                return Response(rrtypes.NOTAUTH)  # RFC 5936 §2.2.1
            return Response(rrtypes.REFUSED, ede_code=EDE_PROHIBITED)
        return None

    def _answer_outside(
        self, recursive: Recursive | None, query: Query
    ) -> Response | Coroutine[None, None, Response]:
        """Answer for a name in none of our zones; `recursive` is None for clients that may not recurse."""
        if recursive is None:
            return Response(rrtypes.REFUSED, ede_code=EDE_NOT_AUTHORITATIVE)
        if query.qtype in _NOT_RESOLVED:
            return Response(rrtypes.NOTIMP, is_recursion_available=True)  # as BIND answers MAILA and MAILB
        if not query.is_recursion_desired:
            return self._from_cache(recursive, query)
        return self._recurse(recursive, query.qname, query.qtype)

    def _context(self, locations: Locations, address: str, query: Query) -> Context:
        """Return what policies may look at; a client subnet stands for the client (RFC 7871 §7.2.1)."""
        subnet = query.client_subnet
        if subnet is None or subnet.source_prefix_len == 0:
            if ":" in address:
                location = locations.locate(socket.inet_pton(socket.AF_INET6, address), 128)
            else:
                location = locations.locate(socket.inet_aton(address), 32)
            if subnet is not None:  # the scope is one of the subnet, not of the source address
                location = location._replace(prefix_len=0)
            return Context(self._health(), location, self._draw)
        packed = subnet.address.ljust(4 if subnet.family == 1 else 16, b"\x00")
        return Context(self._health(), locations.locate(packed, subnet.source_prefix_len), self._draw)

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


def _unscoped(address: str) -> str:
    """Return an address without the interface that stands behind a link-local client's."""
    return address.partition("%")[0]


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
