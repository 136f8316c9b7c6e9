"""How likely is it that counts come from the probabilities they should come from? Pearson's chi-square.

Small cells are merged, as the test wants at least five expected in each. The tail of the distribution is the
regularized upper incomplete gamma function, by its series and its continued fraction, so that no library is
needed for it.

Source: Abramowitz and Stegun, 26.4.19, 6.5.29, 6.5.31.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import exp, lgamma, log
from typing import TypeVar

MIN_EXPECTED = 5.0
_STEPS = 10_000
_PRECISION = 1e-12
_TINY = 1e-300

Cell = TypeVar("Cell", bound=Hashable)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """Return the probability of a statistic at least this large, for so many degrees of freedom."""
    if statistic <= 0 or degrees <= 0:
        return 1.0
    return upper_gamma(degrees / 2, statistic / 2)


def upper_gamma(shape: float, x: float) -> float:
    """Return Q(shape, x), the regularized upper incomplete gamma function."""
    if x <= 0:
        return 1.0
    front = exp(shape * log(x) - x - lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        for step in range(1, _STEPS):
            term *= x / (shape + step)
            total += term
            if term < total * _PRECISION:
                break
        return 1 - front * total
    b = x + 1 - shape  # Lentz's way to go down the continued fraction
    c = 1 / _TINY
    d = 1 / b
    fraction = d
    for step in range(1, _STEPS):
        a = -step * (step - shape)
        b += 2
        d = 1 / (a * d + b or _TINY)
        c = b + a / c or _TINY
        fraction *= d * c
        if abs(d * c - 1) < _PRECISION:
            break
    return front * fraction


def p_value(observed: Mapping[Cell, int], expected: Mapping[Cell, float]) -> float:
    """Return how likely counts at least as far from what is expected are; 0 where the impossible happened.

    Args:
        observed: how often each cell came.
        expected: how often each should; sums to the sum of the observed.
    """
    if set(observed) - {cell for cell, count in expected.items() if count > 0}:
        return 0.0
    cells = sorted((count, observed.get(cell, 0)) for cell, count in expected.items() if count > 0)
    merged: list[tuple[float, int]] = []
    pending: tuple[float, int] = (0.0, 0)
    for count, seen in cells:
        pending = (pending[0] + count, pending[1] + seen)
        if pending[0] >= MIN_EXPECTED:
            merged.append(pending)
            pending = (0.0, 0)
    if pending[0] and merged:
        merged[-1] = (merged[-1][0] + pending[0], merged[-1][1] + pending[1])
    statistic = sum((seen - count) ** 2 / count for count, seen in merged)
    return chi_square_tail(statistic, len(merged) - 1)
