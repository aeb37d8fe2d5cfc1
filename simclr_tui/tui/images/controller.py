"""What the Views and Embedding tabs show: asked for when one looks, in a process of its own, and kept."""

from __future__ import annotations

import time
from functools import partial

from simclr_tui.errors import RecipeError, SimclrError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Neighbors, Preview, Projection
from simclr_tui.tui.dialogs.ask import Ask
from simclr_tui.tui.dialogs.complete_path import complete_path
from simclr_tui.tui.images.embedding_tab import EmbeddingView
from simclr_tui.tui.images.requests import Answer, Look, Looks, compute
from simclr_tui.tui.images.views_tab import ViewsView, answer_words
from simclr_tui.tui.tabs.recipe_tab import RecipeView
from simclr_tui.tui.tabs.tabs_pane import TabActions

_SPINNER = "|/-\\"


class LookActions(TabActions):
    """The part of the main screen that asks the training plane for pictures and points."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = Looks()
        self._began = 0.0

    def current_run(self) -> Run | None:
        """The run under the cursor."""
        raise NotImplementedError

    def checkpoint(self) -> int | None:
        """The step of the newest checkpoint of the run under the cursor; None where it has none."""
        raise NotImplementedError

    @property
    def views(self) -> ViewsView:
        return self.query_one(ViewsView)

    @property
    def embedding(self) -> EmbeddingView:
        return self.query_one(EmbeddingView)

    def _wanted_look(self, run: Run) -> Look | None:
        """What the tab on screen would show of a run; None where that takes a checkpoint and there is none."""
        if self.tab == "views" and not self.views.neighbors:
            return Look("views", run.name)
        step = self.checkpoint()
        if step is None:
            return None
        return (
            Look("embedding", run.name, step)
            if self.tab == "embedding"
            else Look("neighbors", run.name, step, self.views.image)
        )

    def look(self) -> None:
        """Show what is known, and ask for it where nothing is. An older checkpoint's answer stays until enter."""
        run = self.current_run()
        if self.tab not in ("views", "embedding"):
            return
        look = None if run is None else self._wanted_look(run)
        if run is None or look is None:
            self._show(None, None, "no data yet" if run is None else "no checkpoint yet: there is one after an epoch")
            return
        answer = self.looks.answer(look)
        if answer is not None:
            self._show(look, answer)
        elif older := self.looks.older(look):
            shown = self.looks.answer(older)
            self._show(older, shown, f"step {look.step:,} is newer: enter shows it · ")
        else:
            self._begin(look, run)

    def _begin(self, look: Look, run: Run) -> None:
        if self.looks.pending != look:
            self._began = time.monotonic()
            cancel = self.looks.begin(look)
            self.run_worker(partial(self._compute, look, run, cancel), thread=True, group="looks")
        self.show_progress()

    def _compute(self, look: Look, run: Run, cancel: Cancel) -> None:
        answer = compute(look, run, cancel)
        self.app.call_later(self._computed, look, answer, cancel)

    def _computed(self, look: Look, answer: Answer, cancel: Cancel) -> None:
        self.looks.end(look, answer, cancel)
        if self.is_attached:
            self.look()

    def show_progress(self) -> None:
        """Say what is computed and for how long; called every half second."""
        pending, run = self.looks.pending, self.current_run()
        if pending is None or run is None or self.tab not in ("views", "embedding"):
            return
        if pending == self._wanted_look(run):
            passed = time.monotonic() - self._began
            turn = _SPINNER[int(passed * 2) % len(_SPINNER)]
            self._show(None, None, f"{turn} computing {pending.title} … {passed:.0f} s · X cancels")

    def _show(self, look: Look | None, answer: Answer | None, words: str = "") -> None:
        if self.tab == "embedding":
            if isinstance(answer, Projection):
                self.embedding.show(answer, words)
            else:
                self.embedding.show(None, f"{answer} · enter tries again" if answer is not None else words)
        elif isinstance(answer, Preview | Neighbors):
            self.views.show(answer, words + answer_words(answer, look.image if look else ""))
        else:
            self.views.show(None, f"{answer} · enter tries again" if isinstance(answer, SimclrError) else words)

    def look_again(self) -> bool:
        """Compute what is on screen anew where it failed or is older than the newest checkpoint; whether it was."""
        run = self.current_run()
        look = self._wanted_look(run) if run is not None and self.tab in ("views", "embedding") else None
        if (
            run is None
            or look is None
            or not (self.looks.answer(look) is None or isinstance(self.looks.answer(look), SimclrError))
        ):
            return False
        self.looks.forget(look)
        self._begin(look, run)
        return True

    # What the keys do.

    def action_view(self) -> None:
        if self.tab == "recipe":
            view = self.query_one(RecipeView)
            view.only_differences = not view.only_differences
        elif self.tab == "views":
            self.views.neighbors = not self.views.neighbors
            self.look()
        elif self.tab == "embedding":
            self.embedding.next_class()

    def action_image(self) -> None:
        if self.tab == "embedding":
            point = self.embedding.chosen
            if point is not None:
                self._show_neighbors(str(point.index))
                self.action_tab("views")
        elif self.tab == "views":

            def answered(text: str | None) -> None:
                if text:
                    self._show_neighbors(text)

            question = "Neighbours of which image? The number of a test image, or a file"
            self.app.push_screen(Ask(question, self.views.image, _image_words, complete_path), answered)

    def _show_neighbors(self, image: str) -> None:
        self.views.image, self.views.neighbors = image, True
        self.look()


def _image_words(text: str) -> str:
    if not text:
        raise RecipeError("an image is asked for", "for example 3, or photo.png")
    return f"test image {text}" if text.isdigit() else f"the file {text}"
