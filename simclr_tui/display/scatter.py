"""Draw a scatter plot of labelled points in a terminal: each cell shows its class as a letter and a colour."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from simclr_tui.display.colours import COLOURS

MARKS = string.digits + string.ascii_letters  # one per class, so that colour is never the only distinction
Cell = tuple[str, str]
"""Characters and their style, as Rich and Textual read it; an empty style means no colour."""
Line = list[Cell]

_BLANK: Cell = (" ", "")
_AXES = {True: ("│", "└", "─"), False: ("|", "+", "-")}

Place = tuple[int, int]
"""Column and row of a cell, from the top left."""


def class_mark(index: int) -> Cell:
    """Return the letter and the colour of a class; a negative index means unlabelled."""
    return (".", "") if index < 0 else (MARKS[index % len(MARKS)], COLOURS[index % len(COLOURS)])


@dataclass(frozen=True)
class Scatter:
    """Place points (x, y, class) on `width` × `height` cells, y pointing up."""

    points: Sequence[tuple[float, float, int]]
    width: int
    height: int

    def places(self) -> list[Place]:
        """Return the cell of every point; the axes take one column and one row."""
        across, up = max(1, self.width - 1), max(1, self.height - 1)
        xs = _scaled([point[0] for point in self.points], across)
        ys = _scaled([point[1] for point in self.points], up)
        return [(1 + x, up - 1 - y) for x, y in zip(xs, ys, strict=True)]

    def draw(self, only: int | None = None, cursor: int | None = None, unicode: bool = True) -> list[Line]:
        """Return the cells, line by line; where points overlap, the most frequent class is shown.

        With `only`, points of all other classes are dots. The point `cursor` is drawn in reverse video.
        """
        cells: dict[Place, Counter[int]] = {}
        places = self.places()
        for place, (_, _, label) in zip(places, self.points, strict=True):
            cells.setdefault(place, Counter())[label] += 1
        marked = places[cursor] if cursor is not None and cursor < len(places) else None
        bar, corner, dash = _AXES[unicode]
        lines: list[Line] = [
            [(bar, ""), *(self._cell(cells.get((x, y)), only, (x, y) == marked) for x in range(1, self.width))]
            for y in range(self.height - 1)
        ]
        return [*lines, [(corner + dash * (self.width - 1), "")]]

    def _cell(self, found: Counter[int] | None, only: int | None, marked: bool) -> Cell:
        if found is None:
            return _BLANK
        if only is not None and only in found:
            mark, style = class_mark(only)
        elif only is not None:
            mark, style = ".", "dim"
        else:
            mark, style = class_mark(max(found, key=lambda label: (found[label], -label)))
        return mark, f"{style} reverse bold".strip() if marked else style


def nearest(places: Sequence[Place], start: int, *, across: int, down: int) -> int:
    """Return the point nearest to `start` in a direction, preferring straight ahead over sideways.

    Points in the same cell are visited one after another, so that each can be reached.
    """
    x, y = places[start]
    here = [index for index, place in enumerate(places) if place == (x, y)]
    if across > 0 or down > 0:
        later = [index for index in here if index > start]
        if later:
            return later[0]
    elif earlier := [index for index in here if index < start]:
        return earlier[-1]
    best, distance = start, float("inf")
    for index, (to_x, to_y) in enumerate(places):
        ahead = (to_x - x) * across + 2 * (to_y - y) * down  # a cell is twice as tall as wide
        sideways = abs((to_x - x) * down) + 2 * abs((to_y - y) * across)
        if ahead > 0 and ahead + 3 * sideways < distance:
            best, distance = index, ahead + 3 * sideways
    return best


def _scaled(values: list[float], cells: int) -> list[int]:
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = (high - low) or 1.0
    return [min(cells - 1, int((value - low) / span * cells)) for value in values]
