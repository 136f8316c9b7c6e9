"""Records are put into the order that a number stands for, quickly or not."""

from __future__ import annotations

import random
from math import perm

import pytest

from r53lite.answering.orders import orders_of
from r53lite.routing.context import MAX_NUMBERED, arranged

COUNTS = [(2, 1), (2, 2), (3, 3), (4, 4), (5, 5), (8, 8), (9, 8), (12, 8), (12, 12)]


@pytest.mark.parametrize(("count", "wanted"), COUNTS)
def test_an_order_is_the_one_that_arranged_makes_of_the_same_number(count: int, wanted: int) -> None:
    orders = orders_of(count, wanted)
    assert orders is not None
    assert orders.total == perm(count, wanted)
    blocks = tuple(b"%d" % number for number in range(count))
    chance = random.Random(count)
    drawn = {0, orders.total - 1, *(chance.randrange(orders.total) for _ in range(200))}
    for number in drawn:
        expected = [blocks[index] for index in arranged(count, wanted, {orders.total: number}.__getitem__)]
        assert list(orders.pick(number, blocks)) == expected


def test_every_order_of_four_comes_once() -> None:
    orders = orders_of(4, 4)
    assert orders is not None
    assert len({tuple(orders.pick(number, (b"a", b"b", b"c", b"d"))) for number in range(24)}) == 24


@pytest.mark.parametrize("count", [1, MAX_NUMBERED + 1])
def test_what_has_no_number_has_no_orders(count: int) -> None:
    assert orders_of(count, count) is None
