"""Pictures in pixels, by the package textual-image, where the terminal draws them."""

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
    """A widget that draws an image of Pillow; None where there are only characters. A cell has so many pixels across
    and down.

    Its package asks the terminal the same again when it is imported, and leaves an answer that takes more than a tenth
    of a second to be read as keys; so it is shown no terminal, and told the size of a cell.
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
