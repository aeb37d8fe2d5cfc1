"""Being asked to stop: the first signal ends the run with a checkpoint, the second ends it at once."""

from __future__ import annotations

import os
import signal
from types import FrameType

from simclr_tui.errors import ExitCode


class Stopped(Exception):
    """Raised where a stop is noticed outside a step, while loading or evaluating."""


class StopFlag:
    """Set by SIGTERM, SIGINT or SIGUSR1 (Slurm's warning before preemption)."""

    def __init__(self) -> None:
        self.requested = False

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._receive)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            os._exit(ExitCode.INTERRUPTED)
        self.requested = True

    def check(self) -> None:
        """Raise Stopped when a stop was asked for."""
        if self.requested:
            raise Stopped
