"""Which names exist in a zone?

`NameTable` maps wire names to packed nodes. A small zone is one dict, and `get` is that dict's own method. A
large one is many dicts of about eight thousand names, chosen by the hash of the name: one dict of a million
names would hold up every other thread for 30 ms when it grows and for 20 ms when it is freed, and the
answering event loop is such a thread. `release` takes a table apart in steps of well under a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar

from r53lite.zone.node import Packed

NAMES_PER_SHARD = 8192  # growing or freeing so many takes below 1 ms
MAX_SINGLE_NAMES = 32768  # up to here one dict: `get` costs a third, growing it still below 2 ms
RELEASED_AT_ONCE = 1024  # some 0.1 ms


Value = TypeVar("Value")


class NameTable:
    """Wire names and their packed nodes, fixed once made. Use `get` on the hot path."""

    __slots__ = ("__weakref__", "_shards", "get")

    get: Callable[[bytes], Packed | None]
    """Return the packed node of a name, or None where the name does not exist."""

    def __init__(self, shards: Sequence[dict[bytes, Packed]]) -> None:
        """Take the shards over.

        Args:
            shards: a power of two of dicts; a name stands in the one that the low bits of its hash choose.
        """
        if len(shards) > 1 and sum(map(len, shards)) <= MAX_SINGLE_NAMES:
            single: dict[bytes, Packed] = {}
            for shard in shards:
                single.update(shard)
            shards = [single]
        self._shards = list(shards)
        self.get = self._shards[0].get if len(self._shards) == 1 else _sharded_get(tuple(self._shards))

    @classmethod
    def of(cls, names: Mapping[bytes, Packed]) -> NameTable:
        """Make a table of one dict."""
        return cls([dict(names)])

    def items(self) -> Iterator[tuple[bytes, Packed]]:
        """Yield every name with its packed node, in no order that means anything."""
        return chain.from_iterable(shard.items() for shard in self._shards)

    def __iter__(self) -> Iterator[bytes]:
        """Yield every name."""
        return chain.from_iterable(self._shards)

    def __len__(self) -> int:
        """Return how many names exist, empty non-terminals included."""
        return sum(map(len, self._shards))

    def __contains__(self, name: object) -> bool:
        """Say whether a name exists, occluded or not."""
        return isinstance(name, bytes) and self.get(name) is not None

    def replace(self, name: bytes, packed: Packed) -> None:
        """Replace the node of a name that exists; only for who builds the zone, before anybody looks it up.

        Raises:
            KeyError: the name does not exist.
        """
        for shard in self._shards:
            if name in shard:
                shard[name] = packed
                return
        raise KeyError(name)

    @property
    def shards(self) -> list[dict[bytes, Packed]]:
        """Return the dicts themselves, for who frees them when the table is gone."""
        return self._shards

    def release(self) -> Iterator[None]:
        """Free the names in slices, yielding after each; the table is empty in the end.

        Nobody may look names up any more.
        """
        self.get = dict[bytes, Packed]().get
        yield from release_shards(self._shards)


def release_shards(shards: list[dict[bytes, Value]]) -> Iterator[None]:
    """Empty dicts in slices, and at last their list, yielding after each slice.

    A dict given up as a whole is freed in one go, which holds every thread up for as long as it takes.
    """
    while shards:
        shard = shards[-1]
        while shard:
            for _ in range(min(len(shard), RELEASED_AT_ONCE)):
                shard.popitem()
            yield
        shards.pop()


def _sharded_get(shards: tuple[dict[bytes, Packed], ...]) -> Callable[[bytes], Packed | None]:
    """Return a look-up over several dicts."""
    mask = len(shards) - 1

    def get(name: bytes) -> Packed | None:
        return shards[hash(name) & mask].get(name)

    return get
