"""The Log tab: the log, under a line on whether it follows the end and on the search."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.dialogs.search_entry import SearchEntry
from simclr_tui.tui.feed.messages import Log, Snapshot
from simclr_tui.tui.tabs.log_view import LogView


class LogTab(Vertical):
    """Show a log with its search."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.doers: Doers = {
            "follow": self.toggle_follow,
            "cursor": lambda by: self.log_view.go_on(by),
        }

    def compose(self) -> ComposeResult:
        yield SearchEntry("search the log", id="log-search")
        yield Static(id="log-note")
        yield LogView(id="log-lines")

    @property
    def log_view(self) -> LogView:
        return self.query_one(LogView)

    def take(self, snapshot: Snapshot) -> None:
        """Show the log."""
        if isinstance(snapshot, Log):
            self.log_view.show(snapshot)

    def clear(self) -> None:
        """Show no log."""
        self.log_view.show(None)

    def search(self) -> None:
        """Open the search input."""
        self.query_one(SearchEntry).ask()

    def toggle_follow(self) -> None:
        """Toggle following the end."""
        self.log_view.follow = not self.log_view.follow

    @on(Input.Changed, "#log-search")
    def _words_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.log_view.search(event.value)

    @on(SearchEntry.Left)
    def _search_left(self, event: SearchEntry.Left) -> None:
        event.stop()
        self.log_view.focus()

    @on(LogView.Told)
    def _told(self, event: LogView.Told) -> None:
        event.stop()
        note = Text(event.words, style="dim", no_wrap=True, overflow="ellipsis")
        self.query_one("#log-note", Static).update(note)
