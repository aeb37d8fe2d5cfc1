"""Draw accuracies over the values of two fields: a table whose cells are the brighter, the higher the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from simclr_tui.display.cells import width_of
from simclr_tui.display.colours import contrast
from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.text import value_text

Cell = tuple[str, str]
"""Characters and their style, as Rich and Textual read it; an empty style means no colour."""
Line = list[Cell]
Pair = tuple[object, object]
"""Values of two fields."""

_ROOMY = 7  # cells of a column where there is room: ` 96.6★ `
_LEAST = 6  # cells of a column, at least: `100.0★`
_LOW, _HIGH = (0x23, 0x39, 0x5D), (0x7A, 0xD1, 0x51)  # far apart in lightness, which every eye tells apart
_WORDS = ("#000000", "#ffffff")  # one of them has a contrast of 4.5:1 with any colour


def draw_heat_map(
    down: str, across: str, found: Mapping[Pair, Sequence[float]], *, width: int, of: str = "run"
) -> list[Line]:
    """Return kNN accuracies in % by the values of the fields `down` and `across`, the highest with a star.

    `found` holds the accuracies (0–1) of each pair of values, whose mean is drawn; `of` names what has one of them.
    Columns that do not fit into `width` cells follow below, under their own heads.
    """
    means = {pair: fmean(values) for pair, values in found.items()}
    rows, columns = (_ordered({pair[side] for pair in means}) for side in (0, 1))
    heads, titles = ([value_text(value) for value in values] for values in (rows, columns))
    left = max(map(width_of, heads)) + 3
    longest = max(map(width_of, titles))
    cells = max(_ROOMY, longest + 2)
    if left + cells * len(columns) > width:
        cells = max(_LEAST, longest + 1)
    each = max(1, (width - left) // cells)
    lines: list[Line] = [[(f"kNN % by {down} (down) and {across} (across){_averaged(found, of)}", "dim")]]
    for start in range(0, len(columns), each):
        band = columns[start : start + each]
        lines.append([(" " * left + "".join(_right(value_text(value), cells - 1) + " " for value in band), "")])
        for row, head in zip(rows, heads, strict=True):
            shown = [_cell(means, (row, column), cells) for column in band]
            lines.append([(_right(head, left - 1) + " ", ""), *shown])
    return lines


def _averaged(found: Mapping[Pair, Sequence[float]], of: str) -> str:
    """Say of how many values the means are; empty where each is a single one."""
    counts = {len(values) for values in found.values()}
    if counts == {1}:
        return ""
    least, most = min(counts), max(counts)
    return f", means of {most if least == most else f'{least} to {most}'} {of}s"


def _ordered(values: set[object]) -> list[object]:
    """Return numbers by size, then words by the alphabet, then what is not known."""
    return sorted(values, key=lambda value: (value is None, isinstance(value, str), value if value is not None else 0))


def _right(words: str, width: int) -> str:
    return " " * (width - width_of(words)) + words


def _cell(means: Mapping[Pair, float], pair: Pair, width: int) -> Cell:
    value = means.get(pair)
    if value is None:
        return f"{'–':>{width - 1}} ", "dim"
    low, high = min(means.values()), max(means.values())
    colour = _shade((value - low) / (high - low) if high > low else 1.0)
    words = max(_WORDS, key=lambda one: contrast(one, colour))
    best = ("★" if draws_unicode() else "*") if value == high else " "
    return f"{100 * value:>{width - 1}.1f}{best}", f"{'bold ' if value == high else ''}{words} on {colour}"


def _shade(share: float) -> str:
    """Return the colour at a share of the way from that of the lowest value to that of the highest."""
    return "#" + "".join(f"{round(low + share * (high - low)):02x}" for low, high in zip(_LOW, _HIGH, strict=True))
