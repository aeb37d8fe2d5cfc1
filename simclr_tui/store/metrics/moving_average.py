"""The exponential moving average of a growing metric, updated at a constant cost per value."""

from __future__ import annotations

import math
from array import array

from simclr_tui.store.metrics.history import Column
from simclr_tui.store.metrics.minmax_tree import Extremes


class Smoothed:
    """Keep a bias-corrected average, Σ wⁿ⁻ⁱ·xᵢ / Σ wⁿ⁻ⁱ after n values. NaN stays NaN and is not averaged in."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._reset()

    def _reset(self) -> None:
        self.extremes = Extremes()
        self.rows = array("q")
        self._mean, self._scale = 0.0, 0.0
        self._newest = math.nan  # the last value averaged, to notice when a resumed attempt has replaced it

    def update(self, column: Column, budget: int) -> bool:
        """Add up to `budget` new values to the average, and return whether there are more."""
        if self._is_stale(column):
            self._reset()
        start = len(self.rows)
        stop = min(len(column.rows), start + budget)
        mean, scale, weight = self._mean, self._scale, self.weight
        for value in column.values[start:stop]:
            if value == value:
                mean = weight * mean + (1 - weight) * value
                scale = weight * scale + (1 - weight)
                self.extremes.append(mean / scale)
            else:
                self.extremes.append(math.nan)
        self._mean, self._scale = mean, scale
        self.rows.extend(column.rows[start:stop])
        if stop:
            self._newest = column.values[stop - 1]
        return stop < len(column.rows)

    def _is_stale(self, column: Column) -> bool:
        """Return whether a resumed attempt has replaced values that were averaged."""
        count = len(self.rows)
        if not count:
            return False
        if count > len(column.rows) or self.rows[-1] != column.rows[count - 1]:
            return True
        now = column.values[count - 1]
        return now != self._newest and (now == now or self._newest == self._newest)
