"""The Curves tab: one chart per metric, a page at a time, the marked runs overlaid."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from simclr_tui.text import number
from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.dialogs.search_entry import SearchEntry
from simclr_tui.tui.feed.messages import Curves, Series, Snapshot

_AXIS_WORDS = {"step": "by step", "epoch": "by epoch", "time": "by time of training", "wall": "by the clock"}


class CurvesTab(ChartTab):
    """Show a page of curves under a line that describes it. `pattern` filters the metrics."""

    def __init__(self, id: str | None = None, pattern: str = "") -> None:
        super().__init__(id=id)
        self.pattern = pattern
        self._curves: Curves | None = None

    def take(self, snapshot: Snapshot) -> None:
        """Show a page of curves."""
        if isinstance(snapshot, Curves):
            self.show(snapshot)

    def clear(self) -> None:
        """Show no data."""
        self.show(None)

    def compose(self) -> ComposeResult:
        yield SearchEntry("metrics: loss rank* -gpu", id="metric-filter")
        yield from super().compose()

    def show(self, curves: Curves | None) -> None:
        self._curves = curves
        self._panels = curves.panels if curves else ()
        self.viewport.extent = curves.extent if curves else None
        if self._panels:
            self.viewport.take_step(curves.step if curves else None, self._panels[0].cursor)
        self.draw()

    def pages(self) -> int:
        return self._curves.pages if self._curves else 1

    def search(self) -> None:
        """Open the metric filter."""
        self.query_one(SearchEntry).ask()

    @on(Input.Changed, "#metric-filter")
    def _pattern_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.pattern, self.page = event.value, 0
        self._report(self.Changed())

    @on(SearchEntry.Left)
    def _pattern_left(self, event: SearchEntry.Left) -> None:
        event.stop()
        self.focus()

    def legend(self) -> tuple[Series, ...]:
        """Return the lines of the first chart of runs; those of a machine are named in its own caption."""
        series = next((panel.series for panel in self._panels if not panel.initials), ())
        return series if len(series) > 1 else ()

    def notes(self) -> list[str]:
        curves = self._curves
        if curves is None or not (curves.names or curves.unwanted):
            return []
        if not curves.names:
            return [f"no metric matches {self.pattern!r}: i changes that"]
        parts = [*super().notes()]
        if curves.pages > 1:
            parts.append(f"page {curves.page + 1} of {curves.pages} [ ]")
        ends = "" if curves.ends is None else f", ends at {number(curves.ends)}"
        parts.append(_AXIS_WORDS[self.viewport.axis] + ends)
        if self.layout_shown.log:
            parts.append("log scale")
        if self.layout_shown.smoothing:
            parts.append(f"smoothed over {100 * self.layout_shown.smoothing:g}%")
        if self.layout_shown.clip:
            parts.append("outliers clipped")
        if curves.unwanted:
            parts.append(f"{curves.unwanted} not shown · charts: {_pattern_words(self.pattern)} (i to change)")
        if curves.damaged:
            parts.append(f"{curves.damaged:,} damaged lines left out")
        return parts


def _pattern_words(pattern: str) -> str:
    """Return the filter of metrics as `loss, knn without loss_scale`."""
    words = pattern.split()
    wanted, unwanted = (
        [word.lstrip("-") for word in words if word.startswith("-") is left_out] for left_out in (False, True)
    )
    return (", ".join(wanted) or "all") + (f" without {', '.join(unwanted)}" if unwanted else "")
