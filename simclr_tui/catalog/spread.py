"""The mean, sample standard deviation and confidence interval of several values of one figure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simclr_tui.catalog.student import t_quantile


@dataclass(frozen=True)
class Spread:
    """Hold mean and sample standard deviation (n − 1), which is None for a single value."""

    mean: float
    std: float | None
    count: int

    @property
    def half(self) -> float | None:
        """Return half the width of the mean's 95% interval, by Student's t; None for a single value."""
        if self.std is None:
            return None
        return t_quantile(self.count - 1) * self.std / math.sqrt(self.count)

    def as_json(self) -> dict[str, Any]:
        """Return `mean`, `std`, `n` and `interval`, the 95% interval of the mean (null for a single value)."""
        half = self.half
        interval = None if half is None else [self.mean - half, self.mean + half]
        return {"mean": self.mean, "std": self.std, "n": self.count, "interval": interval}


def spread_of(values: Iterable[Any]) -> Spread | None:
    """Return mean and deviation of the finite numbers among `values`; None if there are none."""
    known = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    count = len(known)
    if not count:
        return None
    mean = math.fsum(value / count for value in known)  # divided first, so that the sum cannot overflow
    if count == 1:
        return Spread(mean, None, 1)
    # Ten times as fast as `statistics.stdev`, which would delay a grouped list of ten thousand runs.
    squares = math.fsum((value - mean) * (value - mean) for value in known)
    return Spread(mean, math.sqrt(squares / (count - 1)), count)
