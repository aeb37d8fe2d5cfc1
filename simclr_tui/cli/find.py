"""Find the run that a word on the command line means, and say which it is where the word is not its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simclr_tui.cli import output

if TYPE_CHECKING:
    from simclr_tui.store.run import Run
    from simclr_tui.store.store import Store


def find_run(store: Store, word: str) -> Run:
    """Return the run to look at: a name, a unique prefix, @last, @best or a path. Raises NotFoundError."""
    return _told(word, store.find(word))


def find_to_change(store: Store, word: str) -> Run:
    """Return the run to act on, which a prefix does not name. Raises NotFoundError."""
    return _told(word, store.find_exactly(word))


def find_all_to_change(store: Store, words: Sequence[str]) -> list[Run]:
    """Return the runs to act on, all found before anything is done to the first. Raises NotFoundError."""
    return [find_to_change(store, word) for word in words]


def _told(word: str, run: Run) -> Run:
    if word != run.name and "/" not in word:
        output.talk(f"{word} is {run.name}")
    return run
