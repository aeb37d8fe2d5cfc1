"""Draw curves as plain terminal text with plotext, from a few points per column."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from simclr_tui.cli import output, streams
from simclr_tui.cli.table import shorten
from simclr_tui.display.cells import width_of
from simclr_tui.display.ticks import log_ticks, round_range, x_ticks
from simclr_tui.store.metrics.downsample import Axis, decimate, smooth
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.text import number, safe

_X_LABELS: dict[Axis, str] = {"step": "step", "epoch": "epoch", "time": "training time"}
_COLORS = ("cyan+", "orange+", "green+", "magenta+", "red+", "blue+", "white", "gray")
_AROUND = 5  # rows of a chart around its drawing: the title, the frame, the ticks and their label
_DRAWN = "⠤"  # stands for a line of braille dots in the legend


def draw_chart(
    runs: Sequence[tuple[str, History]],
    metric: str,
    axis: Axis = "step",
    *,
    width: int | None = None,
    height: int = 14,
    smoothing: float = 0.0,
    log_y: bool = False,
    references: Mapping[str, float] | None = None,
) -> str:
    """Return a chart of one metric for several runs, or a sentence saying that none has logged what can be drawn.

    Shares are drawn in percent. `references` are values drawn as dim lines. Runs and references are named below.
    """
    import plotext as plt

    columns = width or min(100, shutil.get_terminal_size((100, 24)).columns)
    scale = 100.0 if metric in METRICS and METRICS[metric].unit == "share" else 1.0
    lines: list[_Line] = []
    for index, (name, history) in enumerate(runs):
        xs, ys = decimate(history, metric, columns, axis=axis)
        if xs:
            values = [_height(scale * value, log_y) for value in (smooth(ys, smoothing) if smoothing else ys)]
            lines.append(_Line(name, xs, values, marker=_marker(), colour=_COLORS[index % len(_COLORS)]))
    if not lines:
        return f"{safe(metric)}: no data yet"
    if not any(math.isfinite(value) for line in lines for value in line.ys):
        return f"{safe(metric)}: no value {'above zero, as a log scale needs' if log_y else 'that is a finite number'}"
    named = len(runs) > 1 or bool(references)
    low, high = min(line.xs[0] for line in lines), max(line.xs[-1] for line in lines)
    for label, value in (references or {}).items():
        lines.append(_Line(label, [low, high], [_height(scale * value, log_y)] * 2, marker="-", colour="gray"))
    plt.clear_figure()
    plt.theme("clear")
    plt.plotsize(columns, height)
    for line in lines:
        plt.plot(line.xs, line.ys, marker=line.marker, color=line.colour)
    plt.title(_title(metric))
    plt.xlabel(_X_LABELS[axis])
    plt.xticks(*zip(*x_ticks(axis, low, high, count=max(2, columns // 12)), strict=True))
    _set_y_axis(lines, height - _AROUND, log_y)
    figure: str = plt.build().rstrip("\n")
    plt.clear_figure()
    if named:
        figure = "\n".join([figure, *_legend(lines, columns)])
    return figure if output.is_colourful() else plt.uncolorize(figure)


class _Line(NamedTuple):
    name: str
    xs: list[float]
    ys: list[float]
    marker: str
    colour: str


def _set_y_axis(lines: Sequence[_Line], rows: int, log_y: bool) -> None:
    """Let the y axis of a chart of so many rows begin and end at round numbers; `log_y` says that ys are exponents."""
    import plotext as plt

    values = [value for line in lines for value in line.ys if math.isfinite(value)]
    low, high = min(values), max(values)
    if log_y:
        ticks = log_ticks(low, high)
    else:
        low, high, ticks = round_range(low, high, rows)
    if high > low:
        plt.ylim(low, high)
    plt.yticks(ticks, [number(10.0**tick if log_y else tick) for tick in ticks])


def _height(value: float, log_y: bool) -> float:
    """Return where a value is drawn, on a log scale its exponent; NaN, a gap, where it cannot be."""
    if not math.isfinite(value) or (log_y and value <= 0):
        return math.nan
    return math.log10(value) if log_y else value


def _legend(lines: Sequence[_Line], columns: int) -> list[str]:
    """Return the lines' names, each behind a piece of its line, in as many rows of `columns` cells as they need."""
    import plotext as plt

    rows: list[list[str]] = []
    room = 0
    for line in lines:
        name = shorten(safe(line.name), columns - 5)
        wide = width_of(name) + 5  # two of its marker, a space, two to the next
        if wide > room:
            rows.append([])
            room = columns
        drawn = _DRAWN if line.marker == "braille" else line.marker
        rows[-1].append(plt.colorize(f"{drawn * 2} {name}", line.colour))
        room -= wide
    return ["  " + "  ".join(row) for row in rows]


def join_charts(left: str, right: str) -> str:
    """Return two charts beside each other, each line of one as wide as all its others; one may have a legend below."""
    import plotext as plt

    beside = zip_longest(left.split("\n"), right.split("\n"))
    blank = " " * width_of(plt.uncolorize(left.partition("\n")[0]))
    return "\n".join(f"{blank if one is None else one}  {other or ''}".rstrip() for one, other in beside)


def _title(metric: str) -> str:
    if metric not in METRICS:
        return safe(metric)
    return METRICS[metric].short + (" %" if METRICS[metric].unit == "share" else "")


def _marker() -> str:
    return "braille" if streams.is_utf8() else "*"
