"""Where is the client of one query, and which compiled answers are for clients there?

An answer that looked at the client's location, or at the blocks of CIDR collections, is the same for all
clients of whom the same is true: the same area, the same position, the same blocks. `Place.key` tells such
classes of clients apart, and `Place.scope_prefix_len` how far around this client its class reaches.

Classes of locations have numbers that are not used twice; chains of CIDR locations are objects of the
snapshot, compared by identity. Compiled answers do not outlive the snapshot. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from r53lite.answering.trees import Looked
from r53lite.routing.cidr_index import CidrIndex, CidrMatch, ClientPrefix
from r53lite.routing.context import Aspect, ClientLocation
from r53lite.routing.locations import Located

MAX_MATCHES = 16  # our choice: indexes of CIDR blocks, and keys, that one client's place remembers


class Place:
    """Where a client is: its location with the classes it belongs to, and the client's own prefix.

    Args:
        locate: finds the location; called once, and only when it is looked at.
        client: the client's prefix.
    """

    __slots__ = ("_found", "_keys", "_locate", "_matches", "client")

    def __init__(self, locate: Callable[[], Located], client: ClientPrefix) -> None:
        self._locate = locate
        self._found: Located | None = None
        self.client = client
        self._matches: dict[CidrIndex, CidrMatch] = {}
        self._keys: dict[Looked, Hashable] = {}

    @property
    def _located(self) -> Located:
        if self._found is None:
            self._found = self._locate()
        return self._found

    @property
    def location(self) -> ClientLocation:
        """Return the location as policies see it."""
        return self._located.location

    def unscoped(self) -> Place:
        """Return the place for a query whose replies have scope 0 whatever they look at."""

        def locate() -> Located:
            location = self.location._replace(
                prefix_len=0, area_prefix_len=0, position_prefix_len=0, sights=None
            )
            return self._located._replace(location=location)

        return Place(locate, self.client._replace(is_scoped=False))

    def key(self, looked: Looked) -> Hashable:
        """Return what is equal for clients who are alike in what an answer looked at."""
        key = self._keys.get(looked)
        if key is None:
            if len(self._keys) >= MAX_MATCHES:
                self._keys.clear()
            ids = tuple([self._id_of(one) for one in looked])
            key = self._keys[looked] = ids[0] if len(ids) == 1 else ids
        return key

    def scope_prefix_len(self, looked: Looked) -> int:
        """Return the length of the shortest prefix around the client in which all are alike in that."""
        return max([self._scope_of(one) for one in looked], default=0)

    def _id_of(self, one: CidrIndex | Aspect) -> Hashable:
        if isinstance(one, CidrIndex):
            return id(self._match(one).locations)
        if one.class_of is not None:
            return one.class_of(one.seen(self._located.location))
        return self._located.number(one)

    def _scope_of(self, one: CidrIndex | Aspect) -> int:
        if isinstance(one, CidrIndex):
            return self._match(one).prefix_len
        return one.sight(self._located.location).scope_prefix_len

    def _match(self, blocks: CidrIndex) -> CidrMatch:
        """Find the client's blocks once: a place is kept for the next query of its client."""
        match = self._matches.get(blocks)
        if match is None:
            if len(self._matches) >= MAX_MATCHES:
                self._matches.clear()
            match = self._matches[blocks] = blocks.match(self.client)
        return match
