"""Draw a sweep as parallel coordinates: one axis per field and one for kNN, with the best three trials as lines.

At a terminal's width the lines of all trials would cover one another, so the others are marks on the axes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from simclr_tui.recipe.fields import Value
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import TrialResult
from simclr_tui.text import number, percent

_ROWS = 11
_BEST = 3
_LABEL = 9  # columns to the left of the first axis and to the right of the last


def parallel_lines(sweep: Sweep, results: Sequence[TrialResult], columns: int) -> list[str]:
    """Return lines of text at most `columns` wide; none while fewer than two trials have a kNN.

    The best three are drawn as 1, 2, 3, the others as + on each axis. A field with a log range has a log axis.
    """
    scored = sorted((one for one in results if one.mean is not None), key=lambda one: one.mean or 0.0)
    names = [name for name in sweep.varied if len({one.values[name] for one in scored}) > 1]
    if len(scored) < 2 or not names:
        return []
    logs = {axis.name for axis in sweep.axes if axis.log}
    axes = [_Axis(name, [one.values[name] for one in scored], name in logs) for name in names]
    axes.append(_Axis("kNN", [one.mean or 0.0 for one in scored], False, words=percent))
    apart = max(6, (columns - 2 * _LABEL) // (len(axes) - 1))
    grid = [[" "] * (apart * (len(axes) - 1) + 1) for _ in range(_ROWS)]
    for index in range(len(axes)):
        for line in grid:
            line[index * apart] = "|"
    for place in range(len(scored)):
        rows, rank = [axis.rows[place] for axis in axes], len(scored) - place
        if rank <= _BEST:
            _draw(grid, rows, apart, mark=str(rank))
        for index, row in enumerate(rows):
            grid[row][index * apart] = str(rank) if rank <= _BEST else "+"
    return _framed(axes, grid, apart)


class _Axis:
    """Place each trial on one axis (row 0 is the top), with labels for its two ends."""

    def __init__(
        self, name: str, values: Sequence[Value], log: bool, *, words: Callable[[Any], str] | None = None
    ) -> None:
        self.name = name
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        order = sorted(set(values), key=lambda value: (isinstance(value, str), value))
        at = {value: float(value) if numeric else float(place) for place, value in enumerate(order)}
        if log and min(at.values()) > 0:
            at = {value: math.log(place) for value, place in at.items()}
        low, high = min(at.values()), max(at.values())
        share = {value: (place - low) / ((high - low) or 1.0) for value, place in at.items()}
        self.rows = [round((1 - share[value]) * (_ROWS - 1)) for value in values]
        shown: Callable[[Any], str] = words or (number if numeric else str)
        self.top, self.bottom = shown(order[-1]), shown(order[0])


def _draw(grid: list[list[str]], rows: Sequence[int], apart: int, *, mark: str) -> None:
    for index, (left, right) in enumerate(itertools.pairwise(rows)):
        for step in range(apart + 1):
            grid[round(left + (right - left) * step / apart)][index * apart + step] = mark


def _framed(axes: Sequence[_Axis], grid: Sequence[Sequence[str]], apart: int) -> list[str]:
    body = [" " * _LABEL + "".join(line) for line in grid]
    ends = [_row([axis.name for axis in axes], apart), _row([axis.top for axis in axes], apart)]
    return [line.rstrip() for line in (*ends, *body, _row([axis.bottom for axis in axes], apart))]


def _row(words: Sequence[str], apart: int) -> str:
    """Return each word centred over its axis."""
    line = [" "] * (2 * _LABEL + apart * (len(words) - 1) + 1)
    for index, word in enumerate(words):
        cut = word[: apart - 1]
        start = max(0, _LABEL + index * apart - len(cut) // 2)
        line[start : start + len(cut)] = cut
    return "".join(line)
