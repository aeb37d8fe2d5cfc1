"""Where in x the charts of a tab stand: the cursor through all of them, the window that they show."""

from __future__ import annotations

from textual.containers import Vertical
from textual.message import Message

from simclr_tui.tui.feed.messages import ChartAxis, Panel
from simclr_tui.tui.feed.window import Span, Window

_ZOOM = 2.0  # of one key


class ChartPlace(Vertical):
    """Posts Changed when the feed has to be asked again."""

    class Changed(Message):
        """Something else is to be shown."""

    class LogWanted(Message):
        """The log of the moment under the cursor is to be shown."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.window = Window()
        self.cursor: float | None = None
        self.extent: Span | None = None  # of everything that has been read
        self._step: int | None = None  # at the cursor, once that has been read
        self._log_wanted = False
        self._panels: tuple[Panel, ...] = ()

    @property
    def axis(self) -> ChartAxis:
        """What x is."""
        raise NotImplementedError

    @property
    def chart_columns(self) -> int:
        """Cells across one chart."""
        raise NotImplementedError

    def leave_place(self) -> None:
        """Everything and no cursor, without asking: what was held means nothing any more."""
        self.window, self.cursor, self._step = Window(), None, None

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
        if self.extent is None:
            return
        x = float(round(x)) if self.axis == "step" else x
        if x != self.cursor:  # where it stands already, nothing new will be read
            self.cursor, self._step = x, None
        self.window = self.window.showing(x, self.extent)
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

    def zoom(self, turns: float) -> None:
        """Closer by a factor of two a turn, about the cursor where it is in view."""
        if self.extent is not None:
            low, high = self.window.span(self.extent)
            in_view = self.cursor is not None and low <= self.cursor <= high
            self.zoom_about(_ZOOM**turns, self.cursor if in_view else None)

    def zoom_about(self, factor: float, about: float | None) -> None:
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
