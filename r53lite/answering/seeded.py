"""How do two runs of a server give the same answers? Draws that depend on a seed and a query's number alone.

`seed:` in the settings makes the n-th query that a server answers draw from a generator seeded by (seed, n),
counted from 1, UDP and TCP together. What went before does not matter: neither how many draws earlier answers
took nor whether an answer was replayed, compiled or made by the clear path. So a client that asks the same
questions in the same order, one after the other, gets the same answers in every run with that seed. What is
not answered at all (junk) has no number.

Two clients at once share the numbers, in the order in which their datagrams come. Answers that wait for
recursion are numbered as they are asked, but policies on their later way draw under the number of that
moment. A server without a seed pays nothing: it has the plain `Dispatch`.

Source: our choice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from r53lite.answering.dispatch import Dispatch, Reply


class SeededDraw:
    """Draws of one query after the other; `number` is that of the query at hand.

    The generator is seeded when a query draws first: most queries draw nothing.
    """

    def __init__(self, seed: int) -> None:
        self.number = 1
        self._seed = seed
        self._seeded_number = 0
        self._random = random.Random()

    def __call__(self, limit: int) -> int:
        """Return a whole number from 0 to limit-1, evenly (see `dispatch.make_draw`)."""
        if self._seeded_number != self.number:
            self._seeded_number = self.number
            # Text is hashed by SHA-512 in every version of Python, and nearby numbers share nothing.
            self._random.seed(f"r53lite:{self._seed}:{self.number}", version=2)
        return int(self._random.random() * limit)

    def restart(self) -> None:
        """Let the query at hand draw from its beginning."""
        self._seeded_number = 0


class SeededDispatch(Dispatch):
    """The door of a server with a seed, whose `draw` is a `SeededDraw`: every query goes through it alone and
    has a number.
    """

    def answer_batch(self, requests: Sequence[bytes], client: Callable[[int], str]) -> list[Reply]:
        """Answer datagrams that came together, each under its own number."""
        return [
            self.answer(request, client(index), is_stream=False) for index, request in enumerate(requests)
        ]

    def answer(self, request: bytes, address: str, *, is_stream: bool) -> Reply:
        """Answer one request with the draws of its number."""
        draw = self._draw
        assert isinstance(draw, SeededDraw)
        draw.restart()
        reply = super().answer(request, address, is_stream=is_stream)
        if reply is not None:
            draw.number += 1
        return reply
