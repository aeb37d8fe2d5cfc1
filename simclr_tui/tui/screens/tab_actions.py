"""What the keys of the tabs do: which tab, which page, and how its charts are drawn."""

from __future__ import annotations

from textual import on
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from simclr_tui.tui.widgets.curves import AXES, SMOOTHING, CurvesView
from simclr_tui.tui.widgets.log_view import LogView
from simclr_tui.tui.widgets.tab_bar import TabBar


class TabActions(Screen[None]):
    """The half of the main screen that turns the tabs; the other half asks for what they then show."""

    def ask(self) -> None:
        """Tell the feed what is on screen now."""
        raise NotImplementedError

    def action_open(self) -> None:
        """Go to the tabs."""
        raise NotImplementedError

    @property
    def tab(self) -> str:
        return self.query_one("#tabs", ContentSwitcher).current or "curves"

    @property
    def curves(self) -> CurvesView:
        return self.query_one(CurvesView)

    def action_tab(self, name: str) -> None:
        self.query_one("#tabs", ContentSwitcher).current = name
        self.query_one(TabBar).show(name)
        if self.has_class("-narrow") and not self.has_class("-opened"):
            self.action_open()
        self.call_after_refresh(self.ask)

    @on(TabBar.Chosen)
    def _tab_chosen(self, message: TabBar.Chosen) -> None:
        self.action_tab(message.tab)

    def action_page(self, by: int) -> None:
        self.curves.turn(by)
        self.ask()

    def action_axis(self) -> None:
        self.curves.axis = (self.curves.axis + 1) % len(AXES)
        self.ask()

    def action_smooth(self) -> None:
        self.curves.smoothing = (self.curves.smoothing + 1) % len(SMOOTHING)
        self.ask()

    def action_log_scale(self) -> None:
        self.curves.log_scale = not self.curves.log_scale

    def action_follow(self) -> None:
        log = self.query_one(LogView)
        log.follow = not log.follow
