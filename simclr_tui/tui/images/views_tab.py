"""The Views tab: images as the run sees them, or the nearest neighbours of one image."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.widgets import Static

from simclr_tui.store.task_replies import Neighbors, Preview
from simclr_tui.text import safe
from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.feed.messages import Snapshot
from simclr_tui.tui.host import Host
from simclr_tui.tui.images.picture_rows import Captioned, PictureRows

_ACROSS = 3  # an image and its two views


class ViewsTab(VerticalScroll, can_focus=True):
    """Show the tab's pictures, set by the controller. `neighbors` is True if the user chose neighbours over views."""

    neighbors: reactive[bool] = reactive(False)
    image: reactive[str] = reactive("0")

    def __init__(self, host: Host, id: str | None = None) -> None:
        super().__init__(id=id)
        self._host = host
        self.doers: Doers = {}
        self._shown: Preview | Neighbors | None = None
        self._words = "no data yet"

    def compose(self) -> ComposeResult:
        yield Static(self._words, id="views-note")
        yield PictureRows(self._host)

    def take(self, snapshot: Snapshot) -> None:
        """Do nothing: the pictures are computed, not read by the feed."""

    def clear(self) -> None:
        """Do nothing: the images controller shows that there is no run."""

    def show(self, answer: Preview | Neighbors | None, words: str) -> None:
        """Show pictures, or none, under a line of words."""
        if (answer, words) != (self._shown, self._words):
            redraw = answer is not self._shown
            self._shown, self._words = answer, words
            self.query_one("#views-note", Static).update(Text(safe(words), style="dim"))
            if redraw:
                self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        cells: list[Captioned] = []
        match self._shown:
            case Preview():
                for shown in self._shown.images:
                    cells.append((_caption(shown.index, shown.label), shown.original))
                    cells += zip(_VIEWS, shown.views, strict=True)
            case Neighbors():
                cells.append((f"this  {self._shown.label}", self._shown.query))
                cells += [(f"{n.similarity:.3f}  {n.label or n.index}", n.picture) for n in self._shown.neighbors]
        self.query_one(PictureRows).show(cells, _ACROSS, self.scrollable_content_region.width)


_VIEWS = ("view 1", "view 2")


def _caption(index: int, label: str) -> str:
    return f"image {index} {label}".rstrip()


def answer_words(answer: Preview | Neighbors, image: str) -> str:
    """Return the line above the pictures."""
    words = _words(answer, image)
    return f"{words} · {answer.channels}" if answer.channels else words


def _words(answer: Preview | Neighbors, image: str) -> str:
    match answer:
        case Preview():
            return "augmented views as this run sees them · v nearest neighbours"
        case Neighbors():
            which = f"test image {image}" if image.isdigit() else image
            return (
                f"nearest of {answer.images:,} training images to {which}, by h at step {answer.step:,} · "
                "m another image · v augmented views"
            )
