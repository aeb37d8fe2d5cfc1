"""The minimum and maximum of any range of a growing column, computed from a pyramid of block extremes."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FAN = 16  # blocks of a level that make up one block of the next


class Extremes:
    """Keep a column whose (min, max) over [start, stop) takes O(log n); appending is O(1) amortised. NaN is ignored."""

    def __init__(self) -> None:
        self.values = array("d")
        self._low: list[array[float]] = []
        self._high: list[array[float]] = []

    def append(self, value: float) -> None:
        self.values.append(value)
        count = len(self.values)
        level = 0
        while count % _FAN == 0:
            self._close_block(level, count // _FAN - 1)
            count //= _FAN
            level += 1

    def _close_block(self, level: int, block: int) -> None:
        if level == len(self._low):
            self._low.append(array("d"))
            self._high.append(array("d"))
        lows = self.values if level == 0 else self._low[level - 1]
        highs = self.values if level == 0 else self._high[level - 1]
        part = slice(block * _FAN, (block + 1) * _FAN)
        self._low[level].append(_finite(min, lows[part]))
        self._high[level].append(_finite(max, highs[part]))

    def extend(self, values: NDArray[np.float64]) -> None:
        """Append many values at once."""
        import numpy as np

        self.values.frombytes(values.tobytes())
        lows, highs = self.values, self.values
        for level in itertools.count():
            if level == len(self._low):
                self._low.append(array("d"))
                self._high.append(array("d"))
            part = slice(len(self._low[level]) * _FAN, len(lows) // _FAN * _FAN)
            if part.start >= part.stop:
                return
            low = np.fmin.reduce(np.frombuffer(lows)[part].reshape(-1, _FAN), axis=1)
            high = np.fmax.reduce(np.frombuffer(highs)[part].reshape(-1, _FAN), axis=1)
            lows, highs = self._low[level], self._high[level]
            lows.frombytes(low.tobytes())
            highs.frombytes(high.tobytes())

    def truncate(self, count: int) -> None:
        """Keep the first `count` values."""
        del self.values[count:]
        for level in range(len(self._low)):
            count //= _FAN
            del self._low[level][count:]
            del self._high[level][count:]

    def range(self, start: int, stop: int) -> tuple[float, float]:
        """Return (min, max) of values[start:stop]; (nan, nan) if none is a number."""
        lows, highs = self._pieces(max(start, 0), min(stop, len(self.values)))
        return _finite(min, lows), _finite(max, highs)

    def _pieces(self, start: int, stop: int) -> tuple[array[float], array[float]]:
        """Return lows and highs of the few pieces that make up the range: values at its ends, blocks between them."""
        end_lows, end_highs = array("d"), array("d")
        lows, highs, level = self.values, self.values, 0
        while stop - start > 2 * _FAN and level < len(self._low):
            inner_start, inner_stop = -(-start // _FAN), min(stop // _FAN, len(self._low[level]))
            if inner_start >= inner_stop:
                break
            end_lows += lows[start : inner_start * _FAN] + lows[inner_stop * _FAN : stop]
            end_highs += highs[start : inner_start * _FAN] + highs[inner_stop * _FAN : stop]
            lows, highs = self._low[level], self._high[level]
            start, stop, level = inner_start, inner_stop, level + 1
        return end_lows + lows[start:stop], end_highs + highs[start:stop]


def _finite(choose: Callable[[Iterable[float]], float], values: array[float]) -> float:
    """Return the minimum or maximum, as `choose` does, ignoring NaN; NaN if there is no number."""
    if not math.isnan(sum(values)):  # a fast path if none is NaN
        return choose(values) if values else math.nan
    known = [value for value in values if value == value]
    return choose(known) if known else math.nan
