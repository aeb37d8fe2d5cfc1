"""The common part of the Curves and System tabs: pages of charts, one of which can fill the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from simclr_tui.display.ticks import place_in_words
from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.actions import bindings
from simclr_tui.tui.charts.chart import Chart
from simclr_tui.tui.charts.chart_grid import Caption, ChartPanel, Panels
from simclr_tui.tui.charts.render import Style, letter
from simclr_tui.tui.charts.viewport import Viewport
from simclr_tui.tui.feed.messages import ChartAxis, Panel, Series, Snapshot
from simclr_tui.tui.view_state import Layout

_HINTS = ("arrows read values", "+ and - zoom", "enter fills the screen")
_BETWEEN = " · "


_LEAP = 10  # cells
_MOST_LINES = 3  # of the legend and the notes
_COUNT = 10  # cells for how many runs have no room in the legend


def note_lines(notes: Sequence[str], hints: Sequence[str], width: int) -> list[str]:
    """Return notes in lines of `width` cells, broken between two notes; of the hints, the first and those that fit."""
    lines = [""]
    for index, part in enumerate([*notes, *hints]):
        longer = f"{lines[-1]}{_BETWEEN}{part}" if lines[-1] else part
        if cell_len(longer) <= width:
            lines[-1] = longer
        elif index <= len(notes):
            lines = [*filter(None, lines), part]
    return lines


def wrapped(legend: Sequence[Text], words: Text, *, width: int, most: int) -> list[Text]:
    """Return the legend and the words behind it in up to `most` lines of `width` cells.

    Runs for which there is no room are counted: `+3 more`.
    """
    lines = [Text(no_wrap=True)]
    for index, part in enumerate([*legend, words]):
        left = len(legend) - index
        reserved = _COUNT if len(lines) == most and left > 1 else 0
        if lines[-1] and lines[-1].cell_len + cell_len(part.plain.rstrip()) > width - reserved:
            if len(lines) == most:
                if left > 0:
                    lines[-1].append(f"+{left} more  ", "not bold dim")
                return [*lines[:-1], lines[-1].append_text(words)]
            lines.append(Text(no_wrap=True))
        lines[-1].append_text(part)
    return lines


class ChartTab(Vertical, can_focus=True):
    """Hold the state that keys change: page, chosen chart, full screen; `viewport` has the cursor and the window."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("charts")]

    class Changed(Message):
        """Posted when the tab needs other data from the feed."""

    class Full(Message):
        """Posted when one chart fills the screen, or no longer does."""

        def __init__(self, full: bool) -> None:
            super().__init__()
            self.full = full

    class Left(Message):
        """Posted when escape leaves the charts."""

    class LogWanted(Message):
        """Posted to show the log at the cursor's step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class NoCursor(Message):
        """Posted when a key needs a cursor and there is none."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.page = 0
        self.full = False
        self.layout_shown = Layout()
        self.viewport = Viewport(lambda: self._report(self.Changed()), lambda step: self._report(self.LogWanted(step)))
        self._panels: tuple[Panel, ...] = ()
        self._note: Text | None = None  # as last shown
        self._chosen = 0  # index among the charts on this page
        self._kept = 0  # the chart to return to when the grid changes
        viewport = self.viewport
        self.doers: Doers = {
            "page": self.turn,
            "fill": self.fill_screen,
            "choose": self.choose,
            "leave_charts": self.leave,
            "cursor": self._with_width(viewport.move_cursor),
            "leap": self._with_width(lambda by: viewport.move_cursor(by * _LEAP)),
            "zoom": viewport.zoom,
            "pan": lambda quarters: viewport.pan(quarters / 4),
            "show_all": viewport.show_all,
            "follow": viewport.follow,
            "log_here": self.show_log_here,
        }

    def _report(self, message: Message) -> None:
        """Post a message with this tab as its sender: called by a parent pane, it would otherwise stop there."""
        self.post_message(message.set_sender(self))

    def _with_width(self, move: Callable[[int], None]) -> Callable[[int], None]:
        """Wrap `move` so that it uses the current width of the charts."""

        def moved(by: int) -> None:
            self.viewport.columns = self.chart_columns
            move(by)

        return moved

    def compose(self) -> ComposeResult:
        yield Static("no data yet", id=f"{self.id}-note")
        yield Panels()

    def take(self, snapshot: Snapshot) -> None:
        """Do nothing: each subclass takes its own data."""

    def clear(self) -> None:
        """Drop the data."""

    @property
    def panels(self) -> Panels:
        return self.query_one(Panels)

    @property
    def charts(self) -> int:
        """Return how many charts fit."""
        columns, rows = self.panels.shape
        return columns * rows

    @property
    def chart_columns(self) -> int:
        """Return the width of one chart in cells."""
        return self.panels.chart_columns

    @property
    def chosen(self) -> Panel | None:
        """Return the chart that has the keys."""
        return self._panels[min(self._chosen, len(self._panels) - 1)] if self._panels else None

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self.draw()

    def dress(self, layout: Layout) -> None:
        """Apply a layout. Another x axis resets the cursor and the window."""
        self.viewport.change_axis(self._axis_of(layout))
        self.layout_shown = layout
        self._arrange()
        self.draw()

    def _axis_of(self, layout: Layout) -> ChartAxis:
        return layout.axis

    def _arrange(self) -> None:
        self.panels.want((1, 1) if self.full else (self.layout_shown.columns, self.layout_shown.rows))

    def draw(self) -> None:
        """Draw the current data."""
        if not self.is_mounted:
            return
        chosen = self.chosen
        marked = chosen.key if chosen is not None and self.has_focus and len(self._panels) > 1 else ""
        self.panels.show(self._panels, Style(self.layout_shown.log, self.layout_shown.clip), marked)
        parts, width = self.notes(), self.size.width
        hints = _HINTS if parts and self.has_focus and self.viewport.cursor is None else ()
        first, *further = (Text(words, "not bold dim") for words in note_lines(parts or ["no data yet"], hints, width))
        lines = wrapped(self._legend(), first, width=width, most=_MOST_LINES)
        lines = [*lines, *further][:_MOST_LINES]
        note = Text("\n", no_wrap=True, overflow="ellipsis").join(lines)
        if note != self._note:
            taller = len(lines) != (self._note.plain.count("\n") + 1 if self._note else 1)
            self._note = note
            self.query_one(f"#{self.id}-note", Static).update(note, layout=taller)
            if taller:  # and fewer charts may fit below it
                self.call_after_refresh(self._report, self.Changed())

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw)

    def _legend(self) -> list[Text]:
        """Return the letter and the name of each run: with many marked runs, captions have no room for names."""
        return [
            Text.assemble((f"{letter(index)} ", f"bold {series.colour}"), (f"{series.label}  ", "not bold"))
            for index, series in enumerate(self.legend())
        ]

    def legend(self) -> tuple[Series, ...]:
        """Return one series per run, where there are several."""
        return ()

    def notes(self) -> list[str]:
        """Return the notes above the charts."""
        parts: list[str] = []
        if self.viewport.cursor is not None:
            parts.append(f"at {place_in_words(self.viewport.axis, self.viewport.cursor)}, L: its log")
        if not self.viewport.window.whole:
            parts.append("zoomed, following the end" if self.viewport.window.following else "zoomed, 0 shows all")
        return parts

    def pages(self) -> int:
        """Return how many pages of charts there are; one, unless a tab has more."""
        return 1

    def turn(self, by: int) -> None:
        """Turn to another page, wrapping around."""
        self.page = (min(self.page, self.pages() - 1) + by) % max(1, self.pages())
        self._report(self.Changed())

    # Which chart has the keys, and the screen.

    def choose(self, by: int) -> None:
        """Choose the chart before or after; beyond the last, turn the page."""
        if self.full:
            self.turn(by)
            return
        chosen = min(self._chosen, max(0, len(self._panels) - 1)) + by
        if 0 <= chosen < len(self._panels):
            self._chosen = chosen
            self.draw()
        elif self.pages() > 1:
            self.turn(by)
            self._chosen = 0 if by > 0 else self.charts - 1

    def fill_screen(self) -> None:
        """Give one chart the whole screen, or share the screen again."""
        if self.full:
            self._kept, self.full = self.page, False
        elif self._panels:
            self._kept, self.full = self._index, True
        self._arrange()
        self._report(self.Full(self.full))
        if self.full:
            self.focus()
        # The number of charts per page is known only after the grid's new layout.
        self.call_after_refresh(self._return_to_kept_chart)

    @property
    def _index(self) -> int:
        """Return the index of the chosen chart among all of them."""
        return min(self.page, self.pages() - 1) * self.charts + min(self._chosen, len(self._panels) - 1)

    def _return_to_kept_chart(self) -> None:
        """Turn to the page of the chart that is or was full screen."""
        self.page, self._chosen = divmod(self._kept, max(1, self.charts))
        self.draw()
        self._report(self.Changed())

    def leave(self) -> None:
        """Leave full screen, then the cursor, then the tab."""
        if self.full:
            self.fill_screen()
        elif self.viewport.cursor is not None:
            self.viewport.hide_cursor()
        else:
            self._report(self.Left())

    def show_log_here(self) -> None:
        """Ask for the log at the cursor's step."""
        if not self.viewport.want_log():
            self._report(self.NoCursor())

    # The mouse.

    @on(Chart.Pointed)
    def _pointed(self, message: Chart.Pointed) -> None:
        message.stop()
        slot = message.chart.parent
        if isinstance(slot, ChartPanel):
            self._choose_key(slot.key)
        self.viewport.point(message.x)

    @on(Caption.Clicked)
    def _caption_clicked(self, message: Caption.Clicked) -> None:
        message.stop()
        self._choose_key(message.key)
        self.focus()

    def _choose_key(self, key: str) -> None:
        self._chosen = next((index for index, panel in enumerate(self._panels) if panel.key == key), self._chosen)
        self.draw()

    def on_click(self, event: events.Click) -> None:
        self.focus()

    @on(Chart.Zoomed)
    def _wheel_zoomed(self, message: Chart.Zoomed) -> None:
        message.stop()
        self.viewport.zoom_about(message.factor, message.about)

    @on(Chart.Panned)
    def _wheel_panned(self, message: Chart.Panned) -> None:
        message.stop()
        self.viewport.pan(message.share)
