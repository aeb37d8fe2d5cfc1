"""The wall time of each step of a run, derived from its events: the metric log counts only seconds of training."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from simclr_tui.store.events import Event
from simclr_tui.store.metrics.history import History


class WallTimes:
    """Give the wall time of every row of a history, never decreasing.

    An event at step s is written after the line of step s, and the start of an attempt before any of its lines. So wall
    time minus training time of any event is an upper bound of its attempt's offset, and the lowest bound is used. If
    the clock was set back, x still never decreases.
    """

    def __init__(self, history: History, events: Sequence[Event]) -> None:
        self._steps, self._times = history.step, history.time
        self._starts: list[int] = []
        self._offsets: list[float] = []
        for event in sorted(events, key=lambda event: event.attempt):
            if event.event == "started":
                self._starts.append(event.step or 0)
                before = self._offsets[-1] if self._offsets else -math.inf
                mine = [one for one in events if one.attempt == event.attempt]
                self._offsets.append(max(before, self._least_offset(mine, self._end_of(event, events))))

    @property
    def known(self) -> bool:
        """Return whether the run's events give any wall time."""
        return bool(self._offsets)

    def _end_of(self, started: Event, events: Sequence[Event]) -> float:
        """Return the step from which a later attempt overrides this one."""
        later = [one.step or 0 for one in events if one.event == "started" and one.attempt > started.attempt]
        return min(later, default=math.inf)

    def _least_offset(self, events: Sequence[Event], end: float) -> float:
        return min(event.wall - self._time_of(event) for event in events if (event.step or 0) <= end)

    def _time_of(self, event: Event) -> float:
        """Return the least training time that can have passed when an event was written."""
        if not event.step and event.event == "started":
            return 0.0
        row = bisect_right(self._steps, event.step or 0) - 1
        return self._times[row] if row >= 0 else 0.0

    def __len__(self) -> int:
        return len(self._times)

    def __iter__(self) -> Iterator[float]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, row: int) -> float:
        attempt = max(0, bisect_left(self._starts, self._steps[row]) - 1)
        return self._times[row] + self._offsets[attempt]
