"""The Log tab: the end of the run's output, then its events; only what is visible is ever laid out."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from simclr_tui.tui.snapshots import Log


class LogView(ScrollView, can_focus=True):
    """Long lines are wrapped. Follows the end until one scrolls up; `follow` takes it there again."""

    follow: reactive[bool] = reactive(True)

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._log: Log | None = None
        self._lines: list[tuple[str, bool]] = []
        self._ends: list[int] = []
        self._wrapped_at = 0

    def show(self, log: Log | None) -> None:
        if log is self._log:
            return
        other_run = log is None or self._log is None or log.run != self._log.run
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._log = log
        self._lines = _lines(log)
        self._wrap()
        if other_run:
            self.follow = True
        if self.follow and (at_end or other_run):
            self._to_end()

    def _to_end(self) -> None:
        # The new size has to be known before there is an end to go to.
        self.call_after_refresh(self.scroll_end, animate=False)

    def watch_follow(self, follow: bool) -> None:
        if follow and self.is_mounted:
            self._to_end()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if new < old and new < self.max_scroll_y:
            self.follow = False
        elif new >= self.max_scroll_y:
            self.set_reactive(LogView.follow, True)

    def on_resize(self) -> None:
        self._wrap()
        if self.follow:
            self._to_end()

    def _wrap(self) -> None:
        """Count the lines on screen that each line takes."""
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
        return Strip([Segment(piece, shown)]).adjust_cell_length(width, style)


def _height(text: str, width: int) -> int:
    """Lines on screen; where characters are two cells wide, one may not fit at the end of a line."""
    if cell_len(text) == len(text):
        return max(1, -(-len(text) // width))
    return len(chop_cells(text, width))


def _lines(log: Log | None) -> list[tuple[str, bool]]:
    """Each line with whether it is ours to dim; words where there is nothing."""
    if log is None or not (log.lines or log.events):
        return [("no data yet", True)]
    found = [(line, False) for line in log.lines]
    if log.events:
        found += [("", True), ("what happened", True), *((event, True) for event in log.events)]
    return found
