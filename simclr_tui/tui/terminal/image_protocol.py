"""Draw pictures in pixels through the package textual-image, where the terminal can."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

from simclr_tui.tui.terminal.capabilities import Protocol

if TYPE_CHECKING:
    from textual.widget import Widget

Cell = tuple[int, int]
Drawer = Callable[[Any, int], "Widget"]
"""Makes a widget that draws a Pillow image as many cells wide as it is told."""


def pixels(protocol: Protocol, cell: Cell) -> Drawer | None:
    """Return what makes widgets that draw images; None if the terminal draws only characters.

    `cell` is the (width, height) of a cell in pixels. The package queries the terminal again on import, and leaves an
    answer later than a tenth of a second to be read as keys; so it is shown no terminal and told the cell size.
    """
    if not protocol:
        return None
    cell_size = {"TEXTUAL_CELL_WIDTH": str(cell[0]), "TEXTUAL_CELL_HEIGHT": str(cell[1])}
    terminal, sys.__stdout__ = sys.__stdout__, io.StringIO()  # type: ignore[misc, assignment]
    os.environ.update(cell_size)
    try:
        from textual_image.widget import SixelImage, TGPImage
    finally:
        sys.__stdout__ = terminal  # type: ignore[misc]
        for name in cell_size:
            del os.environ[name]
    kind = TGPImage if protocol == "kitty" else SixelImage

    def drawer(image: Any, width: int) -> Widget:
        widget = kind(image)
        # Both sizes are given: the widget's own height follows from a width that it has only after the first layout.
        height = ceil(width * cell[0] * image.height / (image.width * cell[1]))
        widget.styles.width, widget.styles.height = width, height
        return widget

    return drawer
