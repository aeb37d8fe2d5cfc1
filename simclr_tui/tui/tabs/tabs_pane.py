"""What the keys of the tabs do: which of them is on screen."""

from __future__ import annotations

from textual import on
from textual.widgets import ContentSwitcher

from simclr_tui.tui.charts.controller import ChartActions
from simclr_tui.tui.tabs.tab_bar import COMPUTED, TABS, TabBar


class TabActions(ChartActions):
    """The half of the main screen that turns the tabs; the other half asks for what they then show."""

    def action_open(self) -> None:
        """Go to the tabs."""
        raise NotImplementedError

    @property
    def tab(self) -> str:
        return self.query_one("#tabs", ContentSwitcher).current or "curves"

    def show_tab(self, name: str) -> None:
        """Put a tab on screen, if there is one of that name."""
        if name in TABS:
            self.query_one("#tabs", ContentSwitcher).current = name
            self.query_one(TabBar).show(name)

    def action_tab(self, name: str) -> None:
        if self.chart_tab.full:
            self.chart_tab.fill_screen()
        self.show_tab(name)
        if name not in COMPUTED:  # opening the dashboard starts no work
            self.remember(tab=name)
        if self.has_class("-narrow") and not self.has_class("-opened"):
            self.action_open()
        self.call_after_refresh(self.ask)

    @on(TabBar.Chosen)
    def _tab_chosen(self, message: TabBar.Chosen) -> None:
        self.action_tab(message.tab)
