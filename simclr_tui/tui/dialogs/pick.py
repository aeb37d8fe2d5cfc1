"""A dialog that asks for one of many choices; typing narrows them down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from simclr_tui.text import safe
from simclr_tui.tui.dialogs.entry import Entry


@dataclass(frozen=True)
class Choice:
    """Hold one choice: the `value` it returns, its `label`, and `help`, a few words beside it."""

    value: str
    label: str
    help: str = ""

    @property
    def line(self) -> Text:
        return Text(f"{safe(self.label):<18} ", no_wrap=True).append(safe(self.help), "dim")


class Pick(ModalScreen[str | None]):
    """Let the user pick one value; dismissed with it, or with None on cancel. Arrows, typing and the mouse choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back"),
        Binding("down", "move(1)", priority=True),
        Binding("up", "move(-1)", priority=True),
    ]

    def __init__(self, question: str, choices: Sequence[Choice], current: str = "") -> None:
        super().__init__()
        self._question, self._choices, self._current = question, choices, current
        self._shown: list[Choice] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Text(safe(self._question), style="bold"))
            yield Entry(placeholder="type to filter", id="answer")
            yield OptionList(id="choices")
            yield Static(Text("↑ ↓ choose · enter OK · esc cancel", style="dim"))

    def on_mount(self) -> None:
        self._narrow("")
        values = [choice.value for choice in self._choices]
        if self._current in values:
            self.query_one(OptionList).highlighted = values.index(self._current)
        self.query_one("#answer").focus()

    def _narrow(self, text: str) -> None:
        words = text.casefold().split()
        self._shown = [c for c in self._choices if all(w in f"{c.label} {c.help}".casefold() for w in words)]
        # A choice that begins with the text is the likelier one.
        self._shown.sort(key=lambda choice: bool(words) and not choice.label.casefold().startswith(words[0]))
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options([Option(choice.line) for choice in self._shown])
        listed.highlighted = 0 if self._shown else None

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    @on(Input.Submitted)
    def _taken(self) -> None:
        index = self.query_one(OptionList).highlighted
        if index is not None:
            self.dismiss(self._shown[index].value)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index].value)

    def action_move(self, by: int) -> None:
        listed = self.query_one(OptionList)
        listed.action_cursor_down() if by > 0 else listed.action_cursor_up()
