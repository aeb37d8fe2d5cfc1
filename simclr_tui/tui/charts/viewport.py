"""Where in x the charts of a tab stand: the cursor through all of them, and the window that they show."""

from __future__ import annotations

from collections.abc import Callable

from simclr_tui.tui.feed.messages import ChartAxis
from simclr_tui.tui.feed.window import Span, Window

_ZOOM = 2.0  # of one key


class Viewport:
    """Hold window and cursor; `changed` is called when the feed has to be asked again."""

    def __init__(self, changed: Callable[[], object], log_wanted: Callable[[int], object]) -> None:
        self.window = Window()
        self.cursor: float | None = None
        self.extent: Span | None = None  # of everything that has been read
        self.axis: ChartAxis = "step"
        self.columns = 8  # cells across one chart
        self._changed, self._log_wanted = changed, log_wanted
        self._step: int | None = None  # at the cursor, once that has been read
        self._wants_log = False

    def change_axis(self, axis: ChartAxis) -> None:
        """Show everything and no cursor, without asking: on another axis what was held means nothing."""
        if axis != self.axis:
            self.axis = axis
            self.window, self.cursor, self._step = Window(), None, None

    # The cursor.

    def move_cursor(self, by: int) -> None:
        """Move by so many cells to the right; the first time it appears at the newest point. At the edge the window
        moves along."""
        if self.extent is None:
            return
        low, high = self.window.span(self.extent)
        cell = (high - low) / max(1, self.columns - 8)
        stride = max(1.0, float(round(cell))) if self.axis == "step" else cell
        start = high if self.cursor is None else self.cursor + by * stride
        self.point(min(max(start, self.extent[0]), self.extent[1]))

    def point(self, x: float) -> None:
        """Put the cursor at `x`, and the window where it can be seen."""
        if self.extent is None:
            return
        x = float(round(x)) if self.axis == "step" else x
        if x != self.cursor:  # where it stands already, nothing new will be read
            self.cursor, self._step = x, None
        self.window = self.window.showing(x, self.extent)
        self._changed()

    def hide_cursor(self) -> None:
        """Take the cursor away."""
        self.cursor = self._step = None
        self._changed()

    def want_log(self) -> bool:
        """Call `log_wanted` as soon as the step at the cursor is known. Returns False when there is no cursor."""
        self._wants_log = self.cursor is not None
        self._pass_step_on()
        return self._wants_log or self._step is not None

    def take_step(self, step: int | None, read_at: float | None) -> None:
        """Take the step that was read for the cursor at `read_at`; dropped when the cursor has moved on."""
        if read_at == self.cursor:
            self._step = step
            self._pass_step_on()

    def _pass_step_on(self) -> None:
        if self._wants_log and self._step is not None:
            self._wants_log = False
            self._log_wanted(self._step)

    # The window.

    def zoom(self, turns: float) -> None:
        """Zoom in by a factor of two a turn, about the cursor where it is in view."""
        if self.extent is not None:
            low, high = self.window.span(self.extent)
            in_view = self.cursor is not None and low <= self.cursor <= high
            self.zoom_about(_ZOOM**turns, self.cursor if in_view else None)

    def zoom_about(self, factor: float, about: float | None) -> None:
        """Zoom in by a factor about a place; None is the live end or the middle."""
        if self.extent is not None:
            self._show(self.window.zoomed(factor, about, self.extent))

    def pan(self, share: float) -> None:
        """Move the window to the right by a share of its width."""
        if self.extent is not None:
            self._show(self.window.panned(share, self.extent))

    def follow(self) -> None:
        """Keep the live end in view, or hold the stretch that is shown."""
        if self.extent is not None:
            following = self.window.following and not self.window.whole
            self._show(self.window.held(self.extent) if following else Window(self.window.width))

    def show_all(self) -> None:
        """Show everything, and no cursor."""
        self.hide_cursor()
        self._show(Window())

    def _show(self, window: Window) -> None:
        self.window = window
        self._changed()
