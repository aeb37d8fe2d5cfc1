"""What the Curves and the System tab have in common: pages of charts, a cursor through all of them, a window in x."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from simclr_tui.tui.actions import bindings
from simclr_tui.tui.drawing import Style, letter
from simclr_tui.tui.layout import Layout
from simclr_tui.tui.plot import Chart
from simclr_tui.tui.snapshots import ChartAxis, Panel, Series
from simclr_tui.tui.ticks import place_in_words
from simclr_tui.tui.widgets.panels import Caption, ChartPanel, Panels
from simclr_tui.tui.window import Span, Window

_ZOOM = 2.0
_HINT = "arrows read values, + and - zoom, enter fills the screen"


class ChartTab(Vertical, can_focus=True):
    """Holds what the keys changed: page, window, cursor, chosen chart, full screen. Posts Changed when the feed has to
    be asked again."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("charts")]

    class Changed(Message):
        """Something else is to be shown."""

    class Full(Message):
        """One chart was given the whole screen, or the screen is shared again."""

        def __init__(self, full: bool) -> None:
            super().__init__()
            self.full = full

    class LogWanted(Message):
        """The log of the moment under the cursor is to be shown."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.page = 0
        self.window = Window()
        self.cursor: float | None = None
        self.full = False
        self._step: int | None = None  # at the cursor, once that has been read
        self._log_wanted = False
        self.extent: Span | None = None
        self.left = Layout()
        self._chosen = 0  # of the charts on this page
        self._kept = 0  # the chart to be found again when the grid changes
        self._panels: tuple[Panel, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static("no data yet", id=f"{self.id}-note")
        yield Panels()

    @property
    def panels(self) -> Panels:
        return self.query_one(Panels)

    @property
    def axis(self) -> ChartAxis:
        """What x is."""
        return self.left.axis

    @property
    def charts(self) -> int:
        """How many charts fit."""
        columns, rows = self.panels.shape
        return columns * rows

    @property
    def chart_columns(self) -> int:
        """Cells across one chart."""
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
            self.window, self.cursor, self._step = Window(), None, None
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
        self.query_one(f"#{self.id}-note", Static).update(note)

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

    # The cursor.

    def move_cursor(self, by: int) -> None:
        """So many cells to the right; the first time it appears at the newest point. At the edge the window moves."""
        if self.extent is None:
            return
        low, high = self.window.span(self.extent)
        cell = (high - low) / max(1, self.chart_columns - 8)
        stride = max(1.0, float(round(cell))) if self.axis == "step" else cell
        start = high if self.cursor is None else self.cursor + by * stride
        self.point(min(max(start, self.extent[0]), self.extent[1]))

    def point(self, x: float) -> None:
        """Put the cursor there."""
        if self.extent is not None:
            self.cursor = float(round(x)) if self.axis == "step" else x
            self.window = self.window.showing(self.cursor, self.extent)
            self._step = None
            self.post_message(self.Changed())

    def hide_cursor(self) -> None:
        self.cursor = self._step = None
        self.post_message(self.Changed())

    def want_log(self) -> bool:
        """Post LogWanted as soon as the step at the cursor is known. False when there is no cursor."""
        self._log_wanted = self.cursor is not None
        self._tell_step()
        return self._log_wanted or self._step is not None

    def take_step(self, step: int | None) -> None:
        """The step at the cursor; what was read for another place of it is late, and dropped."""
        if self._panels and self._panels[0].cursor == self.cursor:
            self._step = step
            self._tell_step()

    def _tell_step(self) -> None:
        if self._log_wanted and self._step is not None:
            self._log_wanted = False
            self.post_message(self.LogWanted(self._step))

    # The window.

    def zoom(self, turns: float, about: float | None = None) -> None:
        """Closer by a factor of two a turn, about the cursor where it is in view."""
        self._zoom(_ZOOM**turns, self.cursor if about is None else about)

    def _zoom(self, factor: float, about: float | None) -> None:
        if self.extent is not None:
            self._look(self.window.zoomed(factor, about, self.extent))

    def pan(self, share: float) -> None:
        if self.extent is not None:
            self._look(self.window.panned(share, self.extent))

    def follow(self) -> None:
        """Keep the live end in view, or hold the stretch that is shown."""
        if self.extent is not None:
            following = self.window.following and not self.window.whole
            self._look(self.window.held(self.extent) if following else Window(self.window.width))

    def show_all(self) -> None:
        """Everything, and no cursor."""
        self.hide_cursor()
        self._look(Window())

    def _look(self, window: Window) -> None:
        self.window = window
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
        self._zoom(message.factor, message.about)

    @on(Chart.Panned)
    def _wheel_panned(self, message: Chart.Panned) -> None:
        message.stop()
        self.pan(message.share)
