"""Print pictures with captions, side by side in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from simclr_tui.cli import output, streams
from simclr_tui.cli.table import shorten
from simclr_tui.display.cells import width_of
from simclr_tui.display.halfblocks import beside, draw, fit
from simclr_tui.store.picture import Picture
from simclr_tui.text import safe

_WIDEST = 48  # columns of one picture
_GAP = 2


def print_pictures(captioned: Sequence[tuple[str, Picture]], across: int | None = None) -> None:
    """Print pictures in rows of `across` (default: as many as fit, at least two), each under its caption.

    Pictures are shrunk to fit, never enlarged. Without colour or Unicode, shading characters stand for lightness.
    """
    room = output.width() + _GAP
    widest = min(_WIDEST, max(picture.width for _, picture in captioned))
    per_row = across or max(2, room // (widest + _GAP))
    width = max(1, min(widest, room // per_row - _GAP))
    for start in range(0, len(captioned), per_row):
        _print_row(captioned[start : start + per_row], width)


def _print_row(captioned: Sequence[tuple[str, Picture]], width: int) -> None:
    colour, unicode = output.is_colourful(), streams.is_utf8()
    output.data((" " * _GAP).join(_caption(text, width) for text, _ in captioned).rstrip())
    output.cells(beside([draw(fit(picture, width), colour, unicode) for _, picture in captioned], _GAP))
    output.data()


def _caption(text: str, width: int) -> str:
    shown = shorten(safe(text), width)
    return shown + " " * (width - width_of(shown))
