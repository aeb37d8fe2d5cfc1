"""Lay out text tables whose rows never fold: one line per row, however narrow the terminal.

What does not fit is first shortened (names in the middle, prose at its end), then whole columns are left out and named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simclr_tui.display.cells import cells_of, width_of

_GAP = "  "
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_COLOURS = {"green": "\x1b[32m", "red": "\x1b[31m", "yellow": "\x1b[33m"}
# Cells to which text is shortened before whole columns are left out; the first column names the rows, and shortened
# names have to stay different.
_LEAST, _LEAST_NAME = 12, 20

Style = Callable[[str], str]


@dataclass(frozen=True)
class Drawn:
    """Hold the lines of a table, and the titles of the columns that were left out."""

    text: str
    hidden: tuple[str, ...] = ()


def draw_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    width: int | None = None,
    drop: Sequence[str] = (),
    style: Style | None = None,
) -> Drawn:
    """Return the table in at most `width` cells; None leaves nothing out and shortens nothing.

    `right` lists right-aligned columns. `drop` names the columns to leave out, first the first; unless given, all but
    the first, from the right. `style` names the colour of a cell; None draws without colour.
    """
    columns = [
        _Column(title, cells, index in right, least=_LEAST if index else _LEAST_NAME)
        for index, (title, *cells) in enumerate(zip(titles, *rows, strict=True))
    ]
    given = list(columns)
    if width is not None:
        expendable = [column for title in drop for column in columns if column.title == title]
        expendable = expendable if drop else columns[:0:-1]
        while _total(columns) > width and not _shorten(columns, width):
            if not expendable:
                _squeeze(columns, width)
                break
            columns.remove(expendable.pop(0))
            for column in columns:
                column.restore()
    return Drawn(_lines(columns, style), tuple(column.title for column in given if column not in columns))


def shorten(text: str, cells: int) -> str:
    """Return the text in at most `cells` cells, its middle replaced by `…` where it is longer."""
    if width_of(text) <= cells:
        return text
    if cells < 2:
        return "…"[:cells]
    tail = (cells - 1) // 2
    return _cut(text, cells - 1 - tail) + "…" + _cut(text[::-1], tail)[::-1]


class _Column:
    """Hold one column's cells, and their shortened form while the table is being fitted."""

    def __init__(self, title: str, cells: Sequence[str], right: bool, *, least: int = _LEAST) -> None:
        self.title, self.right, self._least = title, right, least
        self._cells = cells
        self.natural = max(map(width_of, (title, *cells)))
        self.narrow = self.natural  # the width it is drawn in

    @property
    def least(self) -> int:
        """Return the width below which it is not shortened: of numbers, only the title over them ever is."""
        if self.right:
            return max(min(self._least, width_of(self.title)), *map(width_of, self._cells), 0)
        return min(self.natural, max(self._least, width_of(self.title)))

    def restore(self) -> None:
        self.narrow = self.natural

    def lines(self) -> list[str]:
        """Return title and cells, each padded or shortened to the column's width."""
        texts = (self.title, *self._cells)
        if self.narrow >= self.natural and all(map(str.isascii, texts)):  # nearly every column of a long list
            pad, cells = (str.rjust if self.right else str.ljust), self.narrow
            return [pad(text, cells) for text in texts]
        return [self._fitted(text) for text in texts]

    def _fitted(self, text: str) -> str:
        shown = text if self.narrow >= self.natural else self._shortened(text)
        pad = " " * (self.narrow - width_of(shown))
        return pad + shown if self.right else shown + pad

    def _shortened(self, text: str) -> str:
        if " " not in text:  # a name: its end tells it from its neighbours as much as its beginning does
            return shorten(text, self.narrow)
        return text if width_of(text) <= self.narrow else _cut(text, self.narrow - 1) + "…"


def _total(columns: Sequence[_Column]) -> int:
    return sum(column.narrow for column in columns) + len(_GAP) * (len(columns) - 1)


def _shorten(columns: Sequence[_Column], width: int) -> bool:
    """Shorten the widest text columns down to their least width; return whether the table then fits."""
    while (over := _total(columns) - width) > 0:
        widest = max(columns, key=lambda column: column.narrow - column.least, default=None)
        if widest is None or widest.narrow <= widest.least:
            return False
        widest.narrow = max(widest.least, widest.narrow - over)
    return True


def _squeeze(columns: Sequence[_Column], width: int) -> None:
    """Shorten even below the least width, since nothing is left to leave out."""
    while _total(columns) > width and (widest := max(columns, key=lambda column: column.narrow)).narrow > 1:
        widest.narrow -= 1


def _lines(columns: Sequence[_Column], style: Style | None) -> str:
    head, *rows = zip(*[column.lines() for column in columns], strict=True)
    if style is None:
        return "\n".join(_GAP.join(row).rstrip() for row in (head, *rows))
    return "\n".join(
        [f"{_BOLD}{_GAP.join(head)}{_PLAIN}", *[_GAP.join(_coloured(c, style) for c in row) for row in rows]]
    )


def _coloured(cell: str, style: Style) -> str:
    colour = _COLOURS.get(style(cell)) if " " in cell else None
    return f"{colour}{cell}{_PLAIN}" if colour else cell


def _cut(text: str, cells: int) -> str:
    if text.isascii():
        return text[: max(0, cells)]
    kept, used = [], 0
    for char in text:
        used += cells_of(char)
        if used > cells:
            break
        kept.append(char)
    return "".join(kept)
