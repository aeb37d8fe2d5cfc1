"""The list of runs: only visible lines are rendered, so that ten thousand runs scroll like twenty."""

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
from simclr_tui.tui.runs.run_line import (
    Layout,
    Signs,
    heading,
    heading_at,
    lay_out,
    longest_name,
    run_line,
    spells_states,
    whole_parts,
)
from simclr_tui.tui.runs.second_line import Line


class RunList(ScrollView, can_focus=True):
    """Rows of the catalog under a fixed heading, one line each, two where there is more to say.

    The cursor follows its run by name.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "run-list--heading",
        "run-list--group",
        "run-list--cursor",
        "run-list--running",
        "run-list--finished",
        "run-list--failed",
        "run-list--quiet",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move_pages(-1)", show=False),
        Binding("pagedown", "move_pages(1)", show=False),
        Binding("home", "move_to_end(False)", show=False),
        Binding("end,G", "move_to_end(True)", show=False),
    ]
    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """Posted when the cursor moves to another run, or to none (an empty name)."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Opened(Message):
        """Posted when the run under the cursor is clicked again."""

    class HeadingClicked(Message):
        """Posted when a column's heading is clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: list[Row] = []
        self.signs = Signs()
        self.empty_text = ""
        self._fields: tuple[str, ...] = ()
        self._needed = 0  # number of leading fields that must be shown
        self._headings: dict[int, str] = {}
        self._told: dict[int, Line] = {}
        self._second: dict[int, tuple[str, str]] = {}  # as drawn: the words of `_told` that the width calls for
        # The content of each line: a row's index, a group's heading, or the second line of a row.
        self._lines: list[int | str | tuple[int, str]] = []
        self._places: list[int] = []  # the line of each row
        self._longest = 0
        self._layout_now = Layout(80, 6, ())
        self._reported: str | None = None

    @property
    def current(self) -> Row | None:
        """Return the row under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def show(
        self,
        rows: list[Row],
        fields: tuple[str, ...],
        *,
        headings: dict[int, str] | None = None,
        second: dict[int, Line] | None = None,
        needed: int = 0,
    ) -> None:
        """Show rows; the cursor follows its run, else keeps its position.

        `headings` stand above the row with their index, `second` lines below it; the first `needed` fields are shown
        whatever width the names need.
        """
        headings, self._told = headings or {}, second or {}
        second_now = self._second_now()
        shown = (self.rows, self._fields, self._headings, self._second, self._needed)
        if (rows, fields, headings, second_now, needed) == shown and rows:
            return
        name = self.current["name"] if self.current else None
        moved = [row["name"] for row in rows] != [row["name"] for row in self.rows] or headings != self._headings
        moved = moved or second_now.keys() != self._second.keys()
        before, self.rows = self.rows, rows
        lines_before, self._second = self._second, second_now
        self._fields, self._headings, self._needed = fields, headings, needed
        if moved:
            self._place()
            found = next((index for index, row in enumerate(rows) if row["name"] == name), None)
            self.cursor = min(self.cursor, max(0, len(rows) - 1)) if found is None else found
            self.virtual_size = Size(self.size.width, len(self._lines) + 1)
            self._keep_in_view()
        if self._relayout() or moved or not rows:
            self.refresh()
        else:
            self._refresh_changed(before, lines_before)
        self._report_move()

    def _second_now(self) -> dict[int, tuple[str, str]]:
        """Return the second lines, without what the first ones say at the list's width."""
        if not spells_states(self.scrollable_content_region.width):
            return {index: (line.words, line.kind) for index, line in self._told.items()}
        return {index: (line.beside, line.kind) for index, line in self._told.items() if line.beside}

    def _refresh_changed(self, before: list[Row], lines_before: dict[int, tuple[str, str]]) -> None:
        """Redraw only the lines that changed: on a machine that trains, every line takes time from training."""
        for index, (old, new) in enumerate(zip(before, self.rows, strict=True)):
            if old is not new and old != new:
                self.refresh_lines(self._places[index] + 1)
        for index, line in self._second.items():
            if line != lines_before.get(index):
                self.refresh_lines(self._places[index] + 2)

    def _place(self) -> None:
        self._longest = longest_name(self.rows)
        self._lines, self._places = [], []
        for index in range(len(self.rows)):
            if index in self._headings:
                self._lines.append(self._headings[index])
            self._places.append(len(self._lines))
            self._lines.append(index)
            if index in self._second:
                self._lines.append((index, self._second[index][1]))

    def sign(self, signs: Signs) -> None:
        if signs != self.signs:
            self.signs = signs
            self.refresh()

    def select(self, name: str) -> None:
        """Put the cursor on a run."""
        for index, row in enumerate(self.rows):
            if row["name"] == name:
                self.cursor = index

    def _relayout(self) -> bool:
        """Lay the columns out anew. Returns True if they changed."""
        before, width = self._layout_now, self.scrollable_content_region.width
        self._layout_now = lay_out(self.rows, self._longest, self._fields, width=width, needed=self._needed)
        if self._layout_now.status != before.status and self.rows:
            self._second = self._second_now()
            self._place()
            self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        return self._layout_now != before

    def watch_cursor(self, old: int, new: int) -> None:
        self._keep_in_view()
        for index in (old, new):
            if index < len(self._places):
                self.refresh_lines(self._places[index] + 1, 2)
        self._report_move()

    def _keep_in_view(self) -> None:
        # The heading covers the first line, so a row must be one line lower than its own position.
        line = self._places[self.cursor] if self.cursor < len(self._places) else 0
        height = 2 + (self.cursor in self._headings) + (self.cursor in self._second)
        if self.cursor in self._headings:
            line = max(0, line - 1)  # with the heading of its group
        self.scroll_to_region(Region(0, line, 1, height), animate=False, immediate=True, force=True)

    def _report_move(self) -> None:
        name = self.current["name"] if self.current else ""
        if name != self._reported:
            self._reported = name
            # Otherwise a pane that changes the rows would count as the sender, and the message would stop there.
            self.post_message(self.Moved(name).set_sender(self))

    def action_move(self, by: int) -> None:
        self.cursor = max(0, min(len(self.rows) - 1, self.cursor + by))

    def action_move_pages(self, by: int) -> None:
        self.action_move(by * max(1, self.scrollable_content_region.height - 2))

    def action_move_to_end(self, last: bool) -> None:
        self.cursor = max(0, len(self.rows) - 1) if last else 0

    def on_resize(self) -> None:
        self._relayout()
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        self.refresh()
        self._keep_in_view()

    def on_click(self, event: events.Click) -> None:
        if event.y == 0 and (column := heading_at(self._layout_now, event.x)):
            self.post_message(self.HeadingClicked(column))
            return
        line = event.y + self.scroll_offset.y - 1
        index = self._lines[line] if event.y >= 1 and line < len(self._lines) else None
        if isinstance(index, tuple):
            index = index[0]
        if not isinstance(index, int):
            return
        if index == self.cursor or event.chain > 1:
            self.post_message(self.Opened())
        self.cursor = index

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._layout_now.width != self.scrollable_content_region.width:  # a scrollbar has come or gone
            self._relayout()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            line = heading(self._layout_now) if self.rows else Text("")
            line.stylize_before(self.get_component_rich_style("run-list--heading"))
            return self._strip(line, width, base)
        if not self.rows:
            lines = self.empty_text.splitlines()
            return self._strip(Text(lines[y - 1] if y <= len(lines) else "", style="dim"), width, base)
        number = y - 1 + self.scroll_offset.y
        if number >= len(self._lines):
            return Strip.blank(width, base)
        index = self._lines[number]
        if isinstance(index, str):
            words = whole_parts(index, width)
            return self._strip(Text(words, self.get_component_rich_style("run-list--group")), width, base)
        if isinstance(index, tuple):
            index = index[0]
            words, kind = self._second[index]
            line = Text("   ", no_wrap=True).append(words, self._state_style(kind))
        else:
            line = run_line(self.rows[index], self._layout_now, self.signs, style=self._state_style)
        if index == self.cursor:
            base = self.get_component_rich_style("run-list--cursor")
        return self._strip(line, width, base)

    def _state_style(self, kind: str) -> Style:
        """Return the foreground alone: the background belongs to the line."""
        style = self.get_component_rich_style(f"run-list--{kind}")
        return Style(color=style.color, bold=style.bold)

    def _strip(self, line: Text, width: int, base: Style) -> Strip:
        line.truncate(width, overflow="ellipsis", pad=True)
        segments = [Segment(text, style) for text, style, _ in line.render(self.app.console)]
        return Strip(Segment.apply_style(segments, base), width)
