"""Compute what the Views and Embedding tabs show, when one of them is on screen, and cache it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from simclr_tui.errors import RecipeError, SimclrError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.store.run import Run
from simclr_tui.store.state import OPEN
from simclr_tui.store.task_replies import Neighbors, Preview, Projection
from simclr_tui.text import safe
from simclr_tui.tui.dialogs.ask import Ask
from simclr_tui.tui.dialogs.complete_path import complete_path
from simclr_tui.tui.host import Host
from simclr_tui.tui.images.embedding_tab import EmbeddingTab
from simclr_tui.tui.images.requests import Answer, ImageRequest, ImageRequests, compute
from simclr_tui.tui.images.views_tab import ViewsTab, answer_words

_WAIT = "no checkpoint yet: there is one after an epoch"
_SPINNER = "|/-\\"


class ImagesController:
    """Fetch pictures and points from the training plane, for the run and the tab that the screen names."""

    def __init__(self, host: Host, current_run: Callable[[], Run | None], shown_tab: Callable[[], str]) -> None:
        self._host = host
        self._current_run, self._shown_tab = current_run, shown_tab
        self.views = ViewsTab(host, id="views")
        self.embedding = EmbeddingTab(id="embedding")
        self.views.doers = {"view": self.toggle_neighbors, "image": self.ask_image}
        self.embedding.doers = {"view": self.embedding.next_class, "image": self.show_neighbors_of_chosen}
        self.requests = ImageRequests()
        self.checkpoint: int | None = None  # step of the newest checkpoint of the run under the cursor
        self._began = 0.0

    @property
    def is_shown(self) -> bool:
        """Return True if a tab of images is on screen."""
        return self._shown_tab() in ("views", "embedding")

    def _wanted(self, run: Run) -> ImageRequest | None:
        """Return the request for the tab on screen; None where it needs a checkpoint and there is none."""
        tab = self._shown_tab()
        if tab == "views" and not self.views.neighbors:
            return ImageRequest("views", run.name)
        step = self.checkpoint
        if step is None:
            return None
        if tab == "embedding":
            return ImageRequest("embedding", run.name, step)
        return ImageRequest("neighbors", run.name, step, self.views.image)

    def refresh(self) -> None:
        """Show the cached answer, or compute it. An older checkpoint's answer stays until enter is pressed."""
        run = self._current_run()
        if not self.is_shown:
            return
        wanted = None if run is None else self._wanted(run)
        if run is None or wanted is None:
            self.show(None, None, "no data yet" if run is None else _why_no_checkpoint(run))
            return
        answer = self.requests.answer(wanted)
        if answer is not None:
            self.show(wanted, answer)
        elif older := self.requests.older(wanted):
            known = self.requests.answer(older)
            self.show(older, known, f"step {wanted.step:,} is newer: enter shows it · ")
        else:
            self._begin(wanted, run)

    def _begin(self, request: ImageRequest, run: Run) -> None:
        if self.requests.pending != request:
            self._began = time.monotonic()
            cancel = self.requests.begin(request)
            self._host.in_thread(partial(self._compute, request, run, cancel), "images")
        self.show_progress()

    def _compute(self, request: ImageRequest, run: Run, cancel: Cancel) -> None:
        answer = compute(request, run, cancel)
        self._host.call_later(self._computed, request, answer, cancel)

    def _computed(self, request: ImageRequest, answer: Answer, cancel: Cancel) -> None:
        self.requests.end(request, answer, cancel)
        if self.views.is_attached:
            self.refresh()

    def show_progress(self) -> None:
        """Show what is being computed and for how long; called every half second."""
        pending, run = self.requests.pending, self._current_run()
        if pending is None or run is None or not self.is_shown:
            return
        if pending == self._wanted(run):
            passed = time.monotonic() - self._began
            turn = _SPINNER[int(passed * 2) % len(_SPINNER)]
            self.show(None, None, f"{turn} computing {pending.title} … {passed:.0f} s · X cancels")

    def show(self, request: ImageRequest | None, answer: Answer | None, words: str = "") -> None:
        """Show an answer in the tab on screen, or `words` where there is none."""
        if self._shown_tab() == "embedding":
            if isinstance(answer, Projection):
                self.embedding.show(answer, words)
            else:
                self.embedding.show(None, f"{answer} · enter tries again" if answer is not None else words)
        elif isinstance(answer, Preview | Neighbors):
            self.views.show(answer, words + answer_words(answer, request.image if request else ""))
        else:
            self.views.show(None, f"{answer} · enter tries again" if isinstance(answer, SimclrError) else words)

    def compute_again(self) -> bool:
        """Recompute a failed answer or one older than the newest checkpoint. Returns True if it does."""
        run = self._current_run()
        wanted = self._wanted(run) if run is not None and self.is_shown else None
        known = None if wanted is None else self.requests.answer(wanted)
        if run is None or wanted is None or not (known is None or isinstance(known, SimclrError)):
            return False
        self.requests.forget(wanted)
        self._begin(wanted, run)
        return True

    # Keys.

    def toggle_neighbors(self) -> None:
        """Toggle between the nearest images and the augmented views."""
        self.views.neighbors = not self.views.neighbors
        self.refresh()

    def ask_image(self) -> None:
        """Ask for an image, then show its nearest neighbours."""

        def answered(text: str | None) -> None:
            if text:
                self._show_neighbors(text)

        question = "Neighbours of which image? The number of a test image, or a file"
        self._host.show(Ask(question, self.views.image, _image_words, complete=complete_path), answered)

    def show_neighbors_of_chosen(self) -> None:
        """Show the images nearest to the chosen point of the embedding."""
        point = self.embedding.chosen
        if point is not None:
            self.views.image, self.views.neighbors = str(point.index), True
            self.embedding.post_message(EmbeddingTab.NeighborsWanted())

    def _show_neighbors(self, image: str) -> None:
        self.views.image, self.views.neighbors = image, True
        self.refresh()


def _why_no_checkpoint(run: Run) -> str:
    """Return why a run has no checkpoint to show anything of."""
    try:
        ended = run.state not in OPEN
    except SimclrError as error:
        return safe(str(error))
    return "no checkpoint: the run ended before one was saved" if ended else _WAIT


def _image_words(text: str) -> str:
    if not text:
        raise RecipeError("an image is asked for", "for example 3, or photo.png")
    return f"test image {text}" if text.isdigit() else f"the file {text}"
