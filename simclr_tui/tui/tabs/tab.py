"""What every tab is to the main screen."""

from __future__ import annotations

from typing import Protocol

from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.feed.messages import Snapshot


class Tab(Protocol):
    """A widget in the switcher of tabs. `doers` are the actions that it can do while it is on screen."""

    doers: Doers

    def take(self, snapshot: Snapshot) -> None:
        """Show what the feed has read, if this tab shows such things."""

    def clear(self) -> None:
        """Show that there is no run to show anything of."""
