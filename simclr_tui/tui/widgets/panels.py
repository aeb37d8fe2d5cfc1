"""A grid of charts that fits its room: as many as can be read, the same widgets from frame to frame."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult, RenderResult
from textual.containers import Grid, Vertical
from textual.widget import Widget

from simclr_tui.tui.metrics import view_of
from simclr_tui.tui.plot import Chart
from simclr_tui.tui.snapshots import Panel

_WIDTH, _HEIGHT = 34, 8  # cells below which a chart is too small to read


def grid_shape(width: int, height: int) -> tuple[int, int]:
    """(columns, rows) of charts in so many cells; at least one."""
    return max(1, min(4, width // _WIDTH)), max(1, min(4, height // _HEIGHT))


class Caption(Widget):
    """What a chart shows and the newest value of each of its lines."""

    def __init__(self) -> None:
        super().__init__()
        self._panel: Panel | None = None

    def show(self, panel: Panel | None) -> None:
        if panel != self._panel:
            self._panel = panel
            self.refresh()

    def render(self) -> RenderResult:
        if self._panel is None:
            return Text("")
        line = self._line(self._panel, labels=True)
        if line.cell_len > self.size.width:
            line = self._line(self._panel, labels=False)
        line.truncate(self.size.width, overflow="ellipsis")
        return line

    def _line(self, panel: Panel, labels: bool) -> Text:
        line = Text(panel.heading, style="bold", no_wrap=True, end="")
        write = view_of(panel.key).write
        letters = self.app.no_color and len(panel.series) > 1
        for index, series in enumerate(panel.series):
            sign = chr(ord("a") + index % 26) if letters else "━"
            line.append(f"  {sign} ", f"not bold {series.colour}")
            line.append(f"{series.label} " if series.label and labels else "", "not bold")
            line.append(write(series.last), "not bold")
        return line


class ChartPanel(Vertical):
    """A caption and a chart."""

    def compose(self) -> ComposeResult:
        yield Caption()
        yield Chart()

    def show(self, panel: Panel | None, log: bool) -> None:
        self.query_one(Caption).show(panel)
        self.query_one(Chart).show(panel, log)


class Panels(Grid):
    """Up to sixteen charts, of which as many are shown as there are and fit."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._panels: tuple[Panel, ...] = ()
        self._log = False

    @property
    def shape(self) -> tuple[int, int]:
        return grid_shape(self.size.width, self.size.height)

    def show(self, panels: tuple[Panel, ...], log: bool = False) -> None:
        """Show these charts in this order."""
        self._panels, self._log = panels, log
        self._arrange()

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        columns, rows = self.shape
        shown = self._panels[: columns * rows]
        used = -(-len(shown) // columns) if shown else 1
        self.styles.grid_size_columns = min(columns, max(1, len(shown)))
        self.styles.grid_size_rows = used
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
                slot.show(self._panels[index], self._log)
