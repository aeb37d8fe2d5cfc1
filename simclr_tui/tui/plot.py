"""One chart: plotext through textual-plotext, drawn anew only when its data, its size or the theme changed."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.text import Text
from textual.app import RenderResult
from textual.color import Color
from textual_plotext import PlotextPlot

from simclr_tui.text import duration, number
from simclr_tui.tui.look import draws_unicode
from simclr_tui.tui.snapshots import Panel, Series

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_TIME_STEPS = (
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY,
)  # fmt: skip
_SMALLEST = (8, 3)  # cells in which a chart still says something
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Chart(PlotextPlot):
    """Draws a Panel. Without colours, lines are told apart by letters."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._panel: Panel | None = None
        self._log = False

    def show(self, panel: Panel | None, log: bool = False) -> None:
        if (panel, log) != (self._panel, self._log):
            self._panel, self._log = panel, log
            self.refresh()

    def render(self) -> RenderResult:
        width, height = self.size
        if width < _SMALLEST[0] or height < _SMALLEST[1]:
            return Text("")
        lines = list(_drawable(self._panel, self._log)) if self._panel else []
        if not any(series.xs for series in lines):
            return Text("no data yet", style="dim")
        return Text.from_ansi(self._draw(lines, width, height))

    def _draw(self, lines: list[Series], width: int, height: int) -> str:
        assert self._panel is not None
        plot = self.plt
        plot.clear_figure()
        plot.plotsize(width, height)
        plot._set_size(width, height)
        self._dress()
        low, high = _y_range(lines, self._panel.ceiling)
        ticks = log_ticks(low, high) if self._log else nice_ticks(low, high, max(2, height // 3 + 1))
        labels = [number(10**tick if self._log else tick) for tick in ticks]
        left, right = _x_range(lines)
        room = width - max(map(len, labels), default=0) - 1
        self._axes((left, right, low, high), (ticks, labels), max(2, room // 12))
        many = len(lines) > 1 and self.app.no_color
        for index, series in enumerate(lines):
            marker = _LETTERS[index % 26] if many else ("braille" if draws_unicode() else "*")
            rgb = Color.parse(series.colour).rgb
            if series.raw:
                self._stroke(series.xs, series.raw, marker, self._faded(rgb))
            self._stroke(series.xs, series.ys, marker, rgb)
        return str(plot.build())

    def _dress(self) -> None:
        self.plt.canvas_color("default")
        self.plt.axes_color("default")
        self.plt.ticks_color(self.styles.color.rgb)

    def _axes(self, box: tuple[float, float, float, float], y: tuple[list[float], list[str]], x_ticks: int) -> None:
        left, right, low, high = box
        assert self._panel is not None
        self.plt.xlim(left, right)
        self.plt.ylim(low, high)
        self.plt.xaxes(True, False)
        self.plt.yaxes(True, False)
        self.plt.yticks(*y)
        timed = self._panel.axis == "time"
        xs = time_ticks(left, right, x_ticks) if timed else nice_ticks(left, right, x_ticks, self._panel.axis == "step")
        words = [duration(x) if timed else number(x) for x in xs]
        self.plt.xticks(xs, words)

    def _stroke(self, xs: tuple[float, ...], ys: tuple[float, ...], marker: str, rgb: tuple[int, int, int]) -> None:
        for part_x, part_y in segments(xs, ys):
            if len(part_x) == 1:
                self.plt.scatter(part_x, part_y, marker=marker, color=rgb)
            else:
                self.plt.plot(part_x, part_y, marker=marker, color=rgb)

    def _faded(self, rgb: tuple[int, int, int]) -> tuple[int, int, int]:
        return Color(*rgb).blend(self.background_colors[1], 0.65).rgb


def segments(xs: tuple[float, ...], ys: tuple[float, ...]) -> Iterator[tuple[list[float], list[float]]]:
    """The unbroken parts of a line: NaN and infinity break it."""
    part_x: list[float] = []
    part_y: list[float] = []
    for x, y in zip(xs, ys, strict=True):
        if math.isfinite(y) and math.isfinite(x):
            part_x.append(x)
            part_y.append(y)
        elif part_x:
            yield part_x, part_y
            part_x, part_y = [], []
    if part_x:
        yield part_x, part_y


def _drawable(panel: Panel, log: bool) -> Iterator[Series]:
    """The series as drawn: on a log axis the logarithm, with a gap where there is none."""
    for series in panel.series:
        if log:
            ys, raw = (tuple(map(_log10, values)) for values in (series.ys, series.raw))
            series = Series(series.label, series.colour, series.xs, ys, raw, series.last)
        if any(math.isfinite(y) for y in series.ys):
            yield series


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 and math.isfinite(value) else math.nan


def _x_range(lines: list[Series]) -> tuple[float, float]:
    known = [x for series in lines for x in (series.xs[0], series.xs[-1]) if math.isfinite(x)]
    low, high = min(known), max(known)
    return (low, high) if high > low else (low, low + 1)


def _y_range(lines: list[Series], ceiling: float | None) -> tuple[float, float]:
    known = [y for series in lines for y in (*series.ys, *series.raw) if math.isfinite(y)]
    low, high = min(known), max(known)
    if ceiling is not None:
        return min(0.0, low), max(high, ceiling)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        pad = abs(high) * 0.1 or 1.0
        return low - pad, high + pad
    return low, high


def nice_ticks(low: float, high: float, count: int, whole: bool = False) -> list[float]:
    """Up to about `count` round values inside [low, high]."""
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


def time_ticks(low: float, high: float, count: int) -> list[float]:
    """Up to `count` moments at round distances of seconds, minutes, hours or days."""
    step = next((step for step in _TIME_STEPS if step * count >= high - low), _TIME_STEPS[-1])
    while step * count < high - low:
        step *= 2
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)] or [low]


def log_ticks(low: float, high: float) -> list[float]:
    """Exponents of the powers of ten inside [low, high], else the two ends."""
    powers = [float(power) for power in range(math.ceil(low), math.floor(high) + 1)]
    return powers if len(powers) >= 2 else [low, high]
