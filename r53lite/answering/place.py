"""Where is the client of one query, and which compiled answers are for clients there?

An answer that looked at the client's location, or at the blocks of CIDR collections, is the same for all
clients of whom the same is true: the same entry of the locations, the same blocks. `Place.key` tells such
classes of clients apart, and `Place.scope_prefix_len` how far around this client its class reaches.

Locations and chains of CIDR locations are objects of the snapshot, compared by identity; compiled answers do
not outlive it. Pure.
"""

from __future__ import annotations

from collections.abc import Hashable

from r53lite.answering.compiled import Located, Looked
from r53lite.routing.cidr_index import CidrIndex, CidrMatch, ClientPrefix
from r53lite.routing.context import ClientLocation

MAX_MATCHES = 64  # our choice: indexes of CIDR blocks that one client's place remembers


class Place:
    """Where a client is: the location as configured, shared by all clients there, the length of the shortest
    prefix around the client for which it holds, and the client's own prefix.
    """

    __slots__ = ("_matches", "_prefix_len", "_shared", "client")

    def __init__(self, shared: ClientLocation, prefix_len: int, client: ClientPrefix) -> None:
        self._shared = shared
        self._prefix_len = prefix_len
        self.client = client
        self._matches: dict[CidrIndex, CidrMatch] = {}

    @property
    def location(self) -> ClientLocation:
        """Return the location as policies see it."""
        return self._shared._replace(prefix_len=self._prefix_len)

    def unscoped(self) -> Place:
        """Return the place for a query whose replies have scope 0 whatever they look at."""
        return Place(self._shared, 0, self.client._replace(is_scoped=False))

    def key(self, looked: Looked) -> Hashable:
        """Return what is equal for clients who are alike in what an answer looked at."""
        if len(looked) == 1:
            return self._id_of(looked[0])
        return tuple([self._id_of(one) for one in looked])

    def scope_prefix_len(self, looked: Looked) -> int:
        """Return the length of the shortest prefix around the client in which all are alike in that."""
        return max(
            [
                self._match(one).prefix_len if isinstance(one, CidrIndex) else self._prefix_len
                for one in looked
            ],
            default=0,
        )

    def _id_of(self, one: CidrIndex | Located) -> int:
        return id(self._match(one).locations) if isinstance(one, CidrIndex) else id(self._shared)

    def _match(self, blocks: CidrIndex) -> CidrMatch:
        """Find the client's blocks once: a place is kept for the next query of its client."""
        match = self._matches.get(blocks)
        if match is None:
            if len(self._matches) >= MAX_MATCHES:
                self._matches.clear()
            match = self._matches[blocks] = blocks.match(self.client)
        return match
