"""Student's t distribution, as far as intervals need it; importing scipy would take longer than printing a listing."""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300


@lru_cache(maxsize=1024)
def t_quantile(freedom: float, coverage: float = 0.95) -> float:
    """Return t such that a t variable with `freedom` degrees lies within ±t with probability `coverage`.

    `freedom` > 0 may be a fraction, as Welch's is. Found by bisection, to about ten digits.
    """
    low, high = 0.0, 1.0
    while _within(high, freedom) < coverage:
        high *= 2.0
    for _ in range(100):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _within(middle, freedom) < coverage else (low, middle)
    return (low + high) / 2.0


def _within(t: float, freedom: float) -> float:
    """Return P(|T| ≤ t): 1 − I_x(ν/2, ½) at x = ν / (ν + t²), by the symmetry I_x(a, b) = 1 − I_(1−x)(b, a)."""
    x = t * t / (freedom + t * t)
    return _incomplete_beta(x, 0.5, freedom / 2.0)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function, by Lentz's continued fraction (DLMF 8.17.22)."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _incomplete_beta(1.0 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    ) / a  # fmt: skip
    fraction, c, d = 1.0, 1.0, 0.0
    for index in range(500):
        half = index // 2
        if index == 0:
            term = 1.0
        elif index % 2 == 0:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        d = 1.0 / (_nonzero(1.0 + term * d))
        c = _nonzero(1.0 + term / c)
        fraction *= c * d
        if index and abs(c * d - 1.0) < 1e-15:
            break
    return front * (fraction - 1.0)


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
