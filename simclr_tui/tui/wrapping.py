"""Breaking a sentence into lines by the cells that its letters take: names may be wide, and hold hyphens."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size


def wrapped(words: str, width: int, *, first: str = "", further: str = "") -> list[str]:
    """Return lines of at most `width` cells, begun with `first` or `further`; only what fits no line is cut."""
    lines: list[str] = []
    line = first
    for word in words.split():
        if line.strip() and cell_len(line) + 1 + cell_len(word) > width:
            lines.append(line)
            line = further
        *full, rest = chop_cells(word, max(2, width - cell_len(line))) if not line.strip() else [word]
        for part in full:
            lines.append(line + part)
            line = further
        line += (" " if line.strip() else "") + rest
    return [*lines, line] if line.strip() else lines


def cut(words: str, cells: int) -> str:
    """Return the words in at most `cells` cells, with a mark where they were cut."""
    return words if cell_len(words) <= cells else set_cell_size(words, max(0, cells - 1)).rstrip() + "…"
