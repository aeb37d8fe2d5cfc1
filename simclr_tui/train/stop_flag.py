"""Being asked to stop: the first signal ends the run with a checkpoint, a second request ends it at once."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from simclr_tui.errors import ExitCode

# A scheduler's request comes twice, directly and as the SIGTERM of our parent: within so many seconds it is one.
_SAME = 5.0


class Stopped(Exception):
    """Raised where a stop is noticed outside a step, while loading or evaluating."""


class StopFlag:
    """Set by SIGTERM, SIGINT or SIGUSR1 (Slurm's warning before preemption)."""

    def __init__(self) -> None:
        self.requested = False
        self._by_hand = False
        self._asked_at = 0.0

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._receive)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        by_hand, now = number == signal.SIGINT, time.monotonic()
        if not self.requested:
            self.requested, self._by_hand, self._asked_at = True, by_hand, now
        elif by_hand != self._by_hand or now - self._asked_at > _SAME:
            os._exit(ExitCode.INTERRUPTED)

    def check(self) -> None:
        """Raise Stopped when a stop was asked for."""
        if self.requested:
            raise Stopped
