"""Several figures as one: mean ± sample standard deviation."""

from __future__ import annotations

import math
import statistics
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
    if not known:
        return None
    return Spread(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None, len(known))
