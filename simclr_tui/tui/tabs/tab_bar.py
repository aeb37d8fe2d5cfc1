"""The bar of tab names, with the keys that open them."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

TABS = {
    "curves": "Curves",
    "system": "System",
    "log": "Log",
    "recipe": "Recipe & results",
    "views": "Views",
    "embedding": "Embedding",
}
_SHORT = {"recipe": "Recipe", "embedding": "Embed"}  # where the titles have no room beside each other
COMPUTED = ("views", "embedding")  # by a process of their own, once on screen


class TabBar(Widget, can_focus=True):
    """Show the bar; arrow keys, digits and the mouse choose a tab."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tab-bar--active"}

    class Chosen(Message):
        """Posted when a tab is chosen."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        super().__init__()
        self._active = "curves"

    def show(self, tab: str) -> None:
        self._active = tab
        self.refresh()

    def action_step(self, by: int) -> None:
        names = list(TABS)
        self.post_message(self.Chosen(names[(names.index(self._active) + by) % len(names)]))

    def on_click(self, event: events.Click) -> None:
        for name, (start, stop) in self._places().items():
            if start <= event.x < stop:
                self.post_message(self.Chosen(name))

    def _places(self) -> dict[str, tuple[int, int]]:
        """Return the first and last cell of each tab."""
        places: dict[str, tuple[int, int]] = {}
        titles, gap = self._titles()
        start = 0
        for index, (name, title) in enumerate(titles.items(), 1):
            stop = start + len(f" {index} {title}".rstrip() + " ")
            places[name] = (start, stop)
            start = stop + gap
        return places

    def _titles(self) -> tuple[dict[str, str], int]:
        """Return the titles for which there is room, and the cells between two tabs.

        The whole titles, else short ones, else that of the tab on screen alone: every tab keeps its key and is seen.
        """
        short = {name: _SHORT.get(name, title) for name, title in TABS.items()}
        for titles, gap in ((TABS, 1), (short, 0)):
            cells = sum(len(f" {index} {title} ") + gap for index, title in enumerate(titles.values(), 1)) - gap
            if cells <= self.size.width:
                return titles, gap
        return {name: title if name == self._active else "" for name, title in short.items()}, 0

    def render(self) -> RenderResult:
        line = Text(no_wrap=True, overflow="crop", end="")
        active = self.get_component_rich_style("tab-bar--active")
        titles, gap = self._titles()
        for index, (name, title) in enumerate(titles.items(), 1):
            label = Text(f" {index} ", style="dim")
            if title:
                label.append(f"{title} ", "not dim bold" if name == self._active else "")
            if name == self._active:
                label.stylize(active + Style(dim=False))
            line.append_text(label).append(" " * gap)
        return line
