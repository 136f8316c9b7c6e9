"""How is a query answered from our zones: by replay, or anew?

What the question shares with others is its shape (`answering.shape`); with the flags and EDNS facts that
change the answer it is the key of a compiled answer (`answering.replay`). A compiled answer without
choices is put together here and now; one with choices draws first; what is not compiled takes the clear
path, and is compiled when it is seen again, a shared shape at once. Pure: time plays no part, chance
comes in through `draw`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import NamedTuple

from r53lite.answering.access import AccessList
from r53lite.answering.authoritative import Options, Result
from r53lite.answering.chaos import Chaos
from r53lite.answering.clear_path import ClearPath
from r53lite.answering.clients import Clients
from r53lite.answering.compiled import Facts, Scripted
from r53lite.answering.entries import Entry, Script
from r53lite.answering.kept import Kept
from r53lite.answering.place import Place
from r53lite.answering.replay import Asked, Found, Ready, Replay, Targets, Uncompiled
from r53lite.answering.reply_options import COOKIE_REPLY_BYTES, ClientOptions, ends_in_cookie
from r53lite.answering.shape import Shape, shape_of
from r53lite.answering.trees import Arrangement, Inexact, Leaf, Looked, Opts, arrange, longest_bytes
from r53lite.control.snapshot import Snapshot
from r53lite.dns import wire
from r53lite.dns.edns import encode_client_subnet, encode_opt
from r53lite.dns.message import CD, RD, TC, Query
from r53lite.health.table import HealthTable
from r53lite.routing.context import Context
from r53lite.routing.tracing import Trace, short_story
from r53lite.zone.model import Zone

EDE_OTHER = 0  # RFC 8914 §4.1
MAX_EDE_CHARACTERS = 200  # our choice
_TC_IN_OCTET = TC >> 8
ID_BYTES = 2
_ECHOED_FLAGS = RD | CD  # of a query, those that its reply can show


class DispatchSettings(NamedTuple):
    """What the door needs of the settings. `is_replaying` False takes the clear path every time;
    `is_explaining` does so too, and answers of policies tell their reason in an extended error.
    """

    recursion_clients: AccessList
    udp_payload_bytes: int = 1232
    minimal_responses: bool = False
    client_options: ClientOptions = ClientOptions()
    chaos: Chaos = Chaos()
    is_replaying: bool = True
    is_explaining: bool = False


class Asker(NamedTuple):
    """How a query came: its bytes, its client, the longest reply that this client takes, and the table of
    whole requests that came the same way.
    """

    request: bytes
    address: str
    limit_bytes: int
    is_stream: bool
    may_recurse: bool
    ready: Kept[bytes, Ready]


class ZoneAnswers:
    """Answers from the zones of one server.

    Args:
        snapshot: returns the snapshot a query is to see.
        health: returns the published health table.
        settings: limits and what replies hold.
        draw: a whole number from 0 to n-1, uniform.
        targets: returns the addresses of outside names.
        clients: where clients are.
        replay: the compiled answers; `refresh` has been called since the snapshot or the table changed.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Callable[[], HealthTable],
        settings: DispatchSettings,
        draw: Callable[[int], int],
        targets: Callable[[], Targets],
        clients: Clients,
        replay: Replay,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._settings = settings
        self._is_replaying = settings.is_replaying and not settings.is_explaining
        self._draw = draw
        self._targets = targets
        self._clients = clients
        self._replay = replay
        bare = [encode_opt(settings.udp_payload_bytes, 0, is_dnssec_ok=asked) for asked in (False, True)]
        self._bare_opts = tuple(Opts(opt) for opt in bare)

    def answer(self, query: Query, asker: Asker, zone: Zone) -> bytes | Result:
        """Answer a query from the longest of our zones that holds its name.

        Returns:
            The reply; or, for a client that may recurse and wants to, what recursion has to finish.
        """
        edns = query.edns
        shape = shape_of(zone, query.qname, query.qtype)
        if not self._is_replaying:
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
        reply: bytes | Result | None = None
        if known.__class__ is Leaf:  # no choice, no dependence: most answers
            if edns is None:
                reply = _replayed_plainly(query, asker, shape, known)
            else:
                reply = self._replayed(query, asker, shape, known, known)
        elif known is not None or shape.is_shared or self._replay.is_second_sight(key):
            reply = self._compiled(query, asker, zone, shape, key, known)
        return self._answer_clear(query, asker, zone, shape) if reply is None else reply

    def _clear_path(self, query: Query, asker: Asker, zone: Zone, shape: Shape) -> ClearPath:
        """Return the clear path of a query."""
        is_dnssec_ok = query.edns is not None and query.edns.is_dnssec_ok
        options = Options(self._settings.minimal_responses, is_dnssec_ok)
        catalog = self._snapshot().catalog
        return ClearPath(catalog, zone, query, options, asker.may_recurse, shape.private_octets)

    def _answer_clear(
        self, query: Query, asker: Asker, zone: Zone, shape: Shape, script: Script = ()
    ) -> bytes | Result:
        """Answer by the clear path alone; `script` has the choices that are made already."""
        place = self._place(query, asker)
        clear = self._clear_path(query, asker, zone, shape)
        facts = Facts(self._health(), lambda: place().location, lambda: place().client, self._targets())
        context: Context
        if self._settings.is_explaining:
            context = Trace(
                facts.health, facts.location, self._draw, client=facts.client, targets=facts.targets
            )
        else:
            context = Scripted(facts, self._draw, script)
        result = clear.respond(context)
        if isinstance(context, Trace) and context.stories:
            text = "; ".join(map(short_story, context.stories))[:MAX_EDE_CHARACTERS]
            result = result._replace(response=result.response._replace(ede_code=EDE_OTHER, ede_text=text))
        if asker.may_recurse and query.is_recursion_desired:
            return result
        payload_bytes = self._settings.udp_payload_bytes
        response = result.response
        reply = wire.encode_response(query, response, asker.limit_bytes, payload_bytes, shape.private_octets)
        if reply[2] & _TC_IN_OCTET and response.ede_code == EDE_OTHER:  # better the answer without its reason
            response = response._replace(ede_code=None)
            reply = wire.encode_response(
                query, response, asker.limit_bytes, payload_bytes, shape.private_octets
            )
        return reply

    def _compiled(
        self,
        query: Query,
        asker: Asker,
        zone: Zone,
        shape: Shape,
        key: Hashable,
        known: Found | Uncompiled | None,
    ) -> bytes | Result | None:
        """Answer by a compiled answer, or compile one; None where only the clear path can from the start."""
        if isinstance(known, Uncompiled):
            return None

        def asked() -> Asked:
            clear = self._clear_path(query, asker, zone, shape)
            return Asked(key, shape.record, partial(clear.run, asker.limit_bytes), place)

        place = self._place(query, asker)
        found = self._replay.compile(asked()) if known is None else known
        if found is None:
            return None
        if not isinstance(found, Entry):
            return self._replayed(query, asker, shape, found, found)
        grown = found.tree(place) or self._replay.grow(found, asked())
        node, script = self._replay.pick(found, grown, asked, self._draw)
        self._replay.explore_ahead(found, grown, asked)
        reply = None
        if not isinstance(node, Inexact):
            reply = self._replayed(query, asker, shape, found if grown.whole() is not None else None, node)
        return self._answer_clear(query, asker, zone, shape, script) if reply is None else reply

    def _replayed(
        self, query: Query, asker: Asker, shape: Shape, found: Found | None, node: Leaf | Arrangement
    ) -> bytes | None:
        """Put a reply together from a compiled answer; None where the OPT record leaves too little room. That
        is settled before the records are put in order.

        Args:
            query: the question.
            asker: how it came.
            shape: what it shares with others.
            found: what to keep for the next request of the same octets; None as long as it is not explored.
            node: the reply that was picked.
        """
        opts = self._opts(query, asker)
        behind = query.question + shape.record
        if ID_BYTES + len(behind) + longest_bytes(node, opts) > asker.limit_bytes:
            return None
        if found is not None:
            self._keep(query, asker, shape, found, opts)
        leaf = arrange(node, self._draw)
        return asker.request[:ID_BYTES] + leaf.head + behind + leaf.body + opts.of(leaf.looked)

    def _keep(self, query: Query, asker: Asker, shape: Shape, found: Found, opts: Opts) -> None:
        """Keep a reply for the next request of the same octets, the cookie at their end not counted."""
        table = asker.ready
        limit_bytes = asker.limit_bytes - ID_BYTES
        key, edns = asker.request[2:], query.edns
        if edns is not None and edns.cookie:  # its reply depends on client and time
            if not ends_in_cookie(query, asker.request):
                return
            table = self._replay.cookied(is_stream=asker.is_stream, may_recurse=asker.may_recurse)
            key = key[: -len(edns.cookie)]
            opts = _without_cookie(opts)
            limit_bytes -= COOKIE_REPLY_BYTES
        if table.is_second_sight(key):
            subnet = None if edns is None else edns.client_subnet
            is_placed = subnet is not None and subnet.source_prefix_len > 0  # else the address tells
            place = self._place(query, asker) if is_placed else None
            ready = self._replay.make_ready(found, shape.record, query.question, opts, limit_bytes, place)
            if ready is not None:
                table.put(key, ready)

    def _opts(self, query: Query, asker: Asker) -> Opts:
        """Return the OPT records of a query's replies."""
        edns = query.edns
        if edns is None:
            return Opts(b"")
        if edns.client_subnet is None and not query.reply_options:
            return self._bare_opts[edns.is_dnssec_ok]
        plain = self._opt(query, 0)
        if edns.client_subnet is None:
            return Opts(plain)
        place = self._place(query, asker)
        return Opts(plain, lambda looked: self._opt(query, place().scope_prefix_len(looked)))

    def _opt(self, query: Query, scope_prefix_len: int) -> bytes:
        """Return the OPT record of a reply of our zones: they have no response code over 15."""
        edns = query.edns
        assert edns is not None
        options = query.reply_options
        if edns.client_subnet is not None:
            options += encode_client_subnet(edns.client_subnet, scope_prefix_len)
        return encode_opt(self._settings.udp_payload_bytes, 0, options, is_dnssec_ok=edns.is_dnssec_ok)

    def _place(self, query: Query, asker: Asker) -> Callable[[], Place]:
        """Return what finds out where the client is."""
        return partial(self._clients.place, self._snapshot().locations, asker.address, query.client_subnet)


def _replayed_plainly(query: Query, asker: Asker, shape: Shape, leaf: Leaf) -> bytes | None:
    """Put a reply without an OPT record together, and keep it when its request is seen again: what
    `_replayed` does where there is no choice, in few steps, because a flood of random names comes here.
    """
    request = asker.request
    reply = request[:ID_BYTES] + leaf.head + query.question + shape.record + leaf.body
    if len(reply) > asker.limit_bytes:
        return None
    key = request[ID_BYTES:]
    if asker.ready.is_second_sight(key):
        asker.ready.put(key, reply[ID_BYTES:])
    return reply


def _without_cookie(opts: Opts) -> Opts:
    """Cut the cookie off the end of all OPT records."""
    scoped = opts.scoped
    plain = opts.plain[:-COOKIE_REPLY_BYTES]
    if scoped is None:
        return Opts(plain)

    def cut(looked: Looked) -> bytes:
        return scoped(looked)[:-COOKIE_REPLY_BYTES]

    return Opts(plain, cut)
