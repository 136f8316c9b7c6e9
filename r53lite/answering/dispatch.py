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
from collections.abc import Callable, Coroutine, Sequence

from r53lite.answering import handover
from r53lite.answering.authoritative import Options, respond
from r53lite.answering.clients import Clients, unscoped
from r53lite.answering.entries import ReadyEntry
from r53lite.answering.place import Place
from r53lite.answering.recursive import Recursive
from r53lite.answering.replay import Ready, Replay, Targets
from r53lite.answering.reply_options import cookie_tail
from r53lite.answering.settled import TRANSFERS, answer_without_data
from r53lite.answering.trees import pick_ready
from r53lite.answering.zone_answers import Asker, DispatchSettings, ZoneAnswers
from r53lite.control.snapshot import Snapshot
from r53lite.dns import rrtypes, wire
from r53lite.dns.message import AA, QR, Message, Query, Response
from r53lite.errors import WireError
from r53lite.health.table import HealthTable
from r53lite.routing.context import NO_TARGETS, Context

Reply = bytes | None | Coroutine[None, None, bytes | None]
_Outcome = bytes | handover.Outcome
_Find = Callable[[bytes], Ready | None]

PLAIN_UDP_BYTES = 512  # RFC 1035 §2.3.4: what a client without EDNS takes

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


