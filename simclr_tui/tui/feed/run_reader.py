"""Read one run for the screen: tail its histories, reread its logs only when they grow. For the feed's thread alone."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from simclr_tui.errors import SimclrError, UnansweredError
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.checkpoints import manifests
from simclr_tui.store.evaluations import read_evaluations
from simclr_tui.store.log_tail import tail_lines
from simclr_tui.store.metrics.outline import Outline
from simclr_tui.store.run import Run
from simclr_tui.store.state import State
from simclr_tui.text import safe
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.hardware_reader import MachineReader
from simclr_tui.tui.feed.messages import Log

BUDGET = 12_000_000  # bytes of metrics read per run and turn: about 0.1 s


class RunReader:
    """Hold the data read of one run so far. With `keeps_outline`, a long history is drawn at once the next time."""

    def __init__(self, run: Run, *, keeps_outline: bool = False) -> None:
        self.run = run
        self.curves = CurveReader(run, Outline(run.paths, writes=keeps_outline))
        self.machine = MachineReader(run.name, run.paths, self.curves)
        self._log: Log | None = None
        self._log_marks: tuple[object, ...] = ()
        self._resolved: Resolved | None = None
        self._checkpoints_mark = self._evaluations_mark = (0, 0, 0)
        self._checkpoint: int | None = None
        self._evaluations: tuple[tuple[str, str], ...] = ()

    def resolved(self) -> Resolved:
        """Return the recipe, read once since it never changes. Raises SimclrError."""
        if self._resolved is None:
            self._resolved = self.run.resolved
        return self._resolved

    def state(self) -> State | None:
        """Return the current state; None where it cannot be read."""
        try:
            return self.run.status
        except SimclrError:
            return None

    def newest_checkpoint(self) -> int | None:
        """Return the step of the newest checkpoint; its folder is reread only when it has changed."""
        mark = _mark(self.run.paths.checkpoints)
        if mark != self._checkpoints_mark:
            with contextlib.suppress(UnansweredError):  # what cannot be read at the moment is read again
                saved = manifests(self.run.paths, strict=True)
                self._checkpoints_mark, self._checkpoint = mark, saved[0].step if saved else None
        return self._checkpoint

    def evaluations(self) -> tuple[tuple[str, str], ...]:
        """Return the name and the words of every result; their folder is reread only when it has changed."""
        mark = _mark(self.run.paths.evaluations)
        if mark != self._evaluations_mark:
            with contextlib.suppress(UnansweredError):
                found = read_evaluations(self.run.paths, strict=True)
                self._evaluations_mark, self._evaluations = mark, tuple((one.name, one.words) for one in found)
        return self._evaluations

    def log(self) -> Log:
        """Return the end of the newest output and all events; the same object until something is written."""
        attempts = self.run.paths.attempts()
        files = [attempts[-1].log, *(attempt.events for attempt in attempts)] if attempts else []
        marks = tuple(_mark(file) for file in files)
        if self._log is None or marks != self._log_marks:
            self._log, self._log_marks = self._read_log(files[0] if files else None), marks
        return self._log

    def _read_log(self, file: Path | None) -> Log:
        try:
            lines = tail_lines(file) if file is not None else []
        except OSError as error:
            lines = [f"{safe(str(file))} cannot be read: {error.strerror}"]
        events = [_event_line(event.wall, event.event, event.message, step=event.step) for event in self.run.events]
        return Log(self.run.name, tuple(lines), tuple(events[-200:]))


def _mark(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _event_line(wall: float, event: str, message: str, *, step: int | None) -> str:
    moment = time.strftime("%H:%M:%S", time.localtime(wall)) if 0 <= wall < 2**40 else "??:??:??"
    where = f" at step {step:,}" if step is not None else ""
    return safe(f"{moment} {event}{where}{': ' if message else ''}{message}")[:2000]
