"""Draw lines in character cells: eight Braille dots per cell, or one mark where the terminal has no Braille."""

from __future__ import annotations

import math
from collections.abc import Sequence

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # bits of a Braille cell, by column, then row
_BRAILLE = 0x2800
_FAR = 1e9  # dots
_LARGEST = 8e307  # so that the difference of two values stays finite


class Canvas:
    """Draw on a grid of `width` × `height` cells over the box (left, right, low, high). Later drawing wins a cell's
    colour."""

    def __init__(self, width: int, height: int, box: tuple[float, float, float, float], *, fine: bool) -> None:
        self.width, self.height = width, height
        self._left, right, self._low, high = box
        self.fine = fine
        self._across, self._down = (2 * width, 4 * height) if fine else (width, height)
        self._x_scale = (self._across - 1) / (right - self._left)
        self._y_scale = (self._down - 1) / (high - self._low)
        self._bits = [0] * (width * height)
        self._colours = [""] * (width * height)
        self._marks: dict[int, str] = {}
        self._points: dict[int, str] = {}

    def line(self, xs: Sequence[float], ys: Sequence[float], colour: str, *, mark: str = "*") -> None:
        """Join the points; NaN breaks the line. Nothing outside the box is drawn."""
        before: tuple[float, float] | None = None
        for x, y in zip(xs, ys, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                before = None
                continue
            at = self._place(x, y)
            self._join(before or at, at, colour, mark=mark)
            before = at

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """Return the dot of a point, counted from the upper left, clamped when very far away."""
        across = (x - self._left) * self._x_scale
        down = (self._down - 1) - (min(max(y, -_LARGEST), _LARGEST) - self._low) * self._y_scale
        return min(max(across, -_FAR), _FAR), min(max(down, -_FAR), _FAR)

    def _join(self, start: tuple[float, float], stop: tuple[float, float], colour: str, *, mark: str) -> None:
        """Fill each column of dots from where the line enters it to where it leaves."""
        (x0, y0), (x1, y1) = start, stop
        first, last = round(x0), round(x1)
        if first == last:
            self._fill(first, y0, y1, colour=colour, mark=mark)
            return
        slope = (y1 - y0) / (x1 - x0)
        for column in range(max(first, 0), min(last, self._across - 1) + 1):
            enters = y0 if column == first else y0 + slope * (column - 0.5 - x0)
            leaves = y1 if column == last else y0 + slope * (column + 0.5 - x0)
            self._fill(column, enters, leaves, colour=colour, mark=mark)

    def _fill(self, column: int, a: float, b: float, *, colour: str, mark: str) -> None:
        top, bottom = (a, b) if a <= b else (b, a)
        if not 0 <= column < self._across or bottom < -0.5 or top > self._down - 0.5:
            return
        for row in range(max(0, round(top)), min(self._down - 1, round(bottom)) + 1):
            if self.fine:
                cell = (row >> 2) * self.width + (column >> 1)
                self._bits[cell] |= _DOTS[column & 1][row & 3]
            else:
                cell = row * self.width + column
                self._marks[cell] = mark
            self._colours[cell] = colour

    def put(self, x: float, y: float, sign: str, *, colour: str) -> bool:
        """Write one character at a point. Returns False outside the canvas, or where another sign stands already."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return False
        column, row = self.column_of(x), self.row_of(y)
        cell = row * self.width + column
        taken = self.fine and cell in self._marks
        if not (0 <= column < self.width and 0 <= row < self.height) or taken:
            return False
        self._marks[cell] = sign
        self._colours[cell] = colour
        return True

    def point(self, x: float, y: float, colour: str) -> None:
        """Draw a measured point, which a letter or a star may still overwrite."""
        column, row = self.column_of(x), self.row_of(y)
        if 0 <= column < self.width and 0 <= row < self.height:
            cell = row * self.width + column
            self._points[cell], self._colours[cell] = "•", colour

    def rule(self, y: float, *names: str) -> None:
        """Draw a dashed line at `y` through the cells that are still empty.

        It has the first of its names, the longest of them first, that disturbs nothing.
        """
        row = self.row_of(y) if math.isfinite(y) else -1
        if not 0 <= row < self.height:
            return
        start = row * self.width
        free = [self._is_empty(cell) for cell in range(start, start + self.width)]
        dash = "┄" if self.fine else "-"
        line = [dash] * self.width
        for words in (f" {name} " for name in names):
            starts = (self.width - len(words) - 1, 1)  # the right end first: most curves have levelled out there
            at = next((one for one in starts if one >= 0 and sum(free[one : one + len(words)]) == len(words)), None)
            if at is not None:
                line[at : at + len(words)] = words
                break
        for column, empty in enumerate(free):
            if empty:
                self._points[start + column] = line[column]

    def _is_empty(self, cell: int) -> bool:
        return not (self._bits[cell] or cell in self._marks or cell in self._points)

    def column_of(self, x: float) -> int:
        """Return the column of cells that holds `x`; outside the canvas where `x` is outside the box."""
        return round(self._place(x, self._low)[0]) // (2 if self.fine else 1)

    def row_of(self, y: float) -> int:
        """Return the row of cells that holds `y`, counted from the top."""
        return round(self._place(self._left, y)[1]) // (4 if self.fine else 1)

    def row(self, index: int) -> list[tuple[str, str]]:
        """Return the (character, colour) of each cell of a row; an empty cell is a space."""
        start = index * self.width
        return [
            (
                self._marks.get(cell)
                or self._points.get(cell)
                or (chr(_BRAILLE + self._bits[cell]) if self._bits[cell] else " "),
                colour,
            )
            for cell, colour in enumerate(self._colours[start : start + self.width], start)
        ]
