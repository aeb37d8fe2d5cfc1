"""What the keys of the charts and of the log do, and how they were left the last time."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec
from textual import on
from textual.screen import Screen

from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.charts.curves_tab import CurvesView
from simclr_tui.tui.charts.system_tab import SystemView
from simclr_tui.tui.feed.messages import Request
from simclr_tui.tui.tabs.log_tab import LogTab
from simclr_tui.tui.view_state import LARGEST_GRID, SMOOTHING, Layout, write_layout

_AXES = ("step", "epoch", "time", "wall")
_LEAP = 10  # cells


class ChartActions(Screen[None]):
    """The part of the main screen that draws over time. `left` is what is remembered of it, kept where `keep` says."""

    def __init__(self) -> None:
        super().__init__()
        self.left = Layout()
        self.keep: Path | None = None

    @property
    def tab(self) -> str:
        """The tab on screen."""
        raise NotImplementedError

    def ask(self) -> None:
        """Tell the feed what is on screen now."""
        raise NotImplementedError

    def action_tab(self, name: str) -> None:
        """Show a tab."""
        raise NotImplementedError

    @property
    def curves(self) -> CurvesView:
        return self.query_one(CurvesView)

    @property
    def chart_tab(self) -> ChartTab:
        """The charts that the keys mean: those on screen, else the curves."""
        return self.query_one(SystemView) if self.tab == "system" else self.curves

    def request(self, current: str, marked: tuple[str, ...]) -> Request:
        """What the feed is asked for: what these charts are to show."""
        view = self.chart_tab
        return Request(
            current=current,
            marked=marked,
            tab=self.tab,
            panels=max(1, view.charts),
            page=view.page,
            columns=2 * view.chart_columns,
            axis=self.left.axis,
            smoothing=self.left.smoothing,
            window=view.window,
            cursor=view.cursor,
            pattern=self.curves.pattern,
        )

    @property
    def log_tab(self) -> LogTab:
        return self.query_one(LogTab)

    @on(ChartTab.Changed)
    def _charts_changed(self) -> None:
        self.curves.draw()
        self.ask()

    # How they are drawn; remembered.

    def remember(self, **changes: object) -> None:
        """Draw by a changed layout, and keep it for the next time."""
        left = msgspec.structs.replace(self.left, **changes)
        if left == self.left:
            return
        self.left = left
        self.dress()
        if self.keep is not None and self.keep.is_dir():
            self.run_worker(partial(write_layout, self.keep, lambda: self.left), thread=True, group="layout")

    def dress(self) -> None:
        """Draw all charts as they were left."""
        for view in self.query(ChartTab):
            view.dress(self.left)
        self.call_after_refresh(self.ask)

    def action_axis(self) -> None:
        self.remember(axis=_AXES[(_AXES.index(self.left.axis) + 1) % len(_AXES)])

    def action_smooth(self) -> None:
        weaker = [weight for weight in SMOOTHING if weight <= self.left.smoothing]
        self.remember(smoothing=SMOOTHING[len(weaker) % len(SMOOTHING)])

    def action_log_scale(self) -> None:
        self.remember(log=not self.left.log)

    def action_clip(self) -> None:
        self.remember(clip=not self.left.clip)

    def action_grid(self, columns: int, rows: int) -> None:
        """One column or row of charts more or less than there are now."""
        across, down = self.chart_tab.panels.shape
        if columns:
            self.remember(columns=min(LARGEST_GRID, max(1, across + columns)))
        else:
            self.remember(rows=min(LARGEST_GRID, max(1, down + rows)))

    def action_fit_grid(self) -> None:
        self.remember(rows=0, columns=0)

    # Where they stand.

    def action_page(self, by: int) -> None:
        self.chart_tab.turn(by)

    def action_cursor(self, by: int) -> None:
        if self.tab == "log":
            self.log_tab.log_view.go_on(by)
        else:
            self.chart_tab.move_cursor(by)

    def action_leap(self, by: int) -> None:
        self.chart_tab.move_cursor(by * _LEAP)

    def action_zoom(self, turns: int) -> None:
        self.chart_tab.zoom(turns)

    def action_pan(self, quarters: int) -> None:
        self.chart_tab.pan(quarters / 4)

    def action_show_all(self) -> None:
        self.chart_tab.show_all()

    def action_follow(self) -> None:
        if self.tab == "log":
            log = self.log_tab.log_view
            log.follow = not log.follow
        else:
            self.chart_tab.follow()

    def action_choose(self, by: int) -> None:
        self.chart_tab.choose(by)

    def action_fill(self) -> None:
        if self.tab in ("curves", "system"):
            self.chart_tab.fill_screen()

    @on(ChartTab.Full)
    def _filled(self, message: ChartTab.Full) -> None:
        self.set_class(message.full, "-full")
        view = self.chart_tab
        if message.full:
            view.focus()
        self.call_after_refresh(self._settle, view)

    def _settle(self, view: ChartTab) -> None:
        view.settle()
        self.ask()

    def action_leave_charts(self) -> None:
        """Escape leaves the one chart, then the cursor, then the tab."""
        view = self.chart_tab
        if view.full:
            view.fill_screen()
        elif view.cursor is not None:
            view.hide_cursor()
        else:
            self.action_back()

    def action_back(self) -> None:
        """Go to the run list."""
        raise NotImplementedError

    # Words to look for; the log of a moment.

    def action_search(self) -> None:
        if self.tab == "log":
            self.log_tab.search()
        else:
            self.action_tab("curves")
            self.curves.search()

    def action_log_here(self) -> None:
        if not self.chart_tab.want_log():
            self.notify("put the cursor on a moment first: , and . move it", markup=False, timeout=4)

    @on(ChartTab.LogWanted)
    def _log_wanted(self, message: ChartTab.LogWanted) -> None:
        self.log_tab.log_view.go_to_step(message.step)
        self.action_tab("log")
