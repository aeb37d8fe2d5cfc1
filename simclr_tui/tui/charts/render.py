"""Draw a panel: its lines on a canvas, with axes, letters on overlaid lines and a star on the best value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len

from simclr_tui.display.ticks import log_ticks, round_range, x_ticks
from simclr_tui.text import number
from simclr_tui.tui.charts.axis_range import x_range, y_range
from simclr_tui.tui.charts.canvas import Canvas
from simclr_tui.tui.feed.messages import Panel, Series
from simclr_tui.tui.feed.window import Span
from simclr_tui.tui.runs.run_line import shortened

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LABEL_CELLS = {"time": 9, "wall": 11}  # width of an x label, with some room
_GAP = 4  # cells between two labels that are numbers
_NAMED = 24  # cells from which a chart has room to name its reference lines
Cell = tuple[str, str]


def letter(index: int) -> str:
    """Return the letter of the n-th of several lines, the same on the line and in the caption."""
    return _LETTERS[index % len(_LETTERS)]


def sign_of(panel: Panel, index: int) -> str:
    """Return the letter of one of a panel's lines: the first of its name where that tells the lines apart."""
    return panel.series[index].label[0] if panel.initials else letter(index)


@dataclass(frozen=True)
class Style:
    """Drawing style: `letters` makes lines of letters where there are no colours; `fine` uses Braille dots."""

    log: bool = False
    clip: bool = False
    letters: bool = False
    fine: bool = True


PLAIN = Style()


@dataclass(frozen=True)
class Drawing:
    """Hold a drawn chart: rows of y labels and canvas cells, then the x axis and its labels."""

    canvas: Canvas
    span: Span
    left: int  # width of the y axis in cells
    top: int  # empty rows above the canvas, where an odd number of rows divides more evenly
    y_labels: dict[int, str]
    x_labels: tuple[tuple[int, str], ...]

    def x_of(self, column: int) -> float | None:
        """Return the x of a column of the chart; None outside the canvas."""
        inside = column - self.left
        if not 0 <= inside < self.canvas.width:
            return None
        return self.span[0] + (self.span[1] - self.span[0]) * inside / max(1, self.canvas.width - 1)


def drawable(panel: Panel, log: bool) -> list[Series]:
    """Return the series to draw: on a log axis their logarithms, with gaps where a value has none."""
    found = [_logarithmic(series) if log else series for series in panel.series]
    return [series for series in found if any(map(math.isfinite, series.ys))]


def draw(panel: Panel, lines: list[Series], *, width: int, height: int, style: Style, fade: dict[str, str]) -> Drawing:
    """Draw the lines into `width` × `height` cells; `fade` maps each colour to its dim one."""
    span = panel.span if panel.span is not None and panel.span[1] > panel.span[0] else x_range(lines)
    beside = [value for value, _ in panel.references if not style.log and panel.whole]
    low, high = y_range(lines, span, None if style.log else panel.ceiling, clip=style.clip, beside=beside)
    rows, top = height - 2, 0
    if style.log:
        ticks = log_ticks(low, high)
    else:
        top = int(rows > 3 and rows % 2 == 0)
        low, high, ticks = round_range(low, high, rows - top)
    words = [number(10.0 ** min(tick, 308.0) if style.log else tick) for tick in ticks]
    left = min(max(map(len, words), default=0) + 1, width // 2)
    canvas = Canvas(width - left, rows - top, (*span, low, high), fine=style.fine and not style.letters)
    several = len(panel.series) > 1
    signs = {series.label: sign_of(panel, index) for index, series in enumerate(panel.series)}
    for series in lines:
        mark = signs[series.label] if several else "*"
        canvas.line(series.raw_xs, series.raw, fade[series.colour], mark="." if not style.letters else mark)
        canvas.line(series.xs, series.ys, series.colour, mark=mark)
        if canvas.fine and panel.sparse:
            _points(canvas, series, span)
    for value, name in panel.references:
        canvas.rule(_log10(value) if style.log else value, *(_shorter(name, canvas.width) if width >= _NAMED else ()))
    for index, series in enumerate(lines):
        if series.best is not None:
            canvas.put(*series.best, "★", colour=series.colour)
        if several and canvas.fine:
            _letter_line(canvas, series, signs[series.label], share=(index + 1) / (len(lines) + 1), span=span)
    labels = tuple(
        (canvas.column_of(x), text)
        for x, text in x_ticks(panel.axis, *span, count=max(2, canvas.width // _label_cells(panel.axis, span)))
    )
    y_labels = {canvas.row_of(tick): text for tick, text in zip(ticks, words, strict=True)}
    return Drawing(canvas, span, left, top, y_labels, labels)


def _shorter(name: str, width: int) -> list[str]:
    """Return a reference line's name, which may hold a run's, in two thirds of the canvas, in half and in a third."""
    return [shortened(name, min(cell_len(name), cells)) for cells in (2 * width // 3, width // 2, width // 3)]


def _label_cells(axis: str, span: Span) -> int:
    """Return the width of a label of the x axis in cells, with some room."""
    return _LABEL_CELLS.get(axis) or max(5, *(len(number(float(round(x)))) for x in span)) + _GAP


def _points(canvas: Canvas, series: Series, span: Span) -> None:
    """Mark measured points, if they are so sparse that the line between them means nothing."""
    inside = [(x, y) for x, y in zip(series.xs, series.ys, strict=True) if span[0] <= x <= span[1] and math.isfinite(y)]
    if 1 <= len(inside) <= canvas.width // 3:
        for x, y in inside:
            canvas.point(x, y, series.colour)


def _letter_line(canvas: Canvas, series: Series, sign: str, *, share: float, span: Span) -> None:
    """Write a line's letter on it twice: at its end, and at a spot away from the other letters."""
    points = [(x, y) for x, y in zip(series.xs, series.ys, strict=True) if span[0] <= x <= span[1] and math.isfinite(y)]
    middle = int(len(points) * share)
    for candidates in (points[::-1], points[middle:] + points[:middle][::-1]):
        for x, y in candidates:
            if canvas.put(x, y, sign, colour=series.colour):
                break


def _logarithmic(series: Series) -> Series:
    best = series.best and (series.best[0], _log10(series.best[1]))
    return replace(series, ys=tuple(map(_log10, series.ys)), raw=tuple(map(_log10, series.raw)), best=best)


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 and math.isfinite(value) else math.nan


def cells(drawing: Drawing, row: int) -> Iterator[Cell]:
    """Yield the (character, colour) of a row, without the cursor; an empty colour is the axes' own."""
    canvas, left, row = drawing.canvas, drawing.left, row - drawing.top
    if row < 0:
        yield " " * (left + canvas.width), ""
    elif row < canvas.height:
        label = drawing.y_labels.get(row, "")
        yield f"{label[: left - 1]:>{left - 1}}" + ("┤" if label else "│"), ""
        yield from canvas.row(row)
    elif row == canvas.height:
        ticks = {column for column, _ in drawing.x_labels}
        yield " " * (left - 1) + "└", ""
        yield from (("┬" if column in ticks else "─", "") for column in range(canvas.width))
    else:
        yield _x_label_line(drawing), ""


def _x_label_line(drawing: Drawing) -> str:
    """Return the x labels, each under its tick; a label that would overlap the previous one is left out."""
    width = drawing.left + drawing.canvas.width
    line = ""
    for column, text in drawing.x_labels:
        start = max(0, min(drawing.left + column - len(text) // 2, width - len(text)))
        if start > len(line) or not line:
            line = f"{line:<{start}}{text}"
    return f"{line:<{width}}"[:width]
