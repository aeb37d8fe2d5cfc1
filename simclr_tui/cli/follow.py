"""Follow a run: a live status line in a terminal, plain lines elsewhere, and a summary at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

from simclr_tui.cli import output
from simclr_tui.cli.summary import summarise
from simclr_tui.display.state_facts import progress_line
from simclr_tui.errors import ExitCode, StoreError, UnansweredError
from simclr_tui.launch.stop import kill, request_stop, wait_until_ended
from simclr_tui.recipe.datasets import is_described_late
from simclr_tui.recipe.split_counts import SplitCounts
from simclr_tui.store.data_facts import read_data_facts
from simclr_tui.store.run import Run
from simclr_tui.store.state import OPEN, State
from simclr_tui.text import safe

if TYPE_CHECKING:
    from simclr_tui.cli.live_line import LiveLine

_TICK = 0.25  # seconds between two polls
_PATIENCE = 60.0  # seconds for which a run that cannot be read is polled on


def follow(run: Run) -> int:
    """Show a run until it ends. Ctrl-C stops it with a checkpoint, a second one kills it. Returns the exit code."""
    with _display() as show:
        try:
            with _interrupted_by_term():
                final = _watch(run, show)
        except KeyboardInterrupt:
            final = _interrupt(run, show)
    summarise(run, final)
    if final.state == "finished":
        return ExitCode.OK
    return final.exit_code if final.exit_code is not None else ExitCode.FAILED


@contextlib.contextmanager
def _interrupted_by_term() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C while the block runs: it is how a container, a job and a service are stopped.

    As process 1 of a container this one would not notice it at all, and take the trainer down with it later. The first
    one counts; whoever sent it may be impatient.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    yield
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _watch(run: Run, show: _Display) -> State:
    patient_until = time.monotonic() + _PATIENCE
    tell_data = True
    while True:
        try:
            status = run.status
        except UnansweredError:  # a disk or a server that is slow to answer is no end of the run
            if time.monotonic() > patient_until:
                raise
        else:
            patient_until = time.monotonic() + _PATIENCE
            if tell_data and (status.activity == "training" or status.state == "finished"):
                tell_data = False
                for line in _data_lines(run):
                    show.say(line)
            show.update(status)
            if status.state not in OPEN:
                return status
        time.sleep(_TICK)


def _data_lines(run: Run) -> Iterator[str]:
    """Yield what was found in the images and not said before: splits, classes, range and channels, notes, warnings."""
    facts = read_data_facts(run.path)
    if facts is None:
        return
    if is_described_late(run.recipe.data, run.recipe.reading):
        yield SplitCounts(facts.images, facts.test_images, facts.validation_images or 0).words
        yield from map(safe, (*facts.layout, *facts.left_out))
    if facts.low or facts.channels != 3:
        yield safe(facts.values)
    yield from map(safe, facts.notes)
    for warning in facts.warnings:
        yield f"warning: {safe(warning)}"


def _interrupt(run: Run, show: _Display) -> State:
    show.say("Stopping… finishing the step and saving a checkpoint (Ctrl-C again to kill)")
    try:
        with contextlib.suppress(StoreError):  # it may have just ended on its own
            request_stop(run)
        while (final := wait_until_ended(run, 0.2)) is None:
            with contextlib.suppress(UnansweredError):
                show.update(run.status)
        return final
    except KeyboardInterrupt:
        return kill(run)


class _Display:
    """Print a plain line whenever the activity or the epoch changes."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def update(self, status: State) -> None:
        epoch = status.step // status.steps_per_epoch if status.steps_per_epoch else 0
        activity = status.activity.split(" ")[0]
        if status.state in OPEN and (activity, epoch) != self._last:
            self._last = (activity, epoch)
            output.talk(
                progress_line(status) if status.activity == "training" else safe(status.activity or status.state)
            )

    def say(self, text: str) -> None:
        output.talk(text)


class _LiveDisplay(_Display):
    """Redraw one line in place."""

    def __init__(self, line: LiveLine) -> None:
        super().__init__()
        self._line = line

    def update(self, status: State) -> None:
        if not sys.stderr.isatty():
            # The terminal was closed while SIGHUP was ignored: nobody is left to report to.
            os._exit(ExitCode.HANGUP)
        if status.state in OPEN:
            self._line.update(progress_line(status, self._line.width), status.progress)

    def say(self, text: str) -> None:
        self._line.say(text)


@contextlib.contextmanager
def _display() -> Iterator[_Display]:
    if not output.is_terminal(sys.stderr):
        yield _Display()
        return
    from simclr_tui.cli.live_line import LiveLine

    with LiveLine() as line:
        yield _LiveDisplay(line)
