"""The Curves tab: one chart a metric, a page at a time, the marked runs over one another."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.widgets import Static

from simclr_tui.store.decimate import Axis
from simclr_tui.tui.snapshots import Curves
from simclr_tui.tui.widgets.panels import Panels

AXES: tuple[Axis, ...] = ("step", "epoch", "time")
SMOOTHING = (0.0, 0.6, 0.9, 0.98)


class CurvesView(Vertical):
    """Shows a page of curves, and says which; the screen reads `axis`, `smoothing` and `page` to ask for more."""

    axis: reactive[int] = reactive(0)
    smoothing: reactive[int] = reactive(0)
    page: reactive[int] = reactive(0)
    log_scale: reactive[bool] = reactive(False)

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._curves: Curves | None = None

    def compose(self) -> ComposeResult:
        yield Static("no data yet", id="curves-note")
        yield Panels()

    @property
    def charts(self) -> int:
        """How many charts fit."""
        columns, rows = self.query_one(Panels).shape
        return columns * rows

    @property
    def chart_columns(self) -> int:
        """Cells across one chart."""
        panels = self.query_one(Panels)
        return max(8, panels.size.width // panels.shape[0])

    def show(self, curves: Curves | None) -> None:
        self._curves = curves
        self.query_one(Panels).show(curves.panels if curves else (), self.log_scale)
        self.query_one("#curves-note", Static).update(self._note())

    def turn(self, by: int) -> None:
        """Another page, round the ends."""
        pages = self._curves.pages if self._curves else 1
        self.page = (self.page + by) % max(1, pages)

    def watch_log_scale(self) -> None:
        if self.is_mounted:
            self.show(self._curves)

    def _note(self) -> Text:
        curves = self._curves
        if curves is None or not curves.names:
            return Text("no data yet", style="dim")
        parts = [f"by {AXES[self.axis]}"]
        if self.log_scale:
            parts.append("log scale")
        if self.smoothing:
            parts.append(f"smoothed {SMOOTHING[self.smoothing]:g}")
        if curves.damaged:
            parts.append(f"{curves.damaged:,} damaged lines left out")
        if curves.pages > 1:
            parts.append(f"page {curves.page + 1} of {curves.pages}, [ and ] turn")
        return Text(" · ".join(parts), style="dim", no_wrap=True, overflow="ellipsis")
