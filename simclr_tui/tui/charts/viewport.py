"""The x position of a tab's charts: the cursor through all of them, and the window that they show."""

from __future__ import annotations

from collections.abc import Callable

from simclr_tui.tui.feed.messages import ChartAxis
from simclr_tui.tui.feed.window import Span, Window

_ZOOM = 2.0  # per key press


class Viewport:
    """Hold the window and the cursor; `changed` is called when the feed has to be asked again."""

    def __init__(self, changed: Callable[[], object], log_wanted: Callable[[int], object]) -> None:
        self.window = Window()
        self.cursor: float | None = None
        self.extent: Span | None = None  # range of all data read so far
        self.axis: ChartAxis = "step"
        self.columns = 8  # width of one chart in cells
        self._changed, self._log_wanted = changed, log_wanted
        self._step: int | None = None  # at the cursor, once read
        self._wants_log = False

    def change_axis(self, axis: ChartAxis) -> None:
        """Reset window and cursor without asking the feed: on another axis they mean nothing."""
        if axis != self.axis:
            self.axis = axis
            self.window, self.cursor, self._step = Window(), None, None

    # The cursor.

    def move_cursor(self, by: int) -> None:
        """Move the cursor `by` cells to the right; it first appears at the newest point.

        At the edge the window moves along.
        """
        if self.extent is None:
            return
        low, high = self.window.span(self.extent)
        cell = (high - low) / max(1, self.columns - 8)
        stride = max(1.0, float(round(cell))) if self.axis == "step" else cell
        start = high if self.cursor is None else self.cursor + by * stride
        self.point(min(max(start, self.extent[0]), self.extent[1]))

    def point(self, x: float) -> None:
        """Put the cursor at `x`, and move the window so that it is visible."""
        if self.extent is None:
            return
        x = float(round(x)) if self.axis == "step" else x
        if x != self.cursor:  # unmoved, it needs nothing new from the feed
            self.cursor, self._step = x, None
        self.window = self.window.showing(x, self.extent)
        self._changed()

    def hide_cursor(self) -> None:
        """Hide the cursor."""
        self.cursor = self._step = None
        self._changed()

    def want_log(self) -> bool:
        """Call `log_wanted` as soon as the step at the cursor is known. Returns False when there is no cursor."""
        self._wants_log = self.cursor is not None
        self._pass_step_on()
        return self._wants_log or self._step is not None

    def take_step(self, step: int | None, read_at: float | None) -> None:
        """Take the step that was read for the cursor at `read_at`; ignore it if the cursor has moved on."""
        if read_at == self.cursor:
            self._step = step
            self._pass_step_on()

    def _pass_step_on(self) -> None:
        if self._wants_log and self._step is not None:
            self._wants_log = False
            self._log_wanted(self._step)

    # The window.

    def zoom(self, turns: float) -> None:
        """Zoom in by a factor of two per turn, about the cursor if it is in view."""
        if self.extent is not None:
            low, high = self.window.span(self.extent)
            in_view = self.cursor is not None and low <= self.cursor <= high
            self.zoom_about(_ZOOM**turns, self.cursor if in_view else None)

    def zoom_about(self, factor: float, about: float | None) -> None:
        """Zoom in by a factor about a place; None means the live end or the middle."""
        if self.extent is not None:
            self._show(self.window.zoomed(factor, about, self.extent))

    def pan(self, share: float) -> None:
        """Move the window to the right by a fraction of its width."""
        if self.extent is not None:
            self._show(self.window.panned(share, self.extent))

    def follow(self) -> None:
        """Follow the live end, or hold the current window."""
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
