"""Draw a text table as rich would, for the common case in which it fits: a hundred times as fast."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

_GAP = "  "
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_COLOURS = {"green": "\x1b[32m", "red": "\x1b[31m", "yellow": "\x1b[33m"}


def draw_grid(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int],
    width: int,
    style: Callable[[str], str] | None,
) -> str | None:
    """Return the table as text, or None if it is wider than `width` or has characters that are not one cell wide.

    `style` names the colour of a cell; None draws without colour.
    """
    columns = [*zip(titles, *rows, strict=True)]
    sizes = [[_cells(cell) for cell in column] for column in columns]
    widths = [max(column) for column in sizes]
    if any(min(column) < 0 for column in sizes):
        return None
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        return None
    align = [">" if index in right else "<" for index in range(len(widths))]
    line = _GAP.join(f"{{:{side}{wide}}}" for side, wide in zip(align, widths, strict=True)).format
    head = line(*titles)
    if style is None:
        return "\n".join([head, *[line(*row) for row in rows]])
    return "\n".join([f"{_BOLD}{head}{_PLAIN}", *[_coloured(line(*row), row, style) for row in rows]])


def _coloured(line: str, row: Sequence[str], style: Callable[[str], str]) -> str:
    for cell in row:
        if " " in cell and (colour := _COLOURS.get(style(cell))):
            line = line.replace(cell, f"{colour}{cell}{_PLAIN}", 1)
    return line


def _cells(text: str) -> int:
    """Return how many terminal cells the text takes, or −1 if any character is not exactly one cell wide."""
    return len(text) if text.isascii() else _unusual(text)


@lru_cache(maxsize=4096)
def _unusual(text: str) -> int:
    wide = any(unicodedata.east_asian_width(char) in "WF" or unicodedata.category(char)[0] in "MC" for char in text)
    return -1 if wide else len(text)
