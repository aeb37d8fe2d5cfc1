"""The help screen: every key, from the table of actions."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from simclr_tui.tui.actions import SCREENS, groups

_FILTER = (
    "state:running  bs>=256  temp<0.5  knn>80%  tag:paper  -data:shapes  encoder:resnet18,resnet50  name~night\n"
    '"free text"   Terms are joined by "and"; a minus before one negates it.'
)


class Help(ModalScreen[None]):
    """A scrolling page; any of its own keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "dismiss", "close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog") as box:
            box.border_title = "Keys"
            box.border_subtitle = "escape closes"
            yield Static(help_text())

    def on_mount(self) -> None:
        self.query_one("#dialog").focus()


def help_text() -> Text:
    """Return all groups of actions, and the filter language."""
    text = Text()
    for group, found in groups(SCREENS).items():
        text.append(f"{group}\n", "bold")
        for action in found:
            text.append(f"  {action.keys_shown:<12}", "bold").append(f" {action.label:<17}", "not bold")
            text.append(f" {action.help}\n", "dim")
        text.append("\n")
    return text.append("filter\n", "bold").append(_FILTER, "dim")
