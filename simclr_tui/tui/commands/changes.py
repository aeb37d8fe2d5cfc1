"""Change runs off the screen's thread, and undo each change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simclr_tui.tui.dialogs.confirm import Confirm
from simclr_tui.tui.host import Host

Work = Callable[[], object]


@dataclass(frozen=True)
class Undo:
    """Hold how a change is undone: `work` does it, `words` report it, and `run` is the run's name afterwards."""

    words: str
    work: Work
    run: str


class Changes:
    """Keep the changes made, with how to undo each, the newest last."""

    def __init__(self, host: Host, changed: Callable[[], object]) -> None:
        self._host = host
        self._changed = changed
        self.done: list[Undo] = []

    def make(self, work: Work, done: str, undo: Undo | None = None) -> None:
        """Make a change; once done, it can be undone."""
        self._host.do(work, done, partial(self._keep, undo) if undo is not None else None)

    def _keep(self, undo: Undo) -> None:
        self.done.append(undo)
        self._changed()

    def confirm(self, dialog: Confirm, work: Work, done: str, *, undo: Undo | None = None) -> None:
        """Make a change if the user says yes."""

        def answered(yes: bool | None) -> None:
            if yes:
                self.make(work, done, undo)

        self._host.show(dialog, answered)

    def take_back(self) -> Undo | None:
        """Undo the newest change and return it; None where there is none."""
        if not self.done:
            return None
        undo = self.done.pop()
        self._host.do(undo.work, undo.words)
        self._changed()
        return undo
