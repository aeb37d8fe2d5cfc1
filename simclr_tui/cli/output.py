"""Print data to stdout and messages to stderr; everything that a terminal could act on is made safe."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from simclr_tui.cli.table import draw_grid
from simclr_tui.display.glyphs import GLYPHS, state_glyph, state_style
from simclr_tui.text import safe

if TYPE_CHECKING:
    from rich.console import Console


_WIDE = 160  # columns where there is no terminal


def data(text: str = "") -> None:
    """Print a line that a script may read."""
    print(text)


def data_json(value: Any) -> None:
    """Print one JSON document, indented."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def talk(text: str) -> None:
    """Print a line for the person at the terminal, to stderr."""
    print(text, file=sys.stderr, flush=True)


def is_terminal(stream: TextIO) -> bool:
    """Return whether live drawing makes sense on that stream."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


@cache
def console(stderr: bool = False) -> Console:
    """Return rich's console for one of the two streams; colour follows NO_COLOR, TERM and whether it is a terminal."""
    from rich.console import Console

    width = None if (sys.stderr if stderr else sys.stdout).isatty() else _WIDE
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)


def table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (), stderr: bool = False
) -> None:
    """Print aligned columns; `right` lists the indices of numeric ones. Cells are made safe here."""
    titles = [safe(title) for title in titles]
    rows = [[cell if cell.isascii() and cell.isprintable() else _safe(cell) for cell in row] for row in rows]
    stream = sys.stderr if stderr else sys.stdout
    drawn = draw_grid(titles, rows, right, _width(stream), _style if _colourful(stream) else None)
    if drawn is not None:
        print(drawn, file=stream)
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, title in enumerate(titles):
        grid.add_column(title, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*[Text(cell, style=_style(cell)) for cell in row])
    console(stderr).print(grid)


_safe = lru_cache(maxsize=4096)(safe)


def _width(stream: TextIO) -> int:
    return shutil.get_terminal_size().columns if stream.isatty() else _WIDE


def _colourful(stream: TextIO) -> bool:
    return is_terminal(stream) and "NO_COLOR" not in os.environ


def _style(cell: str) -> str:
    words = cell.split()
    return state_style(words[-1]).colour if len(words) == 2 and words[0] in GLYPHS else ""


def state_cell(state: str, flags: Sequence[str] = ()) -> str:
    """Return `● running` or `● running (stalled)`: glyph and word, never colour alone."""
    extra = f" ({', '.join(flags)})" if flags else ""
    return f"{state_glyph(state)} {state}{extra}"
