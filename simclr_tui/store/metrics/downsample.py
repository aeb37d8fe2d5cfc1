"""Reduce a metric to the few points that a chart can show: the minimum and maximum of each column, with gaps kept."""

from __future__ import annotations

import itertools
import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Literal, Protocol

from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.minmax_tree import MANY, Extremes

Axis = Literal["step", "epoch", "time"]


def axis_values(history: History, axis: Axis) -> Sequence[float]:
    """Return the x value of every row: steps done, epochs, or seconds of training."""
    if axis == "step":
        return history.step
    return history.epoch if axis == "epoch" else history.time


def has_axis(history: History, axis: Axis) -> bool:
    """Return whether the runs' points differ along an axis: an imported run may know neither epochs nor times."""
    return axis == "step" or len(history.step) < 2 or axis_values(history, axis)[-1] > 0


def decimate(
    history: History, metric: str, columns: int, *, axis: Axis = "step", span: tuple[float, float] | None = None
) -> tuple[list[float], list[float]]:
    """Return at most 2·columns points of `metric` inside `span`, as x and y: the minimum and maximum of each column.

    A column whose values are all NaN gives one NaN point, so that a line breaks there. The newest point is always the
    last one. The cost grows with the number of columns, not with the length of the history.
    """
    column = history.columns.get(metric)
    if column is None or not column.rows:
        return [], []
    return thin(axis_values(history, axis), column.rows, column.extremes, columns=columns, span=span)


class RowPositions(Protocol):
    """Give the x value of every row, never decreasing."""

    def __getitem__(self, row: int, /) -> float: ...


def thin(
    xs_of_rows: RowPositions,
    rows: Sequence[int],
    extremes: Extremes,
    *,
    columns: int,
    span: tuple[float, float] | None = None,
    beside: bool = False,
) -> tuple[list[float], list[float]]:
    """Reduce any column of values as `decimate` does, given the row of each value and the x value of every row.

    With `beside`, the nearest point on either side of the span is kept, so that a line reaches the edge of a chart.
    """
    values = extremes.values
    low, high = span or (xs_of_rows[rows[0]], xs_of_rows[rows[-1]])
    first = bisect_left(rows, low, key=xs_of_rows.__getitem__)
    last = bisect_right(rows, high, key=xs_of_rows.__getitem__)
    before = range(first - 1, first) if beside and first else range(0)
    after = range(last, last + 1) if beside and last < len(rows) else range(0)
    if last - first <= 2 * columns:
        kept = range(before.start if before else first, after.stop if after else last)
        return [xs_of_rows[rows[index]] for index in kept], [values[index] for index in kept]
    xs: list[float] = [xs_of_rows[rows[index]] for index in before]
    ys: list[float] = [values[index] for index in before]
    ends = [low + (high - low) * index / columns for index in range(1, columns)]
    edges = _column_edges(xs_of_rows, rows, range(first, last), ends=ends)
    for (start, stop), (smallest, largest) in zip(itertools.pairwise(edges), extremes.ranges(edges), strict=True):
        if stop > start:
            middle = xs_of_rows[rows[(start + stop) // 2]]
            rising = values[start] <= values[stop - 1]
            pair = (smallest, largest) if rising else (largest, smallest)
            for value in pair if smallest < largest else pair[:1]:
                xs.append(middle)
                ys.append(value)
    if last and not math.isnan(values[last - 1]):
        xs.append(xs_of_rows[rows[last - 1]])
        ys.append(values[last - 1])
    return xs + [xs_of_rows[rows[index]] for index in after], ys + [values[index] for index in after]


def _column_edges(xs_of_rows: RowPositions, rows: Sequence[int], seen: range, *, ends: Sequence[float]) -> list[int]:
    """Return where the columns of a chart begin and end among the values `seen`, each ending at its x."""
    if isinstance(xs_of_rows, array) and isinstance(rows, array) and len(seen) >= MANY:
        return [seen.start, *_found_at_once(xs_of_rows, rows, seen, ends=ends), seen.stop]
    edges = [seen.start]
    for end in ends:
        edges.append(bisect_right(rows, end, edges[-1], seen.stop, key=xs_of_rows.__getitem__))
    return [*edges, seen.stop]


def _found_at_once(xs_of_rows: array[Any], rows: array[int], seen: range, *, ends: Sequence[float]) -> list[int]:
    """Return the index behind the last value up to each of the rising x values `ends`, within the range `seen`."""
    import numpy as np

    # Steps are compared as integers: numpy would make floats of a million of them first.
    wanted = np.floor(ends).astype(np.int64) if xs_of_rows.typecode == "q" else np.array(ends)
    passed = np.searchsorted(np.frombuffer(xs_of_rows, dtype=wanted.dtype), wanted, side="right")
    found = np.searchsorted(np.frombuffer(rows, dtype=np.int64), passed, side="left")
    edges: list[int] = found.clip(seen.start, seen.stop).tolist()
    return edges


def smooth(values: Sequence[float], weight: float) -> list[float]:
    """Return the bias-corrected exponential moving average, 0 ≤ weight < 1; NaN stays NaN and is not averaged in."""
    smoothed: list[float] = []
    mean, scale = 0.0, 0.0
    for value in values:
        if math.isnan(value):
            smoothed.append(value)
            continue
        mean = weight * mean + (1 - weight) * value
        scale = weight * scale + (1 - weight)
        smoothed.append(mean / scale)
    return smoothed
