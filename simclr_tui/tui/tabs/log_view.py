"""Show the end of a run's output, then its events; only visible lines are laid out."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from simclr_tui.tui.feed.messages import Log
from simclr_tui.tui.tabs.log_search import Matches, line_of_step

_FOUND = Style(reverse=True)


class LogView(ScrollView, can_focus=True):
    """Show a log with long lines wrapped. It follows the end until the user scrolls up; `follow` returns there."""

    follow: reactive[bool] = reactive(True)

    class Told(Message):
        """Posted with the line above the log: whether it follows the end, what was found."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._log: Log | None = None
        self._lines: list[tuple[str, bool]] = []
        self._ends: list[int] = []
        self._wrapped_at = 0
        self._matches = Matches("", ())
        self._sought: int | None = None  # a step to show once the log has been read
        self._here: int | None = None  # the line last jumped to

    def on_mount(self) -> None:
        self._tell()

    def show(self, log: Log | None) -> None:
        if log is not self._log:
            self._take(log)
        if self._sought is not None and log is not None:
            step, self._sought = self._sought, None
            self._go_to_step(step)

    def _take(self, log: Log | None) -> None:
        other_run = log is None or self._log is None or log.run != self._log.run
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._log = log
        self._lines = _lines(log)
        self._matches = self._matches.within([text for text, _ in self._lines])
        self._wrap()
        if other_run:
            self.follow, self._here = True, None
        if self.follow and (at_end or other_run):
            self._to_end()
        self._tell()

    # Position.

    def _to_end(self) -> None:
        # The end is known only after the new size.
        self.call_after_refresh(self._scroll_to_end)

    def _scroll_to_end(self) -> None:
        if self.follow:
            self.scroll_end(animate=False)

    def watch_follow(self, follow: bool) -> None:
        if follow and self.is_mounted:
            self._to_end()
        self._tell()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if new < old and new < self.max_scroll_y:
            self.follow = False
        elif new >= self.max_scroll_y and self._here is None:
            self.set_reactive(LogView.follow, True)
            self._tell()

    def go_to_step(self, step: int) -> None:
        """Show the output at a step, once the log has been read."""
        self._sought = step

    def _go_to_step(self, step: int) -> None:
        line = line_of_step([text for text, _ in self._lines], step)
        if line is not None:
            self._go_to(line)

    def _go_to(self, line: int) -> None:
        """Scroll a line to the middle, and mark it."""
        self.follow, self._here = False, line
        self.call_after_refresh(self._scroll_to_line, line)
        self.refresh()
        self._tell()

    def _scroll_to_line(self, line: int) -> None:
        start = self._ends[line - 1] if line else 0
        self.scroll_to(y=max(0, start - self.scrollable_content_region.height // 2), animate=False)

    # Search.

    def search(self, words: str) -> None:
        """Mark the words and go to their last occurrence; an empty text ends the search."""
        self._matches = Matches(words, ()).within([text for text, _ in self._lines])
        self._here = None
        if self._matches.lines:
            self._go_to(self._matches.lines[-1])
        self.refresh()
        self._tell()

    def go_on(self, by: int) -> None:
        """Go to the next match, or the previous one, wrapping around."""
        line = self._matches.next_to(self._here, by)
        if line is not None:
            self._go_to(line)

    def _tell(self) -> None:
        parts = [self._matches.words_at(self._here)] if self._matches.words else []
        parts.append("following the end" if self.follow else "f follows the end")
        if not self._matches.words:
            parts.append("i searches")
        self.post_message(self.Told(" · ".join(parts)))

    # Drawing.

    def on_resize(self) -> None:
        self._wrap()
        if self.follow:
            self._to_end()

    def _wrap(self) -> None:
        """Compute the number of screen lines that each line takes."""
        width = max(1, self.scrollable_content_region.width)
        self._wrapped_at = width
        self._ends = list(accumulate(_height(text, width) for text, _ in self._lines))
        self.virtual_size = Size(width, self._ends[-1] if self._ends else 1)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        style = self.rich_style
        row = y + self.scroll_offset.y
        index = bisect_right(self._ends, row)
        if index >= len(self._lines):
            return Strip.blank(width, style)
        text, quiet = self._lines[index]
        start = self._ends[index - 1] if index else 0
        pieces = chop_cells(text, max(1, self._wrapped_at)) if text else [""]
        piece = pieces[row - start] if row - start < len(pieces) else ""
        shown = style + self.app.console.get_style("dim") if quiet else style
        if index == self._here:
            shown = style + Style(bold=True, underline=True)
        return Strip(self._segments(piece, shown)).adjust_cell_length(width, style)

    def _segments(self, piece: str, style: Style) -> list[Segment]:
        """Return a piece of a line with the matches in reverse video."""
        if not self._matches.words:
            return [Segment(piece, style)]
        line = Text(piece, end="")
        line.highlight_regex(re.compile(re.escape(self._matches.words), re.IGNORECASE), _FOUND)
        return [Segment(text, style + (found or Style())) for text, found, _ in line.render(self.app.console)]


def _height(text: str, width: int) -> int:
    """Return the number of screen lines of a text; a two-cell character may not fit at the end of a line."""
    if cell_len(text) == len(text):
        return max(1, -(-len(text) // width))
    return len(chop_cells(text, width))


def _lines(log: Log | None) -> list[tuple[str, bool]]:
    """Return each line and whether it is drawn dim; a notice where there is no log."""
    if log is None or not (log.lines or log.events):
        return [("no data yet", True)]
    found = [(line, False) for line in log.lines]
    if log.events:
        found += [("", True), ("what happened", True), *((event, True) for event in log.events)]
    return found
