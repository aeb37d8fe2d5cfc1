"""Requests to stop: the first signal ends the run with a checkpoint, a second request ends it at once."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from simclr_tui.errors import ExitCode

# A scheduler's request arrives twice, directly and as SIGTERM from our parent: within so many seconds they are one.
_SAME_REQUEST = 5.0


class Stopped(Exception):
    """Report that a stop is noticed outside a step, while loading or evaluating."""


class StopFlag:
    """Set by SIGTERM, SIGINT or SIGUSR1 (Slurm's warning before preemption)."""

    def __init__(self) -> None:
        self.requested = False
        self._by_hand = False
        self._requested_at = 0.0

    def listen(self) -> None:
        """Install the signal handlers; a hangup (SIGHUP) is ignored."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._receive)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        by_hand, now = number == signal.SIGINT, time.monotonic()
        if not self.requested:
            self.requested, self._by_hand, self._requested_at = True, by_hand, now
        elif by_hand != self._by_hand or now - self._requested_at > _SAME_REQUEST:
            os._exit(ExitCode.INTERRUPTED)

    def check(self) -> None:
        """Raise Stopped if a stop was requested."""
        if self.requested:
            raise Stopped
