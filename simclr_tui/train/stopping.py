"""Being asked to stop: the first signal ends the run with a checkpoint, a second request ends it at once."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from simclr_tui.errors import ExitCode

_SAME = 5.0  # seconds in which a signal is the same request: a scheduler's comes directly and through our parent


class Stopped(Exception):
    """Raised where a stop is noticed outside a step, while loading or evaluating."""


class StopFlag:
    """Set by SIGTERM, SIGINT or SIGUSR1 (Slurm's warning before preemption)."""

    def __init__(self) -> None:
        self.requested = False
        self._first: tuple[int, float] = (0, 0.0)

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._receive)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.requested:
            self.requested, self._first = True, (number, now)
        elif number != self._first[0] or now - self._first[1] > _SAME:
            os._exit(ExitCode.INTERRUPTED)

    def check(self) -> None:
        """Raise Stopped when a stop was asked for."""
        if self.requested:
            raise Stopped
