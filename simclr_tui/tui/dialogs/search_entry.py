"""An input for a pattern, visible only while it is needed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key
from textual.message import Message

from simclr_tui.tui.dialogs.entry import Entry


class SearchEntry(Entry):
    """Take the words to search for. Enter or down keeps the text and leaves; escape clears it and leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", show=False)]

    class Left(Message):
        """Posted when the input has closed."""

    def on_mount(self) -> None:
        self.display = False

    def ask(self) -> None:
        """Show the input and focus it at once: the next key may have been typed already."""
        self.display = True
        self.screen.set_focus(self)

    def action_drop(self) -> None:
        self.value = ""
        self._leave()

    async def action_submit(self) -> None:
        self._leave()

    def on_key(self, event: Key) -> None:
        if event.key == "down":
            event.stop()
            self._leave()

    def _leave(self) -> None:
        self.display = False
        self.post_message(self.Left())
