"""Look at the images that a form names, once they have stayed the same for a while, and say what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from textual.widget import Widget

from simclr_tui.display.data_words import faults, short_form, splits
from simclr_tui.errors import CancelledError, SimclrError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.launch.data_look import can_be_looked_at, look_at_data
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.data_report import DataReport
from simclr_tui.tui.host import Host

_PAUSE = 0.75  # seconds that data stays as it is before it is looked at
Line = tuple[str, str]
"""Words and their style."""


@dataclass(frozen=True)
class _Question:
    data: str
    reading: Reading


class DataLook:
    """Look at a form's data: one look at a time, in a process that ends when other data is named or the form closes."""

    def __init__(self, form: Widget, host: Host, changed: Callable[[], None]) -> None:
        """Look for `form`, and call `changed` on the screen's thread whenever `lines` has other words."""
        self._form, self._host, self._changed = form, host, changed
        self._question: _Question | None = None
        self._found: DataReport | str | None = None
        self._cancel = Cancel()

    def follow(self, recipe: Recipe | None) -> None:
        """Look at a recipe's images, unless that was done; without a recipe or images of one's own, at none."""
        own = recipe is not None and can_be_looked_at(recipe.data, recipe.reading)
        question = _Question(recipe.data, recipe.reading) if recipe is not None and own else None
        if question != self._question:
            self.stop()
            self._question, self._found = question, None
            if question is not None:
                self._form.set_timer(_PAUSE, partial(self._begin, question))

    def stop(self) -> None:
        """End a look under way. Its data is looked at again only after other data was."""
        self._cancel()

    def _begin(self, question: _Question) -> None:
        if question == self._question and self._form.is_attached:
            self._cancel = Cancel()
            self._form.run_worker(partial(self._look, question, self._cancel), thread=True, group="look")

    def _look(self, question: _Question, cancel: Cancel) -> None:
        found: DataReport | str
        try:
            found = look_at_data(question.data, question.reading, cancel)
        except CancelledError:
            return
        except SimclrError as error:
            found = str(error)
        if not cancel.requested:
            self._host.call_later(self._take, question, found)

    def _take(self, question: _Question, found: DataReport | str) -> None:
        if question == self._question and self._form.is_attached:
            self._found = found
            self._changed()

    def lines(self, *, listed: bool, subset: int) -> Iterator[Line]:
        """Yield what was found; classes and splits too, at most `subset` images of each (0: all), unless they are
        `listed` already."""
        found = self._found
        if isinstance(found, str):
            yield found, "yellow"
        elif found is not None:
            if not listed:
                yield splits(found, subset), "dim"
                yield from ((sentence, "dim") for sentence in (*found.layout, *found.left_out))
            yield from ((sentence, "dim") for sentence in (*short_form(found), *found.notes))
            yield from ((sentence, "yellow") for sentence in faults(found))
            if found.refused:
                yield f"training would refuse this: {found.refused}", "bold red"
