"""The help screen: every key, from the table of actions; typing finds a key by what it does, or explains a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from simclr_tui.display.explanations import EXPLANATIONS, explain, wrapped
from simclr_tui.tui.actions import SCREENS, Action, groups
from simclr_tui.tui.dialogs.entry import Entry

_FILTER = (
    "state:running  bs>=256  temp<0.5  knn>80%  tag:paper  -data:shapes  encoder:resnet18,resnet50  name~night\n"
    '"free text"   Terms are joined by "and"; a minus before one negates it.'
)
_NARROW = 70  # cells below which there is no column for the label


class Help(ModalScreen[None]):
    """Show a page of keys, those of what has the focus first; `first` names their groups in the table of actions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "close"),
        Binding("up", "scroll(-1)", priority=True),
        Binding("down", "scroll(1)", priority=True),
        Binding("pageup", "scroll(-10)", priority=True),
        Binding("pagedown", "scroll(10)", priority=True),
    ]

    def __init__(self, first: Sequence[str] = ()) -> None:
        super().__init__()
        self._first = tuple(first)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as box:
            box.border_title = "Keys"
            box.border_subtitle = "↑ ↓ scroll · esc closes"
            yield Entry("type what you want to do, a key, or a number such as knn", id="answer")
            with VerticalScroll(id="keys", can_focus=False):
                yield Static(id="keys-text")

    def on_mount(self) -> None:
        self._write("")
        self.query_one("#answer").focus()

    def on_resize(self) -> None:
        self._write(self.query_one("#answer", Entry).value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if "?" in event.value:  # the key that opened the page closes it
            self.dismiss()
        self._write(event.value)

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.dismiss()

    def _write(self, wanted: str) -> None:
        shown = self.query_one("#keys-text", Static)
        width = max(20, min(100, self.query_one("#keys").scrollable_content_region.width))
        shown.update(help_page(self._first, wanted, width=width, narrow=self.app.size.width < _NARROW))

    def action_scroll(self, lines: int) -> None:
        self.query_one("#keys", VerticalScroll).scroll_relative(y=lines, animate=False)


def help_page(first: Sequence[str], wanted: str, *, width: int, narrow: bool) -> RenderableType:
    """Return what `wanted` means if it is a number or a setting that runs are judged by, then the keys for it."""
    topic = topic_of(wanted)
    table = help_table(first, wanted, narrow=narrow)
    if not topic:
        return table
    title, *body = wrapped(explain(topic), width)
    explanation = Text("\n").join([Text(title, style="bold"), *map(Text, body)])
    return Group(explanation, *((Text(""), table) if _keys_for(wanted) else ()))


def topic_of(wanted: str) -> str:
    """Return the topic of `simclr explain` that the text is, or of which it is the only beginning of three letters."""
    text = wanted.strip().casefold()
    if text in EXPLANATIONS:
        return text
    begun = [topic for topic in EXPLANATIONS if len(text) >= 3 and topic.startswith(text)]
    return begun[0] if len(begun) == 1 else ""


def _keys_for(wanted: str) -> bool:
    return any(_matches(action, wanted) for actions in groups(SCREENS).values() for action in actions)


def help_table(first: Sequence[str] = (), wanted: str = "", *, narrow: bool = False) -> Table:
    """Return the actions by group, the `first` groups on top, then the filter language.

    With `wanted`, only those whose key it is or whose words contain all of its words.
    """
    found = groups(SCREENS)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, min_width=6 if narrow else 11)
    if not narrow:
        table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for group in dict.fromkeys((*(name for name in first if name in found), *found)):
        actions = [action for action in found[group] if _matches(action, wanted)]
        if actions:
            table.add_row(Text(group, style="bold underline"))
        for action in actions:
            cells = [Text(f" {action.keys_shown}", style="bold"), Text(action.label), Text(action.help, style="dim")]
            table.add_row(*(cells[:1] + cells[2:] if narrow else cells))
    blank = [Text("")] * (1 if narrow else 2)
    if not wanted:
        table.add_row(Text("filter", style="bold underline"))
        table.add_row(*blank, Text(_FILTER, style="dim"))
        table.add_row(Text("numbers", style="bold underline"))
        table.add_row(*blank, Text(f"Type one of these to read what it means: {', '.join(EXPLANATIONS)}.", style="dim"))
    elif not table.row_count:
        table.add_row(*blank, Text(f"no key is for {wanted!r}: try another word", style="dim"))
    return table


def _matches(action: Action, wanted: str) -> bool:
    words = f"{action.label} {action.help} {action.group}".casefold()
    keys = action.keys_shown.split()
    return wanted.strip() in keys or all(word in words for word in wanted.casefold().split())
