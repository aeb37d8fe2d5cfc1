"""The speed of training, as it is shown and logged."""

from __future__ import annotations

from collections import deque

_STEPS, _SECONDS = 10, 1.0


class Speed:
    """Average the speed over the last steps, at least 10 and at least a second.

    A host runs up to some steps ahead of its GPU, in bursts that a few short steps would show as speed. Steps that
    prepare (kernels are chosen, code is compiled) do not count.
    """

    def __init__(self) -> None:
        self._durations: deque[float] = deque()
        self._total = 0.0

    def steps_per_s(self, seconds: float, *, prepares: bool = False) -> float:
        """Add a step of that duration and return the mean speed; that of the step alone if none counted so far."""
        if not prepares:
            self._durations.append(seconds)
            self._total += seconds
            while len(self._durations) > _STEPS and self._total - self._durations[0] >= _SECONDS:
                self._total -= self._durations.popleft()
        return len(self._durations) / self._total if self._total > 0.0 else 1.0 / seconds
