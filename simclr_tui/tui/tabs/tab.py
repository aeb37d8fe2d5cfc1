"""The protocol of every tab, as the main screen uses it."""

from __future__ import annotations

from typing import Protocol

from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.feed.messages import Snapshot


class Tab(Protocol):
    """Define a widget in the tab switcher. `doers` handle its actions while it is on screen."""

    doers: Doers

    def take(self, snapshot: Snapshot) -> None:
        """Show the feed's data, if this tab displays that kind."""

    def clear(self) -> None:
        """Show that there is no run."""
