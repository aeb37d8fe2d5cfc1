"""The list of runs: only the visible lines are ever made, so that ten thousand runs scroll like twenty."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from simclr_tui.catalog.row import Row
from simclr_tui.tui.widgets.run_line import Layout, heading, lay_out, run_line


class RunList(ScrollView, can_focus=True):
    """Rows of the catalog, one line each, under a heading that stays. The cursor stays on its run by name."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "run-list--heading",
        "run-list--cursor",
        "run-list--running",
        "run-list--finished",
        "run-list--failed",
        "run-list--quiet",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move_pages(-1)", show=False),
        Binding("pagedown", "move_pages(1)", show=False),
        Binding("home,g", "move_to_end(False)", show=False),
        Binding("end,G", "move_to_end(True)", show=False),
    ]
    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor stands on another run, or on none (an empty name)."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Opened(Message):
        """The run under the cursor was clicked once more."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: list[Row] = []
        self.marked: frozenset[str] = frozenset()
        self.empty_text = ""
        self._fields: tuple[str, ...] = ()
        self._layout_now = Layout(80, 6, ())
        self._told: str | None = None

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def show(self, rows: list[Row], fields: tuple[str, ...]) -> None:
        """Show these rows; the cursor follows its run, else it stays where it is."""
        if rows == self.rows and fields == self._fields and rows:
            return
        name = self.current["name"] if self.current else None
        moved = [row["name"] for row in rows] != [row["name"] for row in self.rows]
        self.rows, self._fields = rows, fields
        if moved:
            found = next((index for index, row in enumerate(rows) if row["name"] == name), None)
            self.cursor = min(self.cursor, max(0, len(rows) - 1)) if found is None else found
            self.virtual_size = Size(self.size.width, len(rows) + 1)
            self._keep_in_view()
        self._relayout()
        self._tell()

    def mark(self, names: frozenset[str]) -> None:
        if names != self.marked:
            self.marked = names
            self.refresh()

    def select(self, name: str) -> None:
        """Put the cursor on a run."""
        for index, row in enumerate(self.rows):
            if row["name"] == name:
                self.cursor = index

    def _relayout(self) -> None:
        self._layout_now = lay_out(self.rows, self._fields, self.scrollable_content_region.width)
        self.refresh()

    def watch_cursor(self, old: int, new: int) -> None:
        self._keep_in_view()
        for index in (old, new):
            self.refresh_lines(index + 1)
        self._tell()

    def _keep_in_view(self) -> None:
        # The heading covers the first line, so a row has to be one line lower than its own place.
        self.scroll_to_region(Region(0, self.cursor, 1, 2), animate=False, immediate=True)

    def _tell(self) -> None:
        name = self.current["name"] if self.current else ""
        if name != self._told:
            self._told = name
            self.post_message(self.Moved(name))

    def action_move(self, by: int) -> None:
        self.cursor = max(0, min(len(self.rows) - 1, self.cursor + by))

    def action_move_pages(self, by: int) -> None:
        self.action_move(by * max(1, self.scrollable_content_region.height - 2))

    def action_move_to_end(self, last: bool) -> None:
        self.cursor = max(0, len(self.rows) - 1) if last else 0

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        self._relayout()
        self._keep_in_view()

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y - 1
        if event.y < 1 or index >= len(self.rows):
            return
        if index == self.cursor or event.chain > 1:
            self.post_message(self.Opened())
        self.cursor = index

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            line = heading(self._layout_now) if self.rows else Text("")
            line.stylize_before(self.get_component_rich_style("run-list--heading"))
            return self._strip(line, width, base)
        index = y - 1 + self.scroll_offset.y
        if not self.rows:
            lines = self.empty_text.splitlines()
            return self._strip(Text(lines[y - 1] if y <= len(lines) else "", style="dim"), width, base)
        if index >= len(self.rows):
            return Strip.blank(width, base)
        line = run_line(self.rows[index], self._layout_now, self.rows[index]["name"] in self.marked, self._state_style)
        if index == self.cursor:
            base = self.get_component_rich_style("run-list--cursor")
        return self._strip(line, width, base)

    def _state_style(self, kind: str) -> Style:
        """Only the foreground: the ground belongs to the line."""
        style = self.get_component_rich_style(f"run-list--{kind}")
        return Style(color=style.color, bold=style.bold)

    def _strip(self, line: Text, width: int, base: Style) -> Strip:
        line.truncate(width, overflow="ellipsis", pad=True)
        segments = [Segment(text, style) for text, style, _ in line.render(self.app.console)]
        return Strip(Segment.apply_style(segments, base), width)
