"""Darken the colours of runs, classes and warnings on a light theme, where the usual ones are too pale to read."""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color as CellColour
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.filter import LineFilter

from simclr_tui.display.colours import legible, on_light

_HEADER = "#d0d0d0"  # the darkest ground of a light theme on which words in the terminal's colours stand
_HUES = (*range(1, 7), *range(9, 15))  # of the sixteen, those that are neither black, grey nor white


class DarkenRunColours(LineFilter):
    """Replace the foreground of text and lines that have a run's colour, or one of the terminal's own hues.

    All other colours are the theme's, which has made them legible.
    """

    def __init__(self, theme: TerminalTheme) -> None:
        super().__init__()
        self._theme = theme
        self._variants: dict[tuple[int, int, int], CellColour] = {}
        self._darkened = lru_cache(4096)(self._darken)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line, darkened."""
        return [
            Segment(text, self._darkened(style), control) if style is not None else Segment(text, style, control)
            for text, style, control in segments
        ]

    def _darken(self, style: Style) -> Style:
        colour = style.color
        if colour is None or colour.type is not ColorType.TRUECOLOR:
            return style
        self._variants = self._variants or _variants(self._theme)
        variant = self._variants.get(colour.get_truecolor())
        return style if variant is None else style + Style(color=variant)


def _variants(theme: TerminalTheme) -> dict[tuple[int, int, int], CellColour]:
    hues = (theme.ansi_colors[number] for number in _HUES)
    darker = {(hue.red, hue.green, hue.blue): CellColour.parse(legible(hue.hex, _HEADER)) for hue in hues}
    return darker | {Color.parse(one).rgb: CellColour.parse(other) for one, other in on_light().items()}
