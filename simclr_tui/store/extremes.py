"""Minimum and maximum of any range of a growing column, from a pyramid of block extremes."""

from __future__ import annotations

import math
from array import array

_FAN = 16


class Extremes:
    """Answers (min, max) over [start, stop) in O(log n); appending costs O(1) amortised. NaN is passed over."""

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

    def truncate(self, count: int) -> None:
        """Keep the first `count` values."""
        del self.values[count:]
        for level in range(len(self._low)):
            count //= _FAN
            del self._low[level][count:]
            del self._high[level][count:]

    def range(self, start: int, stop: int) -> tuple[float, float]:
        """(min, max) of values[start:stop]; (nan, nan) where none is a number."""
        low, high = math.inf, -math.inf
        for lows, highs in self._pieces(max(start, 0), min(stop, len(self.values))):
            low = min(low, _finite(min, lows, math.inf))
            high = max(high, _finite(max, highs, -math.inf))
        return (low, high) if low <= high else (math.nan, math.nan)

    def _pieces(self, start: int, stop: int) -> list[tuple[array[float], array[float]]]:
        """The few runs of values and blocks that make up the range: ends from below, the middle from above."""
        pieces: list[tuple[array[float], array[float]]] = []
        lows, highs, level = self.values, self.values, 0
        while stop - start > 2 * _FAN and level < len(self._low):
            inner_start, inner_stop = -(-start // _FAN), min(stop // _FAN, len(self._low[level]))
            if inner_start >= inner_stop:
                break
            pieces.append((lows[start : inner_start * _FAN], highs[start : inner_start * _FAN]))
            pieces.append((lows[inner_stop * _FAN : stop], highs[inner_stop * _FAN : stop]))
            lows, highs = self._low[level], self._high[level]
            start, stop, level = inner_start, inner_stop, level + 1
        pieces.append((lows[start:stop], highs[start:stop]))
        return pieces


def _finite(choose: object, values: array[float], otherwise: float = math.nan) -> float:
    known = [value for value in values if value == value]
    if not known:
        return otherwise
    return min(known) if choose is min else max(known)
