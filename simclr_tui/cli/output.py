"""Print data to stdout and messages to stderr, through the one module that writes (`streams`)."""

from __future__ import annotations

import io
import itertools
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, TextIO

import msgspec

from simclr_tui.cli import streams
from simclr_tui.cli.table import draw_table
from simclr_tui.display.glyphs import GLYPHS, state_style
from simclr_tui.display.halfblocks import Line
from simclr_tui.text import safe, safe_json

_NAME = 12  # cells that a title keeps at least
_AT_ONCE = 100  # values of a list that are written together
_WIDE = 160  # columns of drawings where there is no terminal


def data(text: str = "") -> None:
    """Print a line that a script may read."""
    streams.write(text)


def drawing(text: str, err: bool = False) -> None:
    """Print lines that we drew and coloured ourselves; anything in them but colours is made safe."""
    streams.write(text, err=err, styled=True)


def data_json(value: Any) -> None:
    """Print one JSON document, indented; what a terminal could act on is escaped, as JSON allows."""
    document = msgspec.json.format(_encoded(value), indent=2).decode()
    streams.write_json(safe_json(document, ascii_only=not streams.is_utf8()))


def data_json_list(values: Iterable[Any]) -> None:
    """Print a JSON list as `data_json` does, a hundred values at a time, so that no more are in memory as text."""
    values, ascii_only, start = iter(values), not streams.is_utf8(), "["
    while some := list(itertools.islice(values, _AT_ONCE)):
        document = msgspec.json.format(_encoded(some), indent=2).decode()
        inside = document.removeprefix("[").removesuffix("\n]")
        streams.write_json(start + safe_json(inside, ascii_only=ascii_only), end="")
        start = ","
    streams.write_json("[]" if start == "[" else "\n]")


def talk(text: str) -> None:
    """Print a line for the person at the terminal, to stderr."""
    streams.write(text, err=True)


def confirm(question: str) -> None:
    """Ask a yes-or-no question on stderr. Raises typer.Abort unless the answer is yes."""
    streams.confirm(question)


def is_terminal(stream: TextIO) -> bool:
    """Return whether live drawing makes sense on that stream."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def is_colourful(stream: TextIO | None = None) -> bool:
    """Return whether to use colour: on a terminal that knows it, or with FORCE_COLOR, and never with NO_COLOR."""
    stream = stream or sys.stdout
    return (is_terminal(stream) or streams.forces_colour()) and "NO_COLOR" not in os.environ


def width() -> int:
    """Return the columns to draw in: those of the terminal, or 160 where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE


def table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    *,
    drop: Sequence[str] = (),
    wide: bool | None = None,
) -> None:
    """Print aligned columns, one line per row; `right` lists the indices of numeric ones. Cells are made safe here.

    In a terminal that is too narrow, text is shortened and then columns are left out, in the order of `drop` (default:
    from the right), and named on stderr. Nothing is left out in a pipe, or with `wide`; a verb that has no `--wide`
    passes None.
    """
    titles = [safe(title) for title in titles]
    rows = [[cell if cell.isascii() and cell.isprintable() else _safe(cell) for cell in row] for row in rows]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() and not wide else None
    drawn = draw_table(titles, rows, right=right, width=room, drop=drop, style=_style if is_colourful() else None)
    drawing(drawn.text)
    if drawn.hidden:
        count = len(drawn.hidden)
        how = "--wide shows them" if wide is not None else "widen the terminal, or pipe this into less -S"
        talk(f"{count} more column{'s' if count > 1 else ''} ({', '.join(filter(None, drawn.hidden))}): {how}")


def side_by_side(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of right-aligned columns under their titles; those that do not fit follow in tables below it.

    The first column names the rows, in each of the tables.
    """
    start = 1
    while start < len(titles):
        end = len(titles)
        while end > start + 1 and sys.stdout.isatty() and _least(titles, rows, start, end=end) > width():
            end -= 1
        shown = [0, *range(start, end)]
        if start > 1:
            data()
        table([titles[at] for at in shown], [[row[at] for at in shown] for row in rows], right=range(1, len(shown)))
        start = end


def _least(titles: Sequence[str], rows: Sequence[Sequence[str]], start: int, *, end: int) -> int:
    """Return the cells that these columns need at least, their titles shortened."""
    least = [
        max(min(_NAME, len(titles[at])) if at else 0, *(len(row[at]) for row in rows)) for at in (0, *range(start, end))
    ]
    return sum(least) + 2 * (len(least) - 1)


def facts(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print names and what is to be said about them; the last column wraps between words, in its own column."""
    titles = [title, *[""] * (len(rows[0]) - 1)] if rows else [title]
    widths = [max(len(safe(row[index])) for row in rows) for index in range(len(titles) - 1)]
    indent = sum(widths) + 2 * len(widths)
    room = max(20, shutil.get_terminal_size().columns - indent) if sys.stdout.isatty() else None
    wrapped: list[list[str]] = []
    for *names, words in rows:
        lines = textwrap.wrap(safe(words), room, break_on_hyphens=False) if room else [words]
        wrapped += [[*(names if index == 0 else [""] * len(names)), line] for index, line in enumerate(lines or [""])]
    table(titles, wrapped)


def cells(lines: Sequence[Line]) -> None:
    """Print lines of styled characters, cut to the terminal's width."""
    from rich.console import Console
    from rich.text import Text

    colourful = is_colourful()
    console = Console(
        file=io.StringIO(), force_terminal=colourful, width=width(), no_color=not colourful, highlight=False,
        color_system="auto" if colourful else None,
    )  # fmt: skip
    for line in lines:
        text = Text.assemble(*[(safe(chars), style) for chars, style in line])
        console.print(text, no_wrap=True, crop=True, overflow="crop")
    assert isinstance(console.file, io.StringIO)
    drawing(console.file.getvalue().removesuffix("\n"))


def below(lines: Sequence[Line]) -> None:
    """Print lines of styled characters after an empty line, to follow what is above; nothing if there are none."""
    if lines:
        data()
        cells(lines)


_safe = lru_cache(maxsize=4096)(safe)


def _style(cell: str) -> str:
    words = cell.split()
    return state_style(words[1]).colour if len(words) > 1 and words[0] in GLYPHS else ""


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # a name that is no UTF-8
        return msgspec.json.encode(_storable(msgspec.to_builtins(value)))


def _storable(value: Any) -> Any:
    from simclr_tui.text import storable

    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list | tuple) else value
