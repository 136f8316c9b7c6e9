"""How does a request's bytes become a reply's bytes? The one door for every transport.

`answer` is a plain call for everything that needs no waiting: errors, our own zones, cached recursive
answers. Only a question that recursion must go out for comes back as a coroutine. Order: replay of the
whole request → decode → cookie → EDNS version → class → transfers → our zones (replay, or the clear path)
→ recursion → REFUSED. Any exception that is not a `WireError` is a bug: logged once with its traceback,
counted, answered SERVFAIL.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Coroutine, Hashable, Sequence
from functools import partial
from typing import NamedTuple

from r53lite.answering import handover
from r53lite.answering.access import AccessList
from r53lite.answering.authoritative import Options, respond
from r53lite.answering.chaos import Chaos
from r53lite.answering.clear_path import ClearPath
from r53lite.answering.clients import Clients, unscoped
from r53lite.answering.compiled import Leaf, Opts, Tree, pick_ready
from r53lite.answering.recursive import Recursive
from r53lite.answering.replay import Asked, Entry, Place, Ready, ReadyEntry, Replay
from r53lite.answering.reply_options import ClientOptions
from r53lite.answering.shape import Shape, shape_of
from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes, wire
from r53lite.dns.edns import encode_opt
from r53lite.dns.message import AA, CD, QR, RD, Message, Query, Response
from r53lite.errors import WireError
from r53lite.health.table import HealthTable
from r53lite.routing.context import ClientLocation, Context
from r53lite.zone.model import Zone

EDE_PROHIBITED = 18  # RFC 8914 §4.19
_TRANSFERS = frozenset((rrtypes.AXFR, rrtypes.IXFR))
_ECHOED_FLAGS = RD | CD  # of a query, those that its reply can show

Reply = bytes | None | Coroutine[None, None, bytes | None]
_Outcome = bytes | handover.Outcome

logger = logging.getLogger("r53lite.answering")


def make_draw(seed: int | None = None) -> Callable[[int], int]:
    """Return a function that draws a whole number below a limit, evenly: for limits up to 2^32 no number's
    share is off by more than 2^-20 of itself.

    Args:
        seed: makes the draws reproducible; None takes a seed of the system. Which answer comes is no secret,
            so the fast generator will do.
    """
    uniform = random.Random(seed).random

    def draw(limit: int) -> int:
        return int(uniform() * limit)

    return draw


class DispatchSettings(NamedTuple):
    """What the door needs of the settings. `is_replaying` False takes the clear path every time."""

    recursion_clients: AccessList
    udp_payload_bytes: int = 1232
    minimal_responses: bool = False
    client_options: ClientOptions = ClientOptions()
    chaos: Chaos = Chaos()
    is_replaying: bool = True


class Asker(NamedTuple):
    """How a query came: its bytes, its client, and the longest reply that this client takes."""

    request: bytes
    address: str
    limit_bytes: int
    is_stream: bool
    may_recurse: bool


class Dispatch:
    """The door of one server.

    Args:
        snapshot: returns the snapshot a query is to see.
        health: returns the published health table.
        recursive: the resolver, or None where recursion is off.
        settings: limits and access.
        draw: a whole number from 0 to n-1, uniform; None draws at random.
        wall_clock: seconds since 1970, for cookies.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Callable[[], HealthTable],
        recursive: Recursive | None,
        settings: DispatchSettings,
        draw: Callable[[int], int] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._recursive = recursive
        self._settings = settings
        self._draw = draw or make_draw()
        self._wall_clock = wall_clock
        self._clients = Clients(None if recursive is None else settings.recursion_clients)
        bare = [encode_opt(settings.udp_payload_bytes, 0, is_dnssec_ok=asked) for asked in (False, True)]
        self._bare_opts: tuple[Opts, ...] = tuple((opt, opt) for opt in bare)
        self._replay = Replay(snapshot(), health(), self._draw)
        self.failures = 0

    def answer_batch(self, requests: Sequence[bytes], client: Callable[[int], str]) -> list[Reply]:
        """Answer datagrams that came together, in order; all of them see one snapshot.

        Args:
            requests: the messages.
            client: returns the IP address that a request came from; asked only where the reply needs it.

        Returns:
            For each request what `answer` returns.
        """
        self.refresh()
        replies: list[Reply] = []
        add = replies.append
        is_one_kind = self._recursive is None
        find = self._replay.ready(is_stream=False, may_recurse=False).young.get
        for index, request in enumerate(requests):
            if not is_one_kind:
                may_recurse = self._clients.may_recurse(client(index))
                find = self._replay.ready(is_stream=False, may_recurse=may_recurse).young.get
            ready = find(request[2:])
            if ready.__class__ is bytes:
                add(request[:2] + ready)
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
        self.refresh()
        may_recurse = self._clients.may_recurse(address)
        ready = self._replay.ready(is_stream=is_stream, may_recurse=may_recurse).young.get(request[2:])
        if ready is None:
            return self._answer_new(request, address, is_stream=is_stream)
        return self._answer_ready(ready, request, address, is_stream=is_stream)

    def refresh(self) -> None:
        """Let compiled answers go that are no longer true. Every query does; who swaps a snapshot may, so
        that the old one is gone without waiting for the next query.
        """
        self._replay.refresh(self._snapshot(), self._health())

    def _answer_ready(self, ready: Ready, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Replay the reply to a request that was answered before."""
        tree = ready
        if isinstance(tree, ReadyEntry):
            found = tree.find(partial(self._clients.place, self._snapshot().locations, address))
            if found is None:
                return self._answer_new(request, address, is_stream=is_stream)
            tree = found
        return request[:2] + pick_ready(tree, self._draw)

    def _answer_new(self, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Answer a request that the tables do not hold as a whole."""
        try:
            query = wire.decode_query(request)
        except WireError as error:
            return self._answer_unreadable(request, address, error.rcode)
        limit_bytes = wire.MAX_MESSAGE_BYTES if is_stream else self._udp_limit(query)
        asker = Asker(request, address, limit_bytes, is_stream, self._clients.may_recurse(address))
        try:
            if query.edns is not None and query.edns.has_client_options:
                query = self._admit(query, asker)
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

    def _admit(self, query: Query, asker: Asker) -> Query:
        """Judge the query's cookie, and note what the reply says to this client whatever the answer is."""
        now = int(self._wall_clock())
        options = self._settings.client_options
        return options.admit(query, unscoped(asker.address), is_stream=asker.is_stream, now=now)

    def _answer_unreadable(self, request: bytes, address: str, rcode: int | None) -> bytes | None:
        """Answer what is not a query: nothing, an error, or the cookie that was all it asked for."""
        if rcode is None:
            return None
        options = b""
        if rcode == rrtypes.NOERROR:
            rcode, options = self._settings.client_options.answer_cookie_query(
                wire.read_edns(request), unscoped(address), now=int(self._wall_clock())
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

    # --- a readable query -----------------------------------------------------------------------------------

    def _answer(self, query: Query, asker: Asker) -> _Outcome:
        """Decide who answers: an error, our zones, recursion, or nobody."""
        zone = self._snapshot().catalog.find(query.qname)
        if query.qclass != rrtypes.CLASS_IN or query.qtype in _TRANSFERS or query.edns is not None:
            settled = self._answer_without_data(query, zone)
            if settled is not None:
                return settled
        if zone is not None:
            return self._answer_from_zone(query, asker, zone)
        return handover.answer_outside(self._recursive if asker.may_recurse else None, query)

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
        if query.qtype in _TRANSFERS:
            if zone is None or zone.origin != query.qname:
                return Response(rrtypes.NOTAUTH)  # RFC 5936 §2.2.1
            return Response(rrtypes.REFUSED, ede_code=EDE_PROHIBITED)
        return None

    def _answer_from_zone(self, query: Query, asker: Asker, zone: Zone) -> _Outcome:
        """Answer from one of our zones: replay a compiled answer, or take the clear path."""
        edns = query.edns
        shape = shape_of(zone, query.qname, query.qtype)
        if not self._settings.is_replaying:
            return self._answer_clear(query, asker, zone, shape)
        key = (
            shape.key,
            query.qtype,
            query.qclass,
            query.flags & _ECHOED_FLAGS,
            None if edns is None else edns.is_dnssec_ok,
            asker.limit_bytes,
            asker.may_recurse,
        )
        known = self._replay.get(key)
        if known.__class__ is Leaf:  # no choice, no dependence: most answers
            reply = self._replayed(query, asker, shape, known, known)
            if reply is not None:
                return reply
        elif known is not None or shape.is_shared or self._replay.is_second_sight(key):
            compiled = self._compiled(query, asker, zone, shape, key)
            if compiled is not None:
                return compiled
        return self._answer_clear(query, asker, zone, shape)

    def _clear_path(self, query: Query, asker: Asker, zone: Zone, shape: Shape) -> ClearPath:
        """Return the clear path of a query."""
        is_dnssec_ok = query.edns is not None and query.edns.is_dnssec_ok
        options = Options(self._settings.minimal_responses, is_dnssec_ok)
        catalog = self._snapshot().catalog
        return ClearPath(catalog, zone, query, options, asker.may_recurse, shape.private_octets)

    def _answer_clear(self, query: Query, asker: Asker, zone: Zone, shape: Shape) -> _Outcome:
        """Answer by the clear path alone."""
        place = self._place(query, asker)
        clear = self._clear_path(query, asker, zone, shape)
        result = clear.respond(Context(self._health(), partial(_locate, place), self._draw))
        if self._recursive is not None and asker.may_recurse and query.is_recursion_desired:
            return handover.complete(self._recursive, result, query)
        payload_bytes = self._settings.udp_payload_bytes
        return wire.encode_response(
            query, result.response, asker.limit_bytes, payload_bytes, shape.private_octets
        )

    def _compiled(self, query: Query, asker: Asker, zone: Zone, shape: Shape, key: Hashable) -> bytes | None:
        """Answer by a compiled answer that makes choices, or compile one; None where the clear path must."""
        place = self._place(query, asker)
        clear = self._clear_path(query, asker, zone, shape)
        asked = Asked(key, shape.record, partial(clear.run, asker.limit_bytes), place)
        found = self._replay.find(asked)
        return None if found is None else self._replayed(query, asker, shape, *found)

    def _replayed(
        self, query: Query, asker: Asker, shape: Shape, found: Tree | Entry, leaf: Leaf
    ) -> bytes | None:
        """Put a reply together from a compiled answer; None where the OPT record leaves too little room."""
        opts = self._opts(query, asker)
        request = asker.request
        opt = opts[leaf.is_scoped]
        reply = request[:2] + leaf.head + query.question + shape.record + leaf.body + opt
        if len(reply) > asker.limit_bytes:
            return None
        edns = query.edns
        if edns is None or not edns.cookie:  # a cookie's reply depends on client and time
            table = self._replay.ready(is_stream=asker.is_stream, may_recurse=asker.may_recurse)
            if table.is_second_sight(request[2:]):
                is_placed = edns is not None and edns.client_subnet is not None
                place = self._place(query, asker) if is_placed else None
                ready = self._replay.make_ready(found, shape.record, query.question, opts, place)
                table.put(request[2:], ready)
        return reply

    def _opts(self, query: Query, asker: Asker) -> Opts:
        """Return the OPT records of a query's replies."""
        edns = query.edns
        if edns is None:
            return b"", b""
        if edns.client_subnet is None and not query.reply_options:
            return self._bare_opts[edns.is_dnssec_ok]
        unscoped_opt = self._opt(query, asker, 0)
        if edns.client_subnet is None:
            return unscoped_opt, unscoped_opt
        return unscoped_opt, self._opt(query, asker, self._place(query, asker)().prefix_len)

    def _opt(self, query: Query, asker: Asker, scope_prefix_len: int) -> bytes:
        response = Response(rrtypes.NOERROR, scope_prefix_len=scope_prefix_len)  # zones have no code over 15
        payload_bytes = self._settings.udp_payload_bytes
        return wire.encode_reply_opt(query, response, asker.limit_bytes, payload_bytes)

    def _place(self, query: Query, asker: Asker) -> Callable[[], Place]:
        """Return what finds out where the client is."""
        return partial(self._clients.place, self._snapshot().locations, asker.address, query.client_subnet)

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


def _locate(place: Callable[[], Place]) -> ClientLocation:
    """Return a place as policies see it."""
    location, prefix_len = place()
    return location._replace(prefix_len=prefix_len)
