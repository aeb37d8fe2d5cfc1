"""A dialog that asks before an action that loses something."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from simclr_tui.text import safe


class Confirm(ModalScreen[bool]):
    """Ask a question with two buttons; the harmless one has the focus. Dismissed with True for yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "no"),
        Binding("y", "answer(True)", "yes"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, more: str, label: str) -> None:
        super().__init__()
        self._question, self._more, self._label = question, more, label

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Text(safe(self._question), style="bold"))
            yield Static(Text(safe(self._more)))
            with Horizontal():
                yield Button(f"{self._label} (y)", id="yes", variant="error", compact=True)
                yield Button("Cancel (n)", id="no", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
