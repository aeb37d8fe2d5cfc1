"""Keys that change how charts are drawn (axis, smoothing, scale, grid), remembered for the next session."""

from __future__ import annotations

from collections.abc import Callable

from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.feed.messages import ChartAxis, Request
from simclr_tui.tui.view_state import LARGEST_GRID, SMOOTHING, ViewState

_AXES: tuple[ChartAxis, ...] = ("step", "epoch", "time", "wall")


class ChartsController:
    """Lay out all charts; `shown` returns the charts on which the keys act."""

    def __init__(self, view_state: ViewState, shown: Callable[[], ChartTab]) -> None:
        self._view_state = view_state
        self._shown = shown
        self.doers: Doers = {
            "axis": self.next_axis,
            "smooth": self.smooth_more,
            "log_scale": self.toggle_log_scale,
            "clip": self.toggle_clip,
            "grid": self.change_grid,
            "fit_grid": self.fit_grid,
        }

    def next_axis(self) -> None:
        """Switch the x axis between steps, epochs, training time and time of day."""
        at = _AXES.index(self._view_state.layout.axis)
        self._view_state.change(axis=_AXES[(at + 1) % len(_AXES)])

    def smooth_more(self) -> None:
        """Smooth the curves more; after the strongest smoothing, not at all."""
        weaker = [share for share in SMOOTHING if share <= self._view_state.layout.smoothing]
        self._view_state.change(smoothing=SMOOTHING[len(weaker) % len(SMOOTHING)])

    def toggle_log_scale(self) -> None:
        """Toggle logarithmic y axes."""
        self._view_state.change(log=not self._view_state.layout.log)

    def toggle_clip(self) -> None:
        """Toggle clipping of outliers on the y axes."""
        self._view_state.change(clip=not self._view_state.layout.clip)

    def change_grid(self, columns: int, rows: int) -> None:
        """Show one column or row of charts more or fewer than now."""
        across, down = self._shown().panels.shape
        if columns:
            self._view_state.change(columns=min(LARGEST_GRID, max(1, across + columns)))
        else:
            self._view_state.change(rows=min(LARGEST_GRID, max(1, down + rows)))

    def fit_grid(self) -> None:
        """Show as many charts as are legible."""
        self._view_state.change(rows=0, columns=0)

    def request(self, current: str, marked: tuple[str, ...], tab: str, *, pattern: str) -> Request:
        """Return the request to the feed for these charts; `pattern` filters the metrics."""
        view, layout = self._shown(), self._view_state.layout
        return Request(
            current=current,
            marked=marked,
            tab=tab,
            panels=max(1, view.charts),
            page=view.page,
            columns=2 * view.chart_columns,
            axis=layout.axis,
            smoothing=layout.smoothing,
            window=view.viewport.window,
            cursor=view.viewport.cursor,
            pattern=pattern,
        )
