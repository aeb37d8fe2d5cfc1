"""What the Curves and the System tab have in common: pages of charts, one of which can have the whole screen."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Static

from simclr_tui.tui.actions import bindings
from simclr_tui.tui.charts.chart import Chart
from simclr_tui.tui.charts.chart_grid import Caption, ChartPanel, Panels
from simclr_tui.tui.charts.render import Style, letter
from simclr_tui.tui.charts.ticks import place_in_words
from simclr_tui.tui.charts.viewport import ChartPlace
from simclr_tui.tui.feed.messages import ChartAxis, Panel, Series
from simclr_tui.tui.view_state import Layout

_HINT = "arrows read values, + and - zoom, enter fills the screen"


class ChartTab(ChartPlace, can_focus=True):
    """Holds what the keys changed: page, chosen chart, full screen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("charts")]

    class Full(Message):
        """One chart was given the whole screen, or the screen is shared again."""

        def __init__(self, full: bool) -> None:
            super().__init__()
            self.full = full

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.page = 0
        self.full = False
        self.left = Layout()
        self._note: Text | None = None  # as it is shown
        self._chosen = 0  # of the charts on this page
        self._kept = 0  # the chart to be found again when the grid changes

    def compose(self) -> ComposeResult:
        yield Static("no data yet", id=f"{self.id}-note")
        yield Panels()

    @property
    def panels(self) -> Panels:
        return self.query_one(Panels)

    @property
    def axis(self) -> ChartAxis:
        return self.left.axis

    @property
    def charts(self) -> int:
        """How many charts fit."""
        columns, rows = self.panels.shape
        return columns * rows

    @property
    def chart_columns(self) -> int:
        return self.panels.chart_columns

    @property
    def chosen(self) -> Panel | None:
        """The chart that has the keys."""
        return self._panels[min(self._chosen, len(self._panels) - 1)] if self._panels else None

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def dress(self, layout: Layout) -> None:
        """Draw by another layout. Another x axis has no place for the cursor and the window of the one before."""
        if layout.axis != self.left.axis:
            self.leave_place()
        self.left = layout
        self._arrange()
        self.draw()

    def _arrange(self) -> None:
        self.panels.want((1, 1) if self.full else (self.left.columns, self.left.rows))

    def draw(self) -> None:
        """Show what is held, as it is to be drawn."""
        if not self.is_mounted:
            return
        chosen = self.chosen
        marked = chosen.key if chosen is not None and self.has_focus and len(self._panels) > 1 else ""
        self.panels.show(self._panels, Style(self.left.log, self.left.clip), marked)
        note = self._legend()
        parts = self.notes()
        if parts and self.has_focus and self.cursor is None:
            parts.append(_HINT)
        note.append(" · ".join(parts) or "no data yet", "not bold dim")
        if note != self._note:
            self._note = note
            self.query_one(f"#{self.id}-note", Static).update(note, layout=False)

    def _legend(self) -> Text:
        """Which letter is which run: captions have no room for names where many are marked."""
        line = Text(no_wrap=True, overflow="ellipsis")
        for index, series in enumerate(self.legend()):
            line.append(f"{letter(index)} ", f"bold {series.colour}").append(f"{series.label}  ", "not bold")
        return line

    def legend(self) -> tuple[Series, ...]:
        """One line of each run, where there are several."""
        return ()

    def notes(self) -> list[str]:
        """What is said above the charts."""
        parts: list[str] = []
        if self.cursor is not None:
            parts.append(f"at {place_in_words(self.axis, self.cursor)}, L: its log")
        if not self.window.whole:
            parts.append("zoomed, following the end" if self.window.following else "zoomed, 0 shows all")
        return parts

    def pages(self) -> int:
        """How many pages of charts there are."""
        raise NotImplementedError

    def turn(self, by: int) -> None:
        """Another page, round the ends."""
        self.page = (min(self.page, self.pages() - 1) + by) % max(1, self.pages())
        self.post_message(self.Changed())

    # Which chart has the keys, and the screen.

    def choose(self, by: int) -> None:
        """The chart before or after; beyond the last, the next page."""
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
        """Give one chart the whole screen, or take it back."""
        if self.full:
            self._kept, self.full = self.page, False
        elif self._panels:
            self._kept, self.full = self._index, True
        self._arrange()
        self.post_message(self.Full(self.full))

    @property
    def _index(self) -> int:
        """The place of the chosen chart among all of them."""
        return min(self.page, self.pages() - 1) * self.charts + min(self._chosen, len(self._panels) - 1)

    def settle(self) -> None:
        """Turn to the page of the chart that was or is alone, as soon as it is known how many there are on one."""
        self.page, self._chosen = divmod(self._kept, max(1, self.charts))
        self.draw()

    # The mouse.

    @on(Chart.Pointed)
    def _pointed(self, message: Chart.Pointed) -> None:
        message.stop()
        slot = message.chart.parent
        if isinstance(slot, ChartPanel):
            self._choose_key(slot.key)
        self.point(message.x)

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
        self.zoom_about(message.factor, message.about)

    @on(Chart.Panned)
    def _wheel_panned(self, message: Chart.Panned) -> None:
        message.stop()
        self.pan(message.share)
