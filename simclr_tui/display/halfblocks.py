"""Draw pictures with half-blocks: a character's foreground shows the upper of two pixels, its background the lower."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise, zip_longest

from simclr_tui.store.picture import Picture

Cell = tuple[str, str]
"""A character and its style, `#rrggbb on #rrggbb`, as Rich and Textual read it; an empty style means no colour."""
Line = list[Cell]

_SHADES = " ░▒▓█"
_ASCII_SHADES = " .:*#"
_BLANK: Cell = (" ", "")


def draw(picture: Picture, colour: bool = True, unicode: bool = True) -> list[Line]:
    """Return ⌈height / 2⌉ lines of `width` cells; without colour or Unicode, five shades stand for lightness."""
    shades = _SHADES if unicode else _ASCII_SHADES
    cell = _half_block if colour and unicode else partial(_shade, shades)
    rows = [_pixels(picture, row) for row in range(picture.height)]
    return [
        [cell(upper, lower) for upper, lower in zip_longest(rows[top], rows[top + 1] if top + 1 < len(rows) else [])]
        for top in range(0, len(rows), 2)
    ]


def fit(picture: Picture, width: int) -> Picture:
    """Return the picture shrunk to at most `width` pixels, each the mean of those it replaces; never enlarged."""
    if picture.width <= width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    columns, rows = _cuts(picture.width, width), _cuts(picture.height, height)
    means = bytearray()
    for top, bottom in rows:
        lines = [picture.rgb[3 * picture.width * y : 3 * picture.width * (y + 1)] for y in range(top, bottom)]
        for left, right in columns:
            count = len(lines) * (right - left)
            means += bytes(
                round(sum(sum(line[3 * left + c : 3 * right : 3]) for line in lines) / count) for c in range(3)
            )
    return Picture(width, height, bytes(means))


def beside(drawings: Sequence[list[Line]], gap: int = 2) -> list[Line]:
    """Join drawings side by side, `gap` columns apart and aligned at the top."""
    widths = [max((len(line) for line in drawing), default=0) for drawing in drawings]
    joined: list[Line] = []
    for lines in zip_longest(*drawings, fillvalue=[]):
        row: Line = []
        for line, width in zip(lines, widths, strict=True):
            row += [*([_BLANK] * gap if row else []), *line, *[_BLANK] * (width - len(line))]
        joined.append(row)
    return joined


def _pixels(picture: Picture, row: int) -> list[bytes]:
    start = 3 * picture.width * row
    return [picture.rgb[start + 3 * x : start + 3 * x + 3] for x in range(picture.width)]


def _half_block(upper: bytes, lower: bytes | None) -> Cell:
    # Below the last row of an odd height the terminal's own background shows.
    return "▀", f"#{upper.hex()}" + (f" on #{lower.hex()}" if lower else "")


def _shade(shades: str, upper: bytes, lower: bytes | None) -> Cell:
    pixels = [pixel for pixel in (upper, lower) if pixel]
    light = sum(0.299 * r + 0.587 * g + 0.114 * b for r, g, b in pixels) / len(pixels)
    return shades[min(4, int(light / 51.0))], ""


def _cuts(length: int, parts: int) -> list[tuple[int, int]]:
    edges = [part * length // parts for part in range(parts + 1)]
    return [(start, max(end, start + 1)) for start, end in pairwise(edges)]
