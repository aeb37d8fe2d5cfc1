"""One run, read for the screen: histories tailed, logs re-read only when they grew. Used by the feed's thread alone."""

from __future__ import annotations

import time
from pathlib import Path

from simclr_tui.errors import SimclrError
from simclr_tui.hardware.log import HardwareLog
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.decimate import decimate, smooth
from simclr_tui.store.evaluations import read_evaluations
from simclr_tui.store.history import History
from simclr_tui.store.run import Run
from simclr_tui.store.state import State
from simclr_tui.store.tail import tail_lines
from simclr_tui.text import safe
from simclr_tui.tui.look import run_colour
from simclr_tui.tui.metrics import HARDWARE, view_of
from simclr_tui.tui.snapshots import Log, Panel, Request, Series

BUDGET = 12_000_000  # bytes of metrics read for one run in one turn: about 0.1 s
_DEVICE, _RUN = "#3b8eea", "#e5883b"


class RunReader:
    """What has been read of one run so far."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.history = History(run.paths)
        self.hardware = HardwareLog(run.paths)
        self._log: Log | None = None
        self._log_marks: tuple[object, ...] = ()
        self._resolved: Resolved | None = None
        self._checkpoints_mark = self._evaluations_mark = (0, 0, 0)
        self._checkpoint: int | None = None
        self._evaluations: tuple[tuple[str, str], ...] = ()

    def resolved(self) -> Resolved:
        """The recipe; it never changes, so it is read once. Raises SimclrError."""
        if self._resolved is None:
            self._resolved = self.run.resolved
        return self._resolved

    def state(self) -> State | None:
        """The state now; None where it cannot be read."""
        try:
            return self.run.status
        except SimclrError:
            return None

    def newest_checkpoint(self) -> int | None:
        """The step of the newest checkpoint; its folder is read again when it changed."""
        mark = _mark(self.run.paths.checkpoints)
        if mark != self._checkpoints_mark:
            saved = self.run.checkpoints
            self._checkpoints_mark, self._checkpoint = mark, saved[0].step if saved else None
        return self._checkpoint

    def evaluations(self) -> tuple[tuple[str, str], ...]:
        """The name and the words of every result; read again when their folder changed."""
        mark = _mark(self.run.paths.evaluations)
        if mark != self._evaluations_mark:
            found = read_evaluations(self.run.paths)
            self._evaluations_mark, self._evaluations = mark, tuple((one.name, one.words) for one in found)
        return self._evaluations

    def series(self, metric: str, request: Request) -> Series:
        """One metric as the line a chart can show."""
        scale = view_of(metric).scale
        xs, ys = decimate(self.history, metric, request.columns, request.axis)
        values = tuple(value * scale for value in ys)
        smoothed = tuple(smooth(values, request.smoothing)) if request.smoothing else values
        last = self.history.last(metric)
        return Series(
            label=safe(self.run.name),
            colour=run_colour(self.run.name),
            xs=tuple(xs),
            ys=smoothed,
            raw=values if request.smoothing else (),
            last=None if last is None else last * scale,
        )

    def machine_panels(self, columns: int) -> tuple[Panel, ...]:
        """The charts of the System tab: every GPU, then the host."""
        latest = self.hardware.latest
        if latest is None:
            return ()
        panels: list[Panel] = []
        for gpu in latest.gpus:
            prefix = f"GPU {gpu.index} " if len(latest.gpus) > 1 else "GPU "
            key = f"gpu{gpu.index}"
            total = None if gpu.memory_total is None else gpu.memory_total / 1e9
            memory = (("device", f"{key}.memory_used", 1e-9), ("this run", f"{key}.process_memory", 1e-9))
            panels += [
                self._panel(f"{prefix}memory GB", memory, columns, total),
                self._panel(f"{prefix}utilisation %", (("", f"{key}.utilization", 100.0),), columns, 100.0),
                self._panel(f"{prefix}temperature °C", (("", f"{key}.temperature", 1.0),), columns),
                self._panel(f"{prefix}power W", (("", f"{key}.power", 1.0),), columns, gpu.power_limit),
            ]
        ram = None if latest.ram_total is None else latest.ram_total / 1e9
        host_memory = (("machine", "ram_used", 1e-9), ("this run", "process_rss", 1e-9))
        return (
            *panels,
            self._panel("CPU, all cores %", (("", "cpu", 100.0),), columns, 100.0),
            self._panel("RAM GB", host_memory, columns, ram),
            self._panel("CPU cores of this run", (("", "process_cpu", 1.0),), columns),
        )

    def _panel(
        self, heading: str, lines: tuple[tuple[str, str, float], ...], columns: int, ceiling: float | None = None
    ) -> Panel:
        found: list[Series] = []
        for index, (label, name, scale) in enumerate(lines):
            xs, ys = self.hardware.points(name, columns)
            if any(y == y for y in ys):
                values = tuple(y * scale for y in ys)
                colour = _RUN if index else _DEVICE
                found.append(Series(label, colour, tuple(xs), values, last=values[-1]))
        return Panel(HARDWARE + heading, heading, tuple(found), "time", ceiling)

    def log(self) -> Log:
        """The end of the newest output and all events; the same object as long as nothing was written."""
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
        events = [_event_line(event.wall, event.event, event.message, event.step) for event in self.run.events]
        return Log(self.run.name, tuple(lines), tuple(events[-200:]))


def _mark(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _event_line(wall: float, event: str, message: str, step: int | None) -> str:
    moment = time.strftime("%H:%M:%S", time.localtime(wall)) if 0 <= wall < 2**40 else "??:??:??"
    where = f" at step {step:,}" if step is not None else ""
    return safe(f"{moment} {event}{where}{': ' if message else ''}{message}")[:2000]
