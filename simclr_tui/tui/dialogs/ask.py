"""A dialog that asks for one line of text, and explains its effect as it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.widgets.input import Selection

from simclr_tui.errors import SimclrError
from simclr_tui.text import safe
from simclr_tui.tui.dialogs.entry import Entry

Check = Callable[[str], str]
"""Explain the effect of a text. Raises SimclrError where it is invalid."""


class Ask(ModalScreen[str | None]):
    """Ask for a text; dismissed with it, or with None on cancel.

    `complete` returns the texts that could be meant; `more` is a few lines below the question.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "back")]

    def __init__(
        self, question: str, value: str, check: Check, *, complete: Callable[[str], Sequence[str]] | None = None,
        more: str = "",
    ) -> None:  # fmt: skip
        super().__init__()
        self._more = more
        self._question, self._value, self._check, self._complete = question, value, check, complete

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Text(safe(self._question), style="bold"))
            if self._more:
                yield Static(Text(safe(self._more, keep_newlines=True), style="dim"))
            yield Entry(id="answer", complete=self._complete)
            yield Static("", id="answer-note")
            yield Static(Text("enter OK · → complete · esc cancel", style="dim"))

    def on_mount(self) -> None:
        entry = self.query_one("#answer", Entry)
        entry.value = self._value
        entry.focus()
        entry.selection = Selection(0, len(self._value))  # typing replaces it; an arrow key edits it
        self._explain(self._value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._explain(event.value)

    def _explain(self, text: str) -> bool:
        """Show the effect of the text. Returns True if it is valid."""
        note = self.query_one("#answer-note", Static)
        try:
            note.update(Text(safe(self._check(text.strip())), style="dim"))
        except SimclrError as error:
            note.update(Text(safe(str(error)), style="bold red"))
            return False
        return True

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        if self._explain(event.value):
            self.dismiss(event.value.strip())
