"""Ticks of a chart's axes: round numbers, round times, powers of ten."""

from __future__ import annotations

import math
import time

from simclr_tui.text import duration, number

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_Y_STEPS = (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0, 20.0)
_FEW = 4  # rows between the ends of a chart so low that each may have its tick
_SMALLEST = 1e-300  # so that a hundredth of a span is not zero
_LARGEST = 8e307  # so that the difference of two ends stays finite
_CROWDED = 0.05  # of the chart: how much emptier it may be to have one tick nearer to one in three rows
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_TIME_STEPS = (
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY,
)  # fmt: skip


def nice_ticks(low: float, high: float, count: int, *, whole: bool = False) -> list[float]:
    """Return up to about `count` round values inside [low, high]."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(power * factor for factor in _STEPS if power * factor * count >= span * 0.999)
    if whole:
        step = max(1.0, round(step))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = [index * step for index in range(first, min(last, first + 50) + 1)]
    return ticks or [low]


def round_range(low: float, high: float, rows: int) -> tuple[float, float, list[float]]:
    """Return [low, high] widened to round numbers, and its ticks, one at each end, at even distances of whole rows.

    `rows` is the height of the chart in cells. Of all ways to divide them evenly, the one that leaves the least of the
    chart empty is taken.
    """
    span = high - low
    if not (math.isfinite(span) and span > _SMALLEST and max(abs(low), abs(high)) < _LARGEST / 10):
        return low, high, [low, high] if high > low else [low]
    ways = [(*way, count) for count in _interval_counts(rows) if (way := _fitted(low, high, count)) is not None]
    if not ways:
        return low, high, [low, high]
    first, step, count = min(ways, key=lambda way: way[1] * way[2] / span + _CROWDED * abs(way[2] - rows / 3))
    ticks = [(first + index) * step for index in range(count + 1)]
    return ticks[0], ticks[-1], ticks


def _interval_counts(rows: int) -> list[int]:
    """Return into how many equal parts of whole rows a chart can be divided: of two rows or more in a tall one."""
    between = max(1, rows - 1)
    most = between if between <= _FEW else between // 2
    return [count for count in range(1, most + 1) if between % count == 0]


def _fitted(low: float, high: float, count: int) -> tuple[int, float] | None:
    """Return the multiple of a round step that `count` such steps begin at to cover [low, high], and the smallest step.

    None where no few steps do: a single one never covers both sides of zero.
    """
    power = 10.0 ** math.floor(math.log10((high - low) / count))
    for step in (power * factor for factor in _Y_STEPS):
        first = math.floor(low / step + 1e-9)
        if (first + count) * step >= high - 1e-9 * step:
            return first, step
    return None


def time_ticks(low: float, high: float, count: int) -> list[float]:
    """Return up to `count` times at round intervals of seconds, minutes, hours or days."""
    step = next((step for step in _TIME_STEPS if step * count >= high - low), _TIME_STEPS[-1])
    while step * count < high - low:
        step *= 2
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)] or [low]


def wall_ticks(low: float, high: float, count: int) -> list[float]:
    """Return up to `count` times that are round in local time."""
    offset = time.localtime(low).tm_gmtoff
    return [tick - offset for tick in time_ticks(low + offset, high + offset, count)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return the exponents of the powers of ten inside [low, high], else the two ends."""
    powers = [float(power) for power in range(math.ceil(low), math.floor(high) + 1)]
    return powers if len(powers) >= 2 else [low, high]


def x_ticks(axis: str, low: float, high: float, *, count: int) -> list[tuple[float, str]]:
    """Return the positions and labels of the x axis."""
    if axis == "time":
        return [(x, duration(x)) for x in time_ticks(low, high, count)]
    if axis == "wall":
        return [(x, clock_time(x, high - low)) for x in wall_ticks(low, high, count)]
    return [(x, number(x)) for x in nice_ticks(low, high, count, whole=axis == "step")]


def clock_time(wall: float, span: float = 0.0) -> str:
    """Format a local time as precisely as a chart over `span` seconds needs: `14:03:22`, `14:03`, `24 Nov`."""
    if not 0 <= wall < 2**40:
        return "–"
    form = "%H:%M:%S" if span < 10 * _MINUTE else "%H:%M" if span < 2 * _DAY else "%d %b"
    return time.strftime(form, time.localtime(wall))


def place_in_words(axis: str, x: float) -> str:
    """Format a place on the x axis as a person says it: `step 1,200`, `epoch 3.05`, `3m41s`, `14:03:22`."""
    if axis == "time":
        return f"{duration(x)} of training"
    if axis == "wall":
        return clock_time(x)
    return f"{axis} {number(x)}"
