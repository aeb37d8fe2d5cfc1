"""The ranges of a chart's axes, and which of its values are outliers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from simclr_tui.tui.feed.messages import Series
from simclr_tui.tui.feed.window import Span

_TAIL = 0.02  # fraction of the values at either end that may be outliers
_LARGEST = 8e307  # so that the difference of two values stays finite
_ROOM = 0.1  # fraction of the remaining height left free above and below


def x_range(lines: Sequence[Series]) -> Span:
    """Return the range from the first point to the last."""
    known = [x for series in lines for x in (series.xs[0], series.xs[-1]) if math.isfinite(x)]
    return _opened(min(known), max(known))


def y_range(
    lines: Sequence[Series],
    span: Span,
    ceiling: float | None = None,
    *,
    clip: bool = False,
    beside: Sequence[float] = (),
) -> Span:
    """Return the lowest and the highest value inside the span; of all points where none is inside.

    The range holds the values `beside` the lines too, those of reference lines.
    """
    values = list(_values(lines, span)) or list(_values(lines, (-math.inf, math.inf)))
    low, high = without_outliers(values) if clip else (min(values), max(values))
    low, high = max(min((low, *beside)), -_LARGEST), min(max((high, *beside)), _LARGEST)
    if ceiling is not None:
        return _opened(min(0.0, low), max(high, ceiling))
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        pad = abs(high) * 0.1 or 1.0
        return low - pad, high + pad
    return low, high


def without_outliers(values: Sequence[float]) -> Span:
    """Return the range without the lowest and the highest fiftieth of the values, with some room.

    It is never wider than the range of all values.
    """
    ordered = sorted(values)
    tail = math.ceil(len(ordered) * _TAIL) if len(ordered) > 4 else 0
    low, high = ordered[tail], ordered[-1 - tail]
    room = high * _ROOM - low * _ROOM
    return max(ordered[0], low - room), min(ordered[-1], high + room)


def _values(lines: Iterable[Series], span: Span) -> Iterable[float]:
    low, high = span
    for series in lines:
        for xs, ys in ((series.xs, series.ys), (series.raw_xs, series.raw)):
            yield from (y for x, y in zip(xs, ys, strict=True) if low <= x <= high and math.isfinite(y))


def _opened(low: float, high: float) -> Span:
    return (low, high) if high > low else (low, low + 1)
