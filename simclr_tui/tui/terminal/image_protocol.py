"""Draw pictures in pixels through the package textual-image, where the terminal can."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from simclr_tui.tui.terminal.capabilities import Protocol

if TYPE_CHECKING:
    from textual.widget import Widget

Cell = tuple[int, int]


def pixels(protocol: Protocol, cell: Cell) -> type[Widget] | None:
    """Return a widget class that draws a Pillow image; None if the terminal draws only characters.

    `cell` is the (width, height) of a cell in pixels. The package queries the terminal again on import, and leaves an
    answer later than a tenth of a second to be read as keys; so it is shown no terminal and told the cell size.
    """
    if not protocol:
        return None
    told = {"TEXTUAL_CELL_WIDTH": str(cell[0]), "TEXTUAL_CELL_HEIGHT": str(cell[1])}
    terminal, sys.__stdout__ = sys.__stdout__, io.StringIO()  # type: ignore[misc, assignment]
    os.environ.update(told)
    try:
        from textual_image.widget import SixelImage, TGPImage
    finally:
        sys.__stdout__ = terminal  # type: ignore[misc]
        for name in told:
            del os.environ[name]
    return TGPImage if protocol == "kitty" else SixelImage
