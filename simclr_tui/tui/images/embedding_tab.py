"""The Embedding tab: test images on the two principal components of h, and a cursor that names one."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.display.scatter import Scatter, class_mark, nearest
from simclr_tui.store.task_replies import Point, Projection
from simclr_tui.text import percent, safe
from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.feed.messages import Snapshot
from simclr_tui.tui.runs.run_line import whole_parts

_SMALLEST = (12, 4)


class EmbeddingTab(Widget, can_focus=True):
    """Show the scatter plot; arrow keys and the mouse move the cursor from image to image."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", show=False),
        Binding("right", "move(1, 0)", show=False),
        Binding("up", "move(0, -1)", show=False),
        Binding("down", "move(0, 1)", show=False),
    ]

    class NeighborsWanted(Message):
        """Posted to show the images nearest to the chosen one."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.doers: Doers = {}
        self._projection: Projection | None = None
        self._words = "no data yet"
        self._points: list[tuple[float, float, int]] = []
        self._cursor = 0
        self._only: int | None = None

    def take(self, snapshot: Snapshot) -> None:
        """Do nothing: the points are computed, not read by the feed."""

    def clear(self) -> None:
        """Do nothing: the images controller shows that there is no run."""

    def show(self, projection: Projection | None, words: str = "") -> None:
        """Show a projection, or none, with `words` in the title."""
        if projection is not self._projection:
            self._projection, self._cursor, self._only = projection, 0, None
            labels = {name: index for index, name in enumerate(projection.classes)} if projection else {}
            found = projection.points if projection else []
            self._points = [(p.x, p.y, labels[p.label] if p.label else -1) for p in found]
        self._words = words
        self.refresh()

    @property
    def chosen(self) -> Point | None:
        """Return the image under the cursor."""
        return self._projection.points[self._cursor] if self._projection and self._projection.points else None

    def next_class(self) -> None:
        """Highlight the next class; after the last, all of them."""
        count = len([name for name in self._projection.classes if name]) if self._projection else 0
        following = 0 if self._only is None else self._only + 1
        self._only = following if following < count else None
        if self._only is not None and self._points[self._cursor][2] != self._only:
            self._cursor = next((i for i, point in enumerate(self._points) if point[2] == self._only), self._cursor)
        self.refresh()

    def render(self) -> RenderResult:
        width, height = self.size
        projection = self._projection
        if projection is None or width < _SMALLEST[0] or height < _SMALLEST[1]:
            return Text(safe(self._words), style="dim")
        legend = self._legend(width)
        scatter = Scatter(self._points, width, max(2, height - 2 - len(legend)))
        text = Text(no_wrap=True)
        title = Text(whole_parts(_title(projection, self._words), width, " · "), no_wrap=True)
        title.truncate(width, overflow="ellipsis")
        text.append_text(title).append("\n")
        for line in scatter.draw(self._only, self._cursor, draws_unicode()):
            text.append_text(Text.assemble(*line)).append("\n")
        for entries in legend:
            text.append_text(entries).append("\n")
        return text.append_text(self._named(width))

    def _legend(self, width: int) -> list[Text]:
        """Return the letter of every class, in two lines at most."""
        assert self._projection is not None
        lines = [Text(no_wrap=True)]
        for index, name in enumerate(self._projection.classes):
            mark, style = class_mark(index if name else -1)
            entry = Text(mark, style=f"bold {style}").append(f" {safe(name)[:14] or 'no class'}  ", "not bold default")
            if self._only == index:
                entry.stylize("reverse")
            if lines[-1].cell_len + entry.cell_len > width:
                if len(lines) == 2:
                    break
                lines.append(Text(no_wrap=True))
            lines[-1].append_text(entry)
        return lines

    def _named(self, width: int) -> Text:
        point = self.chosen
        if point is None:
            return Text("no images", style="dim")
        line = Text(f"{safe(point.split)} image {point.index}", style="bold", no_wrap=True)
        line.append(f"  {safe(point.label) or 'no class'}  ({point.x:.3g}, {point.y:.3g})", "not bold")
        hints = whole_parts("  m its neighbours · v one class", width - line.cell_len, " · ")
        if line.cell_len + cell_len(hints) <= width:
            line.append(hints, "not bold dim")
        line.truncate(width, overflow="ellipsis")
        return line

    def action_move(self, across: int, down: int) -> None:
        if self._points:
            allowed = [i for i, point in enumerate(self._points) if self._only is None or point[2] == self._only]
            places = self._places()
            start = allowed.index(self._cursor) if self._cursor in allowed else 0
            self._cursor = allowed[nearest([places[i] for i in allowed], start, across=across, down=down)]
            self.refresh()

    def _places(self) -> list[tuple[int, int]]:
        height = max(2, self.size.height - 2 - len(self._legend(self.size.width)))
        return Scatter(self._points, self.size.width, height).places()

    def on_click(self, event: events.Click) -> None:
        if self._points:
            x, y = event.x, event.y - 1  # below the title
            places = self._places()
            self._cursor = min(range(len(places)), key=lambda i: (places[i][0] - x) ** 2 + 4 * (places[i][1] - y) ** 2)
            self.refresh()


def _title(projection: Projection, words: str) -> str:
    first, second = projection.explained
    return (
        f"{safe(words)}PCA of h · {percent(first)} + {percent(second)} of the variance · {len(projection.points):,} of "
        f"{projection.images:,} test images · step {projection.step:,}"
    )
