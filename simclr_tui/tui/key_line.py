"""The last line of a screen: the keys that do something now, for what has the focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.screen import Screen
from textual.widget import Widget

from simclr_tui.tui.action_screen import ActionScreen
from simclr_tui.tui.actions import ACTIONS, HELP

_GAP = 2  # cells between two keys


@dataclass(frozen=True)
class _Key:
    key: str
    shown: str
    label: str

    @property
    def cells(self) -> int:
        return cell_len(f"{self.shown} {self.label}")


class KeyLine(Widget):
    """Show the possible actions in the order of their importance; what does not fit is left out, but never the help.

    Like a footer of buttons, each can be clicked. A `readonly` dashboard leaves out what changes something.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--label"}

    def __init__(self, readonly: bool = False) -> None:
        super().__init__()
        self._readonly = readonly
        self._keys: tuple[_Key, ...] = ()
        self._help: _Key | None = None

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self._bindings_changed(self.screen)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        possible: dict[str, str] = {}  # the first key of each action that reaches it: an input takes letters for itself
        for active in screen.active_bindings.values():
            if active.enabled and active.binding.id:
                possible.setdefault(active.binding.id, active.binding.key)
        in_charts = any(name.startswith("charts.") for name in possible)
        without_run = isinstance(screen, ActionScreen) and not screen.situation().state
        found: list[tuple[int, _Key]] = []
        for action in ACTIONS:
            rank = action.footer_in_charts if in_charts else action.footer
            if without_run and not in_charts:
                rank = action.footer_without_run or rank
            name = next((name for where in action.where.split() if (name := action.binding_id(where)) in possible), "")
            if rank and name and not (self._readonly and action.acts):
                found.append((rank, _Key(possible[name], action.key_shown(possible[name]), action.label)))
        keys = tuple(key for _, key in sorted(found, key=lambda one: one[0]) if key.label != HELP)
        help_key = next((key for _, key in found if key.label == HELP), None)
        if (keys, help_key) != (self._keys, self._help):
            self._keys, self._help = keys, help_key
            self.refresh()

    def _shown(self) -> list[tuple[int, _Key]]:
        """Return the keys that fit, each with its first cell; the help is the last and stands at the right."""
        width = self.size.width - 1
        room = width - (self._help.cells + _GAP if self._help else 0)
        at, found = 1, []
        for key in self._keys:
            if at + key.cells > room:
                break
            found.append((at, key))
            at += key.cells + _GAP
        return [*found, (max(1, width - self._help.cells), self._help)] if self._help else found

    def render(self) -> RenderResult:
        key_style = self.get_component_rich_style("key-line--key", partial=True)
        label_style = self.get_component_rich_style("key-line--label", partial=True)
        line = Text(no_wrap=True, end="")
        for at, key in self._shown():
            line.append(" " * (at - line.cell_len))
            line.append(key.shown, key_style).append(f" {key.label}", label_style)
        return line

    def on_click(self, event: events.Click) -> None:
        for at, key in self._shown():
            if at <= event.x < at + key.cells:
                self.app.simulate_key(key.key)
