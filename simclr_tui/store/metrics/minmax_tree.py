"""The minimum and maximum of any range of a growing column, computed from a pyramid of block extremes."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_FAN = 16  # blocks of a level that make up one block of the next
MANY = 20_000  # values; over fewer, ranges are asked for one by one, which is quicker than importing numpy
AT_ONCE = 100_000  # blocks of a level that are reduced without descending to the next


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

    def load(self, values: array[float]) -> None:
        """Take all values at once, in place of those before. Never imports numpy, for a few thousand values."""
        self.values, self._low, self._high = values, [], []
        count, level = len(values) // _FAN, 0
        while count:
            for block in range(count):
                self._close_block(level, block)
            count, level = count // _FAN, level + 1

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

    def ranges(self, edges: Sequence[int]) -> list[tuple[float, float]]:
        """Return what `range` returns of each [edges[i], edges[i + 1]), of which none decreases."""
        if edges[-1] - edges[0] < MANY:
            return [self.range(start, stop) for start, stop in itertools.pairwise(edges)]
        import numpy as np

        bounds = np.asarray(edges, dtype=np.int64)
        ranges = _Ranges(bounds[:-1], bounds[1:])
        lows = _reduced(np.fmin, [self.values, *self._low], ranges)
        highs = _reduced(np.fmax, [self.values, *self._high], ranges)
        return list(zip(lows.tolist(), highs.tolist(), strict=True))

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


class _Ranges(NamedTuple):
    """Hold ranges of blocks, each from its start to before its stop; none begins before the one ahead of it ends."""

    starts: Integers
    stops: Integers


def _reduced(choose: np.ufunc, levels: Sequence[array[float]], ranges: _Ranges) -> Floats:
    """Return the minimum or maximum of each range of the first level; NaN where none is a number."""
    import numpy as np

    blocks, (starts, stops) = np.frombuffer(levels[0]), ranges
    if len(levels) == 1 or int(stops[-1] - starts[0]) <= AT_ONCE:
        return _in_turn(choose, blocks, ranges)
    # Whole blocks of the next level, and at both ends less than one, or all of a range that has none.
    inner_starts, inner_stops = -(-starts // _FAN), stops // _FAN
    has_inner = inner_starts < inner_stops
    left = _side_by_side(choose, blocks, _Ranges(starts, np.where(has_inner, inner_starts * _FAN, stops)))
    right = _side_by_side(choose, blocks, _Ranges(np.where(has_inner, inner_stops * _FAN, stops), stops))
    inner = _Ranges(inner_starts, np.where(has_inner, inner_stops, inner_starts))
    found: Floats = choose(choose(left, right), _reduced(choose, levels[1:], inner))
    return found


def _side_by_side(choose: np.ufunc, blocks: Floats, ranges: _Ranges) -> Floats:
    """Reduce short ranges, wherever they lie."""
    import numpy as np

    starts, stops = ranges
    places = starts[:, None] + np.arange((stops - starts).max())
    taken = np.where(places < stops[:, None], blocks.take(places, mode="clip"), np.nan)
    found: Floats = choose.reduce(taken, axis=1, initial=np.nan)
    return found


def _in_turn(choose: np.ufunc, blocks: Floats, ranges: _Ranges) -> Floats:
    """Reduce ranges that nearly touch, the first one first."""
    import numpy as np

    found = np.full(len(ranges.starts), np.nan)
    some = ranges.starts < ranges.stops
    bounds = np.stack([ranges.starts[some], ranges.stops[some]], axis=1).ravel()
    if len(bounds):
        # `reduceat` also reduces what lies between two ranges, and wants no end of a range that reaches the last block.
        at_end = bounds[-1] == len(blocks)
        found[some] = choose.reduceat(blocks, bounds[:-1] if at_end else bounds)[::2]
    return found
