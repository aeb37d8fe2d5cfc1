"""The protocol through which commands use the list of runs."""

from __future__ import annotations

from typing import Protocol

from simclr_tui.catalog.row import Row
from simclr_tui.store.run import Run


class Selection(Protocol):
    """Define the list of runs with its cursor."""

    @property
    def all_rows(self) -> tuple[Row, ...]:
        """Return every run of the store, shown or not."""

    def current_run(self) -> Run | None:
        """Return the run under the cursor."""

    def compared(self) -> tuple[str, ...]:
        """Return the runs to compare: the marked ones; a single one with the run under the cursor."""

    def go_to(self, name: str) -> None:
        """Put the cursor on a run as soon as it is listed."""

    def renamed(self, old: str, new: str) -> None:
        """Carry the marks and pins of a renamed run over to its new name."""