class Dispatch:
    """The door of one server.

    Args:
        snapshot: returns the snapshot a query is to see.
        health: returns the published health table.
        recursive: the resolver, or None where recursion is off.
        settings: limits and access.
        draw: a whole number from 0 to n-1, uniform; None draws at random.
        wall_clock: seconds since 1970, for cookies.
        targets: returns the addresses of outside names that aliases lead to.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Callable[[], HealthTable],
        recursive: Recursive | None,
        settings: DispatchSettings,
        draw: Callable[[int], int] | None = None,
        wall_clock: Callable[[], float] = time.time,
        targets: Callable[[], Targets] = lambda: NO_TARGETS,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._recursive = recursive
        self._settings = settings
        self._draw = draw or make_draw()
        self._wall_clock = wall_clock
        self._clients = Clients(None if recursive is None else settings.recursion_clients)
        self._replay = Replay(snapshot(), health())
        self._targets = targets
        self._zones = ZoneAnswers(
            snapshot, health, settings, self._draw, targets, self._clients, self._replay
        )
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
        draw, place = self._draw, self._place
        is_one_kind = self._recursive is None  # of clients: who may recurse gets other replies
        finds: dict[str, _Find] = {}
        find: _Find = self._replay.ready(is_stream=False, may_recurse=False).young.get
        for index, request in enumerate(requests):
            if not is_one_kind:
                address = client(index)
                find = finds.get(address) or self._learn_find(finds, address)
            ready = find(request[2:])
            if ready.__class__ is bytes:
                add(request[:2] + ready)
                continue
            reply = None
            if isinstance(ready, ReadyEntry):
                try:
                    reply = ready.reply(place, client, index, draw)
                except Exception:  # a bug costs one reply, not those of the batch
                    logger.exception("a query failed")
                    add(self._fail(request))
                    continue
            elif ready is not None:
                reply = pick_ready(ready, draw)
            if reply is None:
                add(self._answer_new(request, client(index), is_stream=False))
            else:
                add(request[:2] + reply)
        return replies

    def _learn_find(self, finds: dict[str, _Find], address: str) -> _Find:
        """Note and return what looks a client's datagrams up in the table for its kind."""
        may_recurse = self._clients.may_recurse(address)
        find = finds[address] = self._replay.ready(is_stream=False, may_recurse=may_recurse).young.get
        return find

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
        self._replay.refresh(self._snapshot(), self._health(), self._targets())

    def let_go(self) -> bool:
        """Free some of what a new snapshot has made useless; say whether there is more.

        For who swaps a snapshot: a table frees a few values with each new one, but may get none.
        """
        is_more = self._clients.let_go(self._snapshot().locations)
        return self._replay.let_go() or is_more

    def _answer_ready(self, ready: Ready, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Replay the reply to a request that was answered before."""
        try:
            found = self._replay_body(ready, address)
        except Exception:
            logger.exception("a query failed")
            return self._fail(request)
        if found is None:
            return self._answer_new(request, address, is_stream=is_stream)
        return request[:2] + found

    def _replay_body(self, ready: Ready, address: str) -> bytes | None:
        """Return a ready reply without its id, or None where it has to be compiled anew."""
        if isinstance(ready, ReadyEntry):
            return ready.reply(self._place, lambda _: address, 0, self._draw)
        return pick_ready(ready, self._draw)

    def _place(self, address: str) -> Place:
        """Return where a client is by its address."""
        return self._clients.place(self._snapshot().locations, address)

    def _replay_cookie(self, request: bytes, tail: int, address: str, *, is_stream: bool) -> bytes | None:
        """Replay the reply to a request that was answered before but for the cookie that ends both."""
        may_recurse = self._clients.may_recurse(address)
        ready = self._replay.cookied(is_stream=is_stream, may_recurse=may_recurse).get(request[2:-tail])
        if ready is None:
            return None
        cookie = self._settings.client_options.judge(
            request[-tail:], unscoped(address), is_stream=is_stream, now=int(self._wall_clock())
        )
        body = None if cookie is None else self._replay_body(ready, address)
        return None if cookie is None or body is None else request[:2] + body + cookie

    def _answer_new(self, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Answer a request that the young generation of its table does not hold. The boundary for bugs."""
        try:
            may_recurse = self._clients.may_recurse(address)
            ready = self._replay.ready(is_stream=is_stream, may_recurse=may_recurse)
            recalled = ready.recall(request[2:])
            if recalled is not None:
                return self._answer_ready(recalled, request, address, is_stream=is_stream)
            tail = cookie_tail(request) if request[11:12] == b"\x01" else 0  # one additional record
            if tail:
                replayed = self._replay_cookie(request, tail, address, is_stream=is_stream)
                if replayed is not None:
                    return replayed
            limit_bytes = wire.MAX_MESSAGE_BYTES if is_stream else PLAIN_UDP_BYTES
            return self._answer_request(Asker(request, address, limit_bytes, is_stream, may_recurse, ready))
        except Exception:
            logger.exception("a query failed")
            return self._fail(request)

    def _answer_request(self, asker: Asker) -> Reply:
        """Decode a request and answer it; the asker's limit is that of a client without EDNS."""
        try:
            query = wire.decode_query(asker.request)
        except WireError as error:
            return self._answer_unreadable(asker.request, asker.address, error.rcode)
        if query.edns is not None:
            if not asker.is_stream:  # RFC 6891 §6.2.5: the lesser of both sides' sizes
                limit_bytes = min(query.edns.payload_bytes, self._settings.udp_payload_bytes)
                asker = asker._replace(limit_bytes=limit_bytes)
            if query.edns.has_client_options:
                query = self._admit(query, asker)
        outcome = self._answer(query, asker)
        if isinstance(outcome, bytes):
            return outcome
        if isinstance(outcome, Response):
            payload_bytes = self._settings.udp_payload_bytes
            return wire.encode_response(query, outcome, asker.limit_bytes, payload_bytes)
        return self._finish(outcome, query, asker)

    def _fail(self, request: bytes) -> bytes:
        """Count a bug and answer SERVFAIL for it."""
        self.failures += 1
        return wire.encode_error(request, rrtypes.SERVFAIL, self._settings.udp_payload_bytes)

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

    async def _finish(self, resolve: handover.Resolve, query: Query, asker: Asker) -> bytes:
        """Wait for recursion and encode what came of it."""
        try:
            response = await resolve()
            payload_bytes = self._settings.udp_payload_bytes
            return wire.encode_response(query, response, asker.limit_bytes, payload_bytes)
        except Exception:
            logger.exception("a query failed")
            return self._fail(asker.request)

    # --- a readable query -----------------------------------------------------------------------------------

    def _answer(self, query: Query, asker: Asker) -> _Outcome:
        """Decide who answers: an error, our zones, recursion, or nobody."""
        zone = self._snapshot().catalog.find(query.qname)
        if query.qclass != rrtypes.CLASS_IN or query.qtype in TRANSFERS or query.edns is not None:
            settled = answer_without_data(query, zone, self._settings.chaos, is_stream=asker.is_stream)
            if settled is not None:
                return settled
        recursive = self._recursive if asker.may_recurse else None
        if zone is None:
            return handover.answer_outside(recursive, query)
        answered = self._zones.answer(query, asker, zone)
        if isinstance(answered, bytes):
            return answered
        assert recursive is not None  # for nobody else is anything left open
        return handover.complete(recursive, answered, query)

    def local(self, qname: bytes, qtype: int) -> Message | None:
        """Answer for our own resolver from our own zones; None where they do not hold the name.

        Policies see no client there: the resolver is located as a client nobody knows.
        """
        snapshot = self._snapshot()
        zone = snapshot.catalog.find(qname)
        if zone is None:
            return None
        context = Context(self._health(), snapshot.locations.nobody, self._draw, targets=self._targets())
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
