"""Read one run's metrics for the charts: the visible range downsampled, its average, the values at the cursor."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from simclr_tui.display.colours import run_colour
from simclr_tui.store.events import read_events
from simclr_tui.store.metrics.downsample import RowPositions, axis_values, thin
from simclr_tui.store.metrics.history import Column, History
from simclr_tui.store.metrics.moving_average import Smoothed
from simclr_tui.store.metrics.outline import Outline
from simclr_tui.store.metrics.wall_clock import WallTimes
from simclr_tui.store.run import Run
from simclr_tui.text import safe
from simclr_tui.tui.feed.messages import ChartAxis, Request, Series
from simclr_tui.tui.feed.metric_view import view_of
from simclr_tui.tui.feed.window import Span

_TREND = 5  # evaluations over which a trend is computed
_AVERAGED = 40_000  # values averaged per chart and turn: about 30 ms


class CurveReader:
    """Tail the metrics of a run. Used by the feed's thread alone.

    While `history` is being read, an `outline` of it is drawn, where there is one. It has every metric, but not every
    value: what takes a single one, such as the value at the cursor, is unknown until then.
    """

    def __init__(self, run: Run, outline: Outline | None = None) -> None:
        self._run = run
        self.name = run.name
        self.history = History(run.paths)
        self._outline, self._opened = outline, False
        self._smoothed: dict[str, Smoothed] = {}
        self._wall: WallTimes | None = None
        self.behind = False  # True if there is more to read, or an average lags behind its metric

    @property
    def steps(self) -> int:
        """Return the number of steps in memory."""
        return len(self.history.step)

    def poll(self, budget: int) -> bool:
        """Read up to `budget` new bytes. Returns True when something was read.

        The first time, that is the outline alone, if there is one.
        """
        grown = self._read(budget)
        if grown:
            self._wall = None
        return grown

    def _read(self, budget: int) -> bool:
        outline, opened = self._outline, self._opened
        self._opened = True
        if outline is not None and not opened and outline.open(budget):
            self.behind = True
            return True
        grown = self.history.poll(budget)
        self.behind = self.history.behind
        if outline is None:
            return grown
        if self.behind:
            outline.follow(budget)
            return grown
        return outline.close(self.history) or grown

    @property
    def outlined(self) -> bool:
        """Return whether an outline is drawn in place of the history."""
        return self._outline is not None and self._outline.history is not None

    @property
    def drawn(self) -> History:
        """Return what the charts show: the outline while there is one, else what was read of the history so far."""
        outline = self._outline
        return self.history if outline is None or outline.history is None else outline.history

    def places(self, axis: ChartAxis) -> RowPositions | None:
        """Return the x of every row that is drawn; None where the run does not record it."""
        if axis != "wall":
            return axis_values(self.drawn, axis)
        if self._wall is None:
            self._wall = self._wall_times(self.drawn)
        return self._wall if self._wall.known else None

    def _wall_times(self, history: History) -> WallTimes:
        return WallTimes(history, read_events(self._run.paths))

    def _places_read(self, axis: ChartAxis) -> RowPositions:
        """Return the x of every row of the history read so far, on an axis that the run records."""
        return self._wall_times(self.history) if axis == "wall" else axis_values(self.history, axis)

    def extent(self, axis: ChartAxis) -> Span | None:
        """Return the first and the last x."""
        places, rows = self.places(axis), len(self.drawn.step)
        return (places[0], places[rows - 1]) if rows and places is not None else None

    def step_at(self, axis: ChartAxis, x: float) -> int | None:
        """Return the last step taken at or before `x`; None while an outline is drawn."""
        places = None if self.outlined else self.places(axis)
        row = -1 if places is None else _last_until(places, range(len(self.history.step)), x)
        return self.history.step[row] if row >= 0 else None

    def moment_of(self, axis: ChartAxis, x: float) -> float | None:
        """Return the seconds of training at which a place on the x axis was reached; None where that is unknown."""
        rows = len(self.drawn.step)
        return x if axis == "time" else _between(self.places(axis), self.places("time"), rows=rows, at=x)

    def place_at(self, axis: ChartAxis, moment: float) -> float | None:
        """Return the place on the x axis that was reached after `moment` seconds of training."""
        rows = len(self.drawn.step)
        return moment if axis == "time" else _between(self.places("time"), self.places(axis), rows=rows, at=moment)

    def earlier(self, metric: str) -> tuple[float, float] | None:
        """Return a value of some evaluations before the newest, and the epochs since then; None before there is one.

        None, too, while an outline is drawn.
        """
        column, epoch = self.history.columns.get(metric), axis_values(self.history, "epoch")
        if column is None or len(column.rows) < 2 or self.outlined:
            return None
        index = max(0, len(column.rows) - 1 - _TREND)
        return column.values[index], epoch[column.rows[-1]] - epoch[column.rows[index]]

    def series(self, metric: str, request: Request, span: Span | None, *, colour: str = "") -> Series:
        """Return one metric as a line for a chart, in the run's own colour unless another is given."""
        view = view_of(metric)
        label, colour = safe(self._run.name), colour or run_colour(self._run.name)
        column, places = self.drawn.columns.get(metric), self.places(request.axis)
        if column is None or not column.rows or places is None:
            return Series(label, colour, (), ())
        xs, ys = thin(places, column.rows, column.extremes, columns=request.columns, span=span, beside=True)
        last = self.drawn.last(metric)
        line = Series(
            label,
            colour,
            tuple(xs),
            tuple(y * view.scale for y in ys),
            last=None if last is None else last * view.scale,
            at=None if self.outlined else _value_at(column, places, request.cursor, scale=view.scale),
            best=_best(column, xs, ys, wanted=view.best, scale=view.scale),
        )
        read = self.history.columns.get(metric)
        if not request.smoothing or read is None or not read.rows:
            return line
        places = self._places_read(request.axis) if self.outlined else places
        return self._averaged(line, metric, read, places=places, request=request, span=span)

    def _averaged(
        self, line: Series, metric: str, column: Column, *, places: RowPositions, request: Request, span: Span | None
    ) -> Series:
        """Put a line's average in front of it, as far as the history is read.

        Both share one x where every point is drawn; else each has its own.
        """
        first, last = span or (-math.inf, math.inf)
        seen = _last_until(places, column.rows, last) - _last_until(places, column.rows, first)
        weight, kept = average_weight(request.smoothing * seen), self._smoothed.get(metric)
        if kept is None or kept.weight != weight:
            kept = self._smoothed[metric] = Smoothed(weight)
        self.behind = kept.update(column, _AVERAGED) or self.behind
        xs, ys = thin(places, kept.rows, kept.extremes, columns=request.columns, span=span, beside=True)
        scale = view_of(metric).scale
        average = tuple(y * scale for y in ys)
        return Series(
            line.label, line.colour, tuple(xs), average, last=line.last, at=line.at, best=line.best,
            raw_xs=line.xs, raw=line.ys,
        )  # fmt: skip


