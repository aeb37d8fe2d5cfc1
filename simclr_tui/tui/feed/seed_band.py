"""The line of runs that differ only in their seed: their mean, between the ends of its 95% interval."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from simclr_tui.catalog.bands import band, spaced_rows
from simclr_tui.text import safe
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.messages import Request, Series
from simclr_tui.tui.feed.metric_view import view_of
from simclr_tui.tui.feed.window import Span


def seed_band(
    readers: Sequence[CurveReader], metric: str, request: Request, *, span: Span | None, colour: str
) -> Series:
    """Return the mean over the runs at the first run's places, and the ends of its interval as two dim lines.

    It is never smoothed: each point is a mean over as many runs. Empty where no step is shared by all.
    """
    first = readers[0]
    column, places = first.history.columns.get(metric), first.places(request.axis)
    label = _label(readers)
    if column is None or places is None:
        return Series(label, colour, (), ())
    rows: Sequence[int] = column.rows
    if span is not None:
        start = bisect_left(rows, span[0], key=places.__getitem__)
        stop = bisect_right(rows, span[1], key=places.__getitem__)
        rows = rows[max(0, start - 1) : stop + 1]
    scale = view_of(metric).scale
    found = band([reader.history for reader in readers], metric, spaced_rows(rows, 2 * request.columns))
    xs = tuple(float(places[row]) for row in found.rows)
    means = tuple(spread.mean * scale for spread in found.spreads)
    halves = tuple((spread.half or 0.0) * scale for spread in found.spreads)
    low = tuple(mean - half for mean, half in zip(means, halves, strict=True))
    high = tuple(mean + half for mean, half in zip(means, halves, strict=True))
    gap = (math.nan,)  # where the lower end's line breaks off and the upper end's begins
    return Series(
        label, colour, xs, means, last=means[-1] if means else None, at=_at(xs, means, request.cursor),
        raw_xs=(*xs, *gap, *xs), raw=(*low, *gap, *high),
    )  # fmt: skip


def _label(readers: Sequence[CurveReader]) -> str:
    return f"{safe(readers[0].name)} ×{len(readers)} seeds"


def _at(xs: Sequence[float], means: Sequence[float], cursor: float | None) -> float | None:
    """Return the newest mean at or before the cursor."""
    index = -1 if cursor is None else bisect_right(xs, cursor) - 1
    return means[index] if index >= 0 else None
