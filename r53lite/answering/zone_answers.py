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
from r53lite.answering.compiled import Leaf, Opts, Tree
from r53lite.answering.replay import Asked, Entry, Place, Replay, Uncompiled
from r53lite.answering.reply_options import COOKIE_REPLY_BYTES, ClientOptions, ends_in_cookie
from r53lite.answering.shape import Shape, shape_of
from r53lite.control.snapshot import Snapshot
from r53lite.dns import wire
from r53lite.dns.edns import encode_client_subnet, encode_opt
from r53lite.dns.message import CD, RD, Query
from r53lite.health.table import HealthTable
from r53lite.routing.context import ClientLocation, Context
from r53lite.zone.model import Zone

_ECHOED_FLAGS = RD | CD  # of a query, those that its reply can show


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


class ZoneAnswers:
    """Answers from the zones of one server.

    Args:
        snapshot: returns the snapshot a query is to see.
        health: returns the published health table.
        settings: limits and what replies hold.
        draw: a whole number from 0 to n-1, uniform.
        clients: where clients are.
        replay: the compiled answers; `refresh` has been called since the snapshot or the table changed.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        health: Callable[[], HealthTable],
        settings: DispatchSettings,
        draw: Callable[[int], int],
        clients: Clients,
        replay: Replay,
    ) -> None:
        self._snapshot = snapshot
        self._health = health
        self._settings = settings
        self._draw = draw
        self._clients = clients
        self._replay = replay
        bare = [encode_opt(settings.udp_payload_bytes, 0, is_dnssec_ok=asked) for asked in (False, True)]
        self._bare_opts: tuple[Opts, ...] = tuple((opt, opt) for opt in bare)

    def answer(self, query: Query, asker: Asker, zone: Zone) -> bytes | Result:
        """Answer a query from the longest of our zones that holds its name.

        Returns:
            The reply; or, for a client that may recurse and wants to, what recursion has to finish.
        """
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
        reply = None
        if known.__class__ is Leaf:  # no choice, no dependence: most answers
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

    def _answer_clear(self, query: Query, asker: Asker, zone: Zone, shape: Shape) -> bytes | Result:
        """Answer by the clear path alone."""
        place = self._place(query, asker)
        clear = self._clear_path(query, asker, zone, shape)
        result = clear.respond(Context(self._health(), partial(_locate, place), self._draw))
        if asker.may_recurse and query.is_recursion_desired:
            return result
        payload_bytes = self._settings.udp_payload_bytes
        return wire.encode_response(
            query, result.response, asker.limit_bytes, payload_bytes, shape.private_octets
        )

    def _compiled(
        self,
        query: Query,
        asker: Asker,
        zone: Zone,
        shape: Shape,
        key: Hashable,
        known: Tree | Entry | Uncompiled | None,
    ) -> bytes | None:
        """Answer by a compiled answer that makes choices, or compile one; None where the clear path must."""
        if isinstance(known, Uncompiled):
            return None
        place = self._place(query, asker)
        leaf = None if known is None else self._replay.draw_from(known, place)
        if known is not None and leaf is not None:
            return self._replayed(query, asker, shape, known, leaf)
        clear = self._clear_path(query, asker, zone, shape)
        asked = Asked(key, shape.record, partial(clear.run, asker.limit_bytes), place)
        found = self._replay.compile(asked, known if isinstance(known, Entry) else None)
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
        self._keep(query, asker, shape, found, opts)
        return reply

    def _keep(self, query: Query, asker: Asker, shape: Shape, found: Tree | Entry, opts: Opts) -> None:
        """Keep a reply for the next request of the same octets, the cookie at their end not counted."""
        table = self._replay.ready(is_stream=asker.is_stream, may_recurse=asker.may_recurse)
        key, edns = asker.request[2:], query.edns
        if edns is not None and edns.cookie:  # its reply depends on client and time
            if not ends_in_cookie(query, asker.request):
                return
            table = self._replay.cookied(is_stream=asker.is_stream, may_recurse=asker.may_recurse)
            key = key[: -len(edns.cookie)]
            opts = opts[0][:-COOKIE_REPLY_BYTES], opts[1][:-COOKIE_REPLY_BYTES]
        if table.is_second_sight(key):
            subnet = None if edns is None else edns.client_subnet
            is_placed = subnet is not None and subnet.source_prefix_len > 0  # else the address tells
            place = self._place(query, asker) if is_placed else None
            table.put(key, self._replay.make_ready(found, shape.record, query.question, opts, place))

    def _opts(self, query: Query, asker: Asker) -> Opts:
        """Return the OPT records of a query's replies."""
        edns = query.edns
        if edns is None:
            return b"", b""
        if edns.client_subnet is None and not query.reply_options:
            return self._bare_opts[edns.is_dnssec_ok]
        unscoped_opt = self._opt(query, 0)
        if edns.client_subnet is None:
            return unscoped_opt, unscoped_opt
        return unscoped_opt, self._opt(query, self._place(query, asker)().prefix_len)

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


def _locate(place: Callable[[], Place]) -> ClientLocation:
    """Return a place as policies see it."""
    location, prefix_len = place()
    return location._replace(prefix_len=prefix_len)