def average_weight(count: float) -> float:
    """Return the weight of a moving average over about `count` values, two at least.

    The count is rounded to a power of two: a run that grows would otherwise be averaged anew at each step.
    """
    return 1 - 0.5 ** max(1, round(math.log2(max(count, 2))))


def _between(known: RowPositions | None, wanted: RowPositions | None, *, rows: int, at: float) -> float | None:
    """Return what one column is where another is `at`, in proportion between two rows; None without rows."""
    if known is None or wanted is None or not rows:
        return None
    after = bisect_right(range(rows), at, key=known.__getitem__)
    if after in (0, rows):
        return wanted[min(after, rows - 1)]
    low, high = known[after - 1], known[after]
    share = (at - low) / (high - low) if high > low else 0.0
    return wanted[after - 1] + share * (wanted[after] - wanted[after - 1])


def _last_until(places: RowPositions, rows: Sequence[int], x: float) -> int:
    """Return the index of the last of `rows` at or before x; -1 where there is none."""
    return bisect_right(rows, x, key=places.__getitem__) - 1


def _value_at(column: Column, places: RowPositions, x: float | None, *, scale: float) -> float | None:
    """Return the newest value recorded at or before a place."""
    index = -1 if x is None else _last_until(places, column.rows, x)
    return column.values[index] * scale if index >= 0 else None


def _best(
    column: Column, xs: Sequence[float], ys: Sequence[float], *, wanted: str, scale: float
) -> tuple[float, float] | None:
    """Return the best value of the whole run, and the x where it is drawn (NaN: not on screen)."""
    if not wanted:
        return None
    lowest, highest = column.extremes.range(0, len(column.rows))
    value = highest if wanted == "highest" else lowest
    if value != value:
        return None
    place = next((x for x, y in zip(xs, ys, strict=True) if y == value), float("nan"))
    return place, value * scale
