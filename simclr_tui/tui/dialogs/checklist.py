"""A dialog that asks for several of many choices, in an order; typing narrows them down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.text import safe
from simclr_tui.tui.dialogs.entry import Entry
from simclr_tui.tui.dialogs.pick import Choice


class Checklist(ModalScreen[tuple[str, ...] | None]):
    """Let the user tick values; dismissed with them in the order in which they were chosen, or None on cancel.

    The chosen ones stand on top. Space or a click chooses and drops.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back"),
        Binding("down", "move(1)", priority=True),
        Binding("up", "move(-1)", priority=True),
    ]

    def __init__(self, question: str, choices: Sequence[Choice], chosen: Sequence[str], *, nothing: str) -> None:
        """Make the dialog; `nothing` says what no choice means."""
        super().__init__()
        self._question, self._nothing = question, nothing
        self._choices = {choice.value: choice for choice in choices}
        self._chosen = [value for value in chosen if value in self._choices]
        self._shown: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Text(safe(self._question), style="bold"))
            yield Entry(placeholder="type to filter", id="answer")
            yield OptionList(id="choices")
            yield Static("", id="answer-note")
            yield Static(Text("↑ ↓ go · space choose or drop · enter OK · esc cancel", style="dim"))

    def on_mount(self) -> None:
        self._list("")
        self.query_one("#answer").focus()

    def _list(self, text: str, at: str = "") -> None:
        words = text.casefold().split()
        order = [*self._chosen, *(value for value in self._choices if value not in self._chosen)]
        self._shown = [
            value for value in order
            if all(word in f"{self._choices[value].label} {self._choices[value].help}".casefold() for word in words)
        ]  # fmt: skip
        self._shown.sort(key=lambda value: bool(words) and not value.casefold().startswith(words[0]))
        listed = self.query_one(OptionList)
        listed.clear_options()
        yes, no = ("☑ ", "☐ ") if draws_unicode() else ("[x] ", "[ ] ")
        listed.add_options(
            Option(Text(yes if value in self._chosen else no).append_text(self._choices[value].line))
            for value in self._shown
        )
        listed.highlighted = (self._shown.index(at) if at in self._shown else 0) if self._shown else None
        words_shown = ", ".join(self._choices[value].label for value in self._chosen)
        self.query_one("#answer-note", Static).update(Text(words_shown or self._nothing, style="dim"))

    def _toggle(self, value: str) -> None:
        self._chosen = [one for one in self._chosen if one != value] + [value] * (value not in self._chosen)
        entry = self.query_one("#answer", Entry)
        if entry.value:
            entry.value = ""  # the next one is searched for from the start; this lists them all again
        else:
            self._list("", at=value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value.endswith(" "):
            index = self.query_one(OptionList).highlighted
            if index is not None:
                self._toggle(self._shown[index])
            if event.value.strip():
                return
            self.query_one("#answer", Entry).value = ""
            return
        self._list(event.value)

    @on(Input.Submitted)
    def _done(self) -> None:
        self.dismiss(tuple(self._chosen))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._toggle(self._shown[event.option_index])

    def action_move(self, by: int) -> None:
        listed = self.query_one(OptionList)
        listed.action_cursor_down() if by > 0 else listed.action_cursor_up()
