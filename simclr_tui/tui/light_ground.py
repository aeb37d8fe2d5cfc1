"""Darken the colours of runs and classes on a light theme, where the usual ones are too pale to read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rich.color import Color as CellColour
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from simclr_tui.display.colours import on_light


class DarkenRunColours(LineFilter):
    """Replace the foreground of text and lines that have a run's colour; all other colours are the theme's own."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line, darkened."""
        return [
            Segment(text, _darkened(style), control) if style is not None else Segment(text, style, control)
            for text, style, control in segments
        ]


@lru_cache(4096)
def _darkened(style: Style) -> Style:
    colour = style.color
    if colour is None or colour.type is not ColorType.TRUECOLOR:
        return style
    variant = _variants().get(colour.get_truecolor())
    return style if variant is None else style + Style(color=variant)


@lru_cache(1)
def _variants() -> Mapping[tuple[int, int, int], CellColour]:
    return {Color.parse(one).rgb: CellColour.parse(other) for one, other in on_light().items()}
