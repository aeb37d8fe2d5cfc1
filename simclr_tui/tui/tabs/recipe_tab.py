"""The Recipe tab: every field with its value and source, and the values of the marked runs where they differ."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.widgets import Static

from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.feed.messages import Detail, Snapshot
from simclr_tui.tui.tabs.recipe_text import recipe_text


class RecipeTab(VerticalScroll, can_focus=True):
    """Show the recipe as text; `only_differences` leaves out the fields on which all shown runs agree."""

    only_differences: reactive[bool] = reactive(False)

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: object = None
        self._detail: Detail | None = None
        self.doers: Doers = {"view": self.toggle_differences}

    def take(self, snapshot: Snapshot) -> None:
        """Show a run's recipe."""
        if isinstance(snapshot, Detail):
            self.show(snapshot)

    def clear(self) -> None:
        """Show no recipe."""
        self.show(None)

    def toggle_differences(self) -> None:
        """Toggle between the fields that differ and all fields."""
        self.only_differences = not self.only_differences

    def compose(self) -> ComposeResult:
        yield Static("no data yet", id="recipe-text")

    def show(self, detail: Detail | None) -> None:
        self._detail = detail
        key = detail and (
            detail.run,
            detail.resolved,
            detail.others,
            detail.problem,
            detail.evaluations,
            detail.marked,
            detail.unreadable,
        )
        if key != self._shown:
            self._shown = key
            self._write()

    def watch_only_differences(self) -> None:
        if self.is_mounted:
            self._write()

    def on_resize(self) -> None:
        """Divide the new width between the columns."""
        self._write()

    def _write(self) -> None:
        self.query_one("#recipe-text", Static).update(
            recipe_text(self._detail, self.scrollable_content_region.width, only_differences=self.only_differences)
        )
