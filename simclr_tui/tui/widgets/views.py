"""The Views tab: images as the run sees them, or those nearest to one image, in half-blocks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.widgets import Static

from simclr_tui.halfblocks import Picture, beside, draw, fit
from simclr_tui.store.answers import Neighbors, Preview
from simclr_tui.text import safe
from simclr_tui.tui.look import draws_unicode

_WIDEST = 32  # cells of one picture
_GAP = 2

Captioned = tuple[str, Picture]


class ViewsView(VerticalScroll, can_focus=True):
    """Shows what it is given; the screen says what that is. `neighbors` is what the user wants to see of the two."""

    neighbors: reactive[bool] = reactive(False)
    image: reactive[str] = reactive("0")

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: Preview | Neighbors | None = None
        self._words = "no data yet"

    def compose(self) -> ComposeResult:
        yield Static(self._words, id="views-note")
        yield Static("", id="views-pictures")

    def show(self, answer: Preview | Neighbors | None, words: str) -> None:
        """Pictures, or none, and a line above them."""
        if (answer, words) != (self._shown, self._words):
            redraw = answer is not self._shown
            self._shown, self._words = answer, words
            self.query_one("#views-note", Static).update(Text(safe(words), style="dim"))
            if redraw:
                self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        pictures = self.query_one("#views-pictures", Static)
        width = self.scrollable_content_region.width
        match self._shown:
            case None:
                pictures.update("")
            case Preview():
                rows = [
                    [(_caption(shown.index, shown.label), shown.original), *zip(_VIEWS, shown.views, strict=True)]
                    for shown in self._shown.images
                ]
                pictures.update(self._drawn([cell for row in rows for cell in row], 3, width))
            case Neighbors():
                query = (f"this  {self._shown.label}", self._shown.query)
                near = [(f"{n.similarity:.3f}  {n.label or n.index}", n.picture) for n in self._shown.neighbors]
                pictures.update(self._drawn([query, *near], 3, width))

    def _drawn(self, cells: Sequence[Captioned], across: int, width: int) -> Text:
        """Pictures in rows, each under its caption."""
        cell = max(4, min(_WIDEST, (width + _GAP) // across - _GAP, max(picture.width for _, picture in cells)))
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


_VIEWS = ("view 1", "view 2")


def _caption(index: int, label: str) -> str:
    return f"image {index}  {label}"


def answer_words(answer: Preview | Neighbors, image: str) -> str:
    """The line above the pictures."""
    match answer:
        case Preview():
            return "augmented views as this run sees them · v nearest neighbours"
        case Neighbors():
            which = f"test image {image}" if image.isdigit() else image
            return (
                f"nearest of {answer.images:,} training images to {which}, by h at step {answer.step:,} · "
                "m another image · v augmented views"
            )
