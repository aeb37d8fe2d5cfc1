"""Draw pictures in rows, each under its caption: in pixels where the terminal can, else in half-blocks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.display.halfblocks import beside, draw, fit
from simclr_tui.store.picture import Picture
from simclr_tui.text import safe
from simclr_tui.tui.host import Host
from simclr_tui.tui.terminal.image_protocol import Drawer

_WIDEST = 32  # width of a picture in cells, at most
_GAP = 2
_ENLARGED = 256  # pixels: a small picture is enlarged into squares, not blurred

Captioned = tuple[str, Picture]


class PictureRows(Vertical):
    """Rows of pictures, redrawn when the width changes."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host

    def compose(self) -> ComposeResult:
        yield Static("", id="views-pictures")

    def show(self, cells: Sequence[Captioned], across: int, width: int) -> None:
        """Show `across` pictures per row, within `width` cells."""
        self.query(".picture-row").remove()
        cell = max(4, min(_WIDEST, (width + _GAP) // across - _GAP))
        drawer = self._host.pixels if cells else None
        if drawer is None:
            self.query_one("#views-pictures", Static).update(self._drawn(cells, across, cell))
            return
        self.query_one("#views-pictures", Static).update("")
        for start in range(0, len(cells), across):
            slots = [_slot(drawer, caption, picture, cell=cell) for caption, picture in cells[start : start + across]]
            self.mount(Horizontal(*slots, classes="picture-row"))

    def _drawn(self, cells: Sequence[Captioned], across: int, cell: int) -> Text:
        cell = min(cell, max((picture.width for _, picture in cells), default=cell))
        text = Text(no_wrap=True)
        colour = not self.app.no_color
        for start in range(0, len(cells), across):
            row = cells[start : start + across]
            for caption, _ in row:
                words = Text(safe(caption))
                words.truncate(cell, overflow="ellipsis", pad=True)
                text.append_text(words).append(" " * _GAP)
            drawings = [draw(fit(picture, cell), colour, draws_unicode()) for _, picture in row]
            text.append("\n")
            for line in beside(drawings, _GAP):
                text.append_text(Text.assemble(*line)).append("\n")
        return text


def _slot(drawer: Drawer, caption: str, picture: Picture, *, cell: int) -> Vertical:
    from PIL import Image

    image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
    factor = -(-_ENLARGED // picture.width)
    if factor > 1:
        image = image.resize((factor * picture.width, factor * picture.height), Image.Resampling.NEAREST)
    words = Text(safe(caption), no_wrap=True, overflow="ellipsis")
    slot = Vertical(Static(words), drawer(image, cell))
    slot.styles.width, slot.styles.height, slot.styles.margin = cell, "auto", (0, _GAP, 1, 0)
    return slot
