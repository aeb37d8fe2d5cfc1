"""Time behind one door, so that a test can make the wall clock jump without anything else moving."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time is for people; monotonic time is for every duration and rate."""

    def wall(self) -> float:
        """Seconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps; shared by all processes of one boot on Linux."""
        ...


class SystemClock:
    """The machine's clocks."""

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


SYSTEM_CLOCK: Clock = SystemClock()
