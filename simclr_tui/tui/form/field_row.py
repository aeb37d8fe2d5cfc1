"""One field of the form: its flag, an entry validated while typing, and its help."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Key
from textual.message import Message
from textual.widgets import Input, Select, Static

from simclr_tui.errors import SimclrError
from simclr_tui.recipe.fields import Field, Value
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.text import safe, value_text
from simclr_tui.tui.dialogs.entry import Entry

_YES_NO = {"yes": True, "no": False}


class NumberEntry(Entry):
    """Take a number, in which a slash means nothing: there it opens the search for a field."""

    async def _on_key(self, event: Key) -> None:
        if event.key == "slash":
            event.prevent_default()
            event.stop()
            await self.screen.run_action("find")


class FieldRow(Horizontal):
    """Show a field's row. An empty field takes the preset's value, shown as the placeholder."""

    class Changed(Message):
        """Posted when the entry changes."""

    def __init__(self, item: Field) -> None:
        super().__init__(classes="field")
        self.item = item
        self.problem = ""
        self.value: Value | None = None
        self._base: Recipe | None = None
        self.tooltip = Text(self.explanation)

    @property
    def explanation(self) -> str:
        """Return the field's help, the values it accepts and its section of the paper."""
        accepts = "" if self.item.choices or self.item.type in (bool, str) else f" Takes {self.item.accepts}."
        paper = f" Paper: {self.item.paper}." if self.item.paper else ""
        return f"{self.item.help}{accepts}{paper}"

    @property
    def _choices(self) -> tuple[str, ...]:
        return tuple(_YES_NO) if self.item.type is bool else self.item.choices

    def compose(self) -> ComposeResult:
        yield Static(Text(f"{self.item.short}"), classes="field-label")
        if self._choices:
            yield Select([(Text(choice), choice) for choice in self._choices], prompt="…", compact=True)
        else:
            yield Entry() if self.item.type is str else NumberEntry()
        yield Static(Text(self.item.help, no_wrap=True, overflow="ellipsis"), classes="field-hint")

    def show_base(self, base: Recipe) -> None:
        """Show the value that the field takes if left empty."""
        self._base = base
        if self.is_mounted:
            self._write_base()

    def on_mount(self) -> None:
        self._write_base()

    def _write_base(self) -> None:
        if self._base is None:
            return
        text = value_text(getattr(self._base, self.item.key))
        if self._choices:
            self.query_one(Select).prompt = f"{text} (unless chosen)"
        else:
            self.query_one(Input).placeholder = text

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        text = event.value.strip()
        problem = ""
        self.value = None
        if text:
            try:
                self.value = self.item.parse(text)
            except SimclrError as error:
                problem = error.message
        self._complain(problem)
        self.post_message(self.Changed())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    @on(Select.Changed)
    def _chosen(self, event: Select.Changed) -> None:
        event.stop()
        blank = event.value is Select.NULL
        chosen = "" if blank else str(event.value)
        self.value = None if blank else (_YES_NO[chosen] if self.item.type is bool else chosen)
        self.post_message(self.Changed())

    def _complain(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.set_class(bool(problem), "-wrong")
            words = safe(problem) or self.item.help
            self.query_one(".field-hint", Static).update(Text(words, no_wrap=True, overflow="ellipsis"))
