"""The tabs of the run under the cursor: the one on screen, and the actions of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from simclr_tui.text import safe
from simclr_tui.tui.action_screen import Doer, Doers
from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.charts.curves_tab import CurvesTab
from simclr_tui.tui.feed.messages import Detail, Snapshot
from simclr_tui.tui.runs.run_head import RunHead
from simclr_tui.tui.tabs.log_tab import LogTab
from simclr_tui.tui.tabs.tab import Tab
from simclr_tui.tui.tabs.tab_bar import COMPUTED, TABS, TabBar
from simclr_tui.tui.tabs.welcome import welcome
from simclr_tui.tui.view_state import ViewState


class TabsPane(Vertical):
    """Hold the tabs by name, in the order of the bar; `chosen` is called when another one comes on screen."""

    def __init__(
        self, view_state: ViewState, tabs: Mapping[str, Tab], chosen: Callable[[], object], *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._view_state = view_state
        self._chosen = chosen  # a call, not a message: the next key may have been typed already
        self.tabs = tabs
        self.doers: Doers = {"tab": self.choose, "search": self.search}

    def compose(self) -> ComposeResult:
        yield Static(welcome(), id="welcome")
        yield RunHead()
        yield TabBar()
        first = self._view_state.layout.tab
        with ContentSwitcher(initial=first if first in TABS else "curves", id="tabs"):
            yield from (cast("Widget", tab) for tab in self.tabs.values())

    def on_mount(self) -> None:
        self.query_one(TabBar).show(self.shown)

    @property
    def shown(self) -> str:
        """Return the name of the tab on screen."""
        return (self.query_one("#tabs", ContentSwitcher).current if self.is_mounted else None) or "curves"

    @property
    def curves(self) -> CurvesTab:
        return self.query_one(CurvesTab)

    @property
    def log_tab(self) -> LogTab:
        return self.query_one(LogTab)

    @property
    def chart_tab(self) -> ChartTab:
        """Return the charts on which the keys act: those on screen, else the curves."""
        tab = self.tabs[self.shown]
        return tab if isinstance(tab, ChartTab) else self.curves

    def doer(self, name: str) -> Doer | None:
        """Return an action's handler: the tab on screen, else the curves, whose keys work everywhere."""
        shown = self.tabs[self.shown]
        if name in _OF_WHAT_IS_SHOWN:
            return shown.doers.get(name)
        return self.doers.get(name) or shown.doers.get(name) or self.curves.doers.get(name)

    def show_head(self, detail: Detail | None, best: float | None, waits: str) -> None:
        """Show the status of the run under the cursor, with its name in the border."""
        self.query_one(RunHead).show(detail, best, waits)
        title = Content(safe(detail.run)) if detail is not None else Content("")
        if title != self.border_title:
            self.border_title = title

    def take(self, snapshot: Snapshot) -> None:
        """Hand new data to every tab."""
        for tab in self.tabs.values():
            tab.take(snapshot)

    def clear(self, curves_too: bool) -> None:
        """Show that there is no run; marked runs keep their curves."""
        for tab in self.tabs.values():
            if curves_too or tab is not self.curves:
                tab.clear()

    def choose(self, name: str) -> None:
        """Put a tab on screen. One that has to be computed is not reopened in the next session."""
        if self.chart_tab.full:
            self.chart_tab.fill_screen()
        self.query_one("#tabs", ContentSwitcher).current = name
        self.query_one(TabBar).show(name)
        if name not in COMPUTED:
            self._view_state.change(tab=name)
        self._chosen()

    def search(self) -> None:
        """Search the log if it is on screen, else filter the metrics of the curves."""
        if self.shown == "log":
            self.log_tab.search()
        else:
            self.choose("curves")
            self.curves.search()

    def enter(self) -> None:
        """Focus the tab on screen at once: the next key may have been typed already."""
        tab = self.query_one(f"#{self.shown}")
        inside = [tab, *tab.query("*")]
        self.screen.set_focus(next((one for one in inside if one.focusable and one.display), self.query_one(TabBar)))

    @on(TabBar.Chosen)
    def _bar_chosen(self, message: TabBar.Chosen) -> None:
        message.stop()
        self.choose(message.tab)

    @on(ChartTab.LogWanted)
    def _log_wanted(self, message: ChartTab.LogWanted) -> None:
        self.log_tab.log_view.go_to_step(message.step)
        self.choose("log")


_OF_WHAT_IS_SHOWN = ("follow", "view", "image", "fill")
