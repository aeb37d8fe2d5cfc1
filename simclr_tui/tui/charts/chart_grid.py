"""A grid of charts: as many as were chosen or are legible, with the same widgets from frame to frame."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult, RenderResult
from textual.containers import Grid, Vertical
from textual.message import Message
from textual.widget import Widget

from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.tui.charts.chart import Chart
from simclr_tui.tui.charts.render import PLAIN, Style, sign_of
from simclr_tui.tui.feed.messages import Panel, Series
from simclr_tui.tui.feed.metric_view import short_heading_of, view_of

_WIDTH, _HEIGHT = 34, 8  # cells per chart, at least, in an automatic grid
_LEAST_WIDTH, _LEAST_HEIGHT = 18, 5  # cells per chart, at least, in a chosen grid
_MOST = 4  # rows or columns of an automatic grid

Shape = tuple[int, int]


def grid_shape(width: int, height: int, chosen: Shape = (0, 0)) -> Shape:
    """Return the (columns, rows) of charts that fit: as chosen, or (0) as many as are legible."""
    columns, rows = chosen
    across = min(columns, width // _LEAST_WIDTH) if columns else min(_MOST, width // _WIDTH)
    down = min(rows, height // _LEAST_HEIGHT) if rows else min(_MOST, height // _HEIGHT)
    return max(1, across), max(1, down)


class Caption(Widget):
    """Show the title of a chart, and for each line its value at the cursor, else the newest, and the best."""

    class Clicked(Message):
        """Posted when the caption is clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__()
        self._panel: Panel | None = None
        self._chosen = False

    def show(self, panel: Panel | None, chosen: bool) -> None:
        if (panel, chosen) != (self._panel, self._chosen):
            self._panel, self._chosen = panel, chosen
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        if self._panel is not None:
            self.post_message(self.Clicked(self._panel.key))

    def render(self) -> RenderResult:
        if self._panel is None:
            return Text("")
        return caption(self._panel, self.size.width, "bold reverse" if self._chosen else "bold")


def caption(panel: Panel, width: int, title: str = "bold") -> Text:
    """Return a chart's heading and what each line is, in `width` cells; `title` is the heading's style.

    Where room is short, names go before best values, and then the heading is the short one. Lines that still have
    none are counted: `+2`.
    """
    for labels, best in ((True, True), (True, False), (False, True), (False, False)):
        parts = _parts(panel, labels=labels, best=best)
        line = Text(panel.heading, title, no_wrap=True, end="").append_text(Text().join(parts))
        if line.cell_len <= width:
            return line
    line = Text(no_wrap=True, end="").append(short_heading_of(panel.key, panel.heading), title)
    parts = _parts(panel, labels=False, best=False)
    for index, part in enumerate(parts):
        left = len(parts) - index
        counted = len(f"  +{left - 1}") if left > 1 else 0
        if line.cell_len + part.cell_len + counted > width and line.cell_len + sum(map(len, parts[index:])) > width:
            line.append(f"  +{left}", "not bold")
            break
        line.append_text(part)
    line.truncate(width, overflow="ellipsis")
    return line


def _parts(panel: Panel, *, labels: bool, best: bool) -> list[Text]:
    """Return what is said of each line: its letter, with `labels` its name, its value, with `best` the best one."""
    return [_part(panel, index, labels=labels, best=best) for index in range(len(panel.series))]


def _part(panel: Panel, index: int, *, labels: bool, best: bool) -> Text:
    series, several = panel.series[index], len(panel.series) > 1
    sign = sign_of(panel, index) if several else "━" if draws_unicode() else "-"
    part = Text("  ").append(sign, f"bold {series.colour}" if several else f"not bold {series.colour}")
    name = series.label if labels and series.label else ""
    part.append(name.removeprefix(sign) if several and panel.initials else f" {name}" if name else "", "not bold")
    return part.append(f" {_values(panel, series, best)}", "not bold")


def _values(panel: Panel, series: Series, best: bool) -> str:
    write = view_of(panel.key).write
    now = write(series.last if panel.cursor is None else series.at)
    if series.best is None or not best:
        return now
    return f"{now} {'★' if draws_unicode() else '*'}{write(series.best[1])}"


class ChartPanel(Vertical):
    """Show a caption over a chart."""

    def compose(self) -> ComposeResult:
        yield Caption()
        yield Chart()

    def show(self, panel: Panel | None, style: Style, chosen: bool) -> None:
        self.key = panel.key if panel else ""
        self.query_one(Caption).show(panel, chosen)
        self.query_one(Chart).show(panel, style)


class Panels(Grid):
    """Show the charts that fit. `chosen` is the key of the focused one, if any."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._panels: tuple[Panel, ...] = ()
        self._style = PLAIN
        self._wanted: Shape = (0, 0)
        self._chosen = ""

    @property
    def shape(self) -> Shape:
        """Return the (columns, rows) that fit now."""
        return grid_shape(self.size.width, self.size.height, self._wanted)

    @property
    def chart_columns(self) -> int:
        """Return the width of one chart in cells."""
        return max(8, self.size.width // self.shape[0])

    def want(self, shape: Shape) -> None:
        """Ask for another number of columns and rows."""
        if shape != self._wanted:
            self._wanted = shape
            self._arrange()

    def show(self, panels: tuple[Panel, ...], style: Style = PLAIN, chosen: str = "") -> None:
        """Show these charts in this order."""
        self._panels, self._style, self._chosen = panels, style, chosen
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        columns, rows = self.shape
        shown = self._panels[: columns * rows]
        self.styles.grid_size_columns = columns if self._wanted[0] else min(columns, max(1, len(shown)))
        self.styles.grid_size_rows = rows if self._wanted[1] else -(-len(shown) // columns) or 1
        slots = list(self.query(ChartPanel))
        missing = [ChartPanel() for _ in range(len(shown) - len(slots))]
        if missing:
            self.mount(*missing)
            self.call_after_refresh(self._fill)
        self._fill()

    def _fill(self) -> None:
        columns, rows = self.shape
        for index, slot in enumerate(self.query(ChartPanel)):
            wanted = index < min(len(self._panels), columns * rows)
            slot.display = wanted
            if wanted and slot.is_mounted and slot.query(Chart):
                panel = self._panels[index]
                slot.show(panel, self._style, panel.key == self._chosen)
