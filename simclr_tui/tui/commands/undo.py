"""Taking back what was done to a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Undo:
    """`work` takes it back, `words` say so afterwards, and `run` is the name that the run then has."""

    words: str
    work: Callable[[], object]
    run: str
