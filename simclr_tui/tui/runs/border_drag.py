"""Move the border between the list and the tabs with the mouse."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widget import Widget

_LEAST_LIST, _LEAST_TABS = 24, 40  # cells


class BorderDrag:
    """Drag the border between two panes side by side: it makes the left one wider or narrower.

    `changed` gets the new width in cells once the button is released.
    """

    def __init__(self, left: Widget, right: Widget, changed: Callable[[int], object]) -> None:
        self._left, self._right, self._changed = left, right, changed
        self._dragging = False
        self._width = 0  # to which it has been dragged; 0: not moved yet

    def fit(self, width: int, *, beside: bool) -> int:
        """Give the left pane its width, and return it.

        0, or panes that are not side by side, leave it to the style sheet.
        """
        room = self._left.app.size.width
        wanted = min(max(width, _LEAST_LIST), room - _LEAST_TABS) if width and beside else 0
        self._left.styles.width = wanted or None
        self._left.styles.min_width = self._left.styles.max_width = wanted or None
        return wanted

    def press(self, event: events.MouseDown) -> None:
        """Begin to drag if the mouse is on the border: the last cell of the left pane or the first of the right."""
        edge = self._left.region.right
        beside = self._right.display and self._right.region.x == edge
        if beside and event.screen_x in (edge - 1, edge) and self._left.region.y <= event.screen_y:
            self._dragging, self._width = True, 0
            self._left.capture_mouse()
            event.stop()

    def move(self, event: events.MouseMove) -> None:
        if self._dragging:
            self._width = self.fit(event.screen_x + 1 - self._left.region.x, beside=True)

    def release(self) -> None:
        if self._dragging:
            self._dragging = False
            self._left.capture_mouse(False)
            if self._width:  # the pane itself may not have been laid out since
                self._changed(self._width)
