"""Print pictures with captions, side by side in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from simclr_tui.cli import output
from simclr_tui.display.halfblocks import beside, draw, fit
from simclr_tui.store.picture import Picture
from simclr_tui.text import safe

_WIDEST = 48  # columns of one picture
_GAP = 2


def print_pictures(captioned: Sequence[tuple[str, Picture]], across: int | None = None) -> None:
    """Print pictures in rows of `across` (default: as many as fit, at least two), each under its caption.

    Pictures are shrunk to fit, never enlarged. Without colour, shading characters stand for lightness.
    """
    console = output.console()
    widest = min(_WIDEST, max(picture.width for _, picture in captioned))
    per_row = across or max(2, (console.width + _GAP) // (widest + _GAP))
    width = max(1, min(widest, (console.width + _GAP) // per_row - _GAP))
    colour = console.color_system is not None and not console.no_color
    for start in range(0, len(captioned), per_row):
        _print_row(captioned[start : start + per_row], width, colour)


def _print_row(captioned: Sequence[tuple[str, Picture]], width: int, colour: bool) -> None:
    console = output.console()
    caption = Text((" " * _GAP).join(_cut(text, width) for text, _ in captioned).rstrip())
    lines = beside([draw(fit(picture, width), colour) for _, picture in captioned], _GAP)
    drawn = Text("\n").join(Text.assemble(*line) for line in lines)
    console.print(caption, drawn, sep="\n", no_wrap=True, overflow="ignore", crop=False)
    console.print()


def _cut(caption: str, width: int) -> str:
    text = Text(safe(caption))
    text.truncate(width, overflow="ellipsis", pad=True)
    return text.plain
