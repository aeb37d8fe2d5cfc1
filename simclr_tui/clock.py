"""Tell the time through one interface, so that a test can make the wall clock jump and nothing else."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tell wall time, which is for people, and monotonic time, which is for every duration and rate."""

    def wall(self) -> float:
        """Return seconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps; on Linux all processes of one boot share it."""
        ...


class SystemClock:
    """Read the machine's clocks."""

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


SYSTEM_CLOCK: Clock = SystemClock()
