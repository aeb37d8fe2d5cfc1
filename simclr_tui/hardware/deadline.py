"""Calls that may hang, made with a deadline; after a failure, a pause that grows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from simclr_tui.clock import Clock

T = TypeVar("T")

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
# A thread in a hung driver call cannot be ended, only left behind; this many are left before waiting for one.
MAX_STUCK = 4


class Backoff:
    """5 s after the first failure in a row, then 10, 20 … and never more than 5 minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._ready_at = float("-inf")

    def ready(self) -> bool:
        return self._clock.monotonic() >= self._ready_at

    def fail(self) -> None:
        self._ready_at = self._clock.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def reset(self) -> None:
        self._pause = FIRST_PAUSE
        self._ready_at = float("-inf")


class _Attempt(threading.Thread, Generic[T]):
    """One call in a thread of its own that never holds up the end of the program."""

    def __init__(self, name: str, job: Callable[[], T]) -> None:
        super().__init__(name=name, daemon=True)
        self._job = job
        self.answer: T | None = None
        self.problem = ""

    def run(self) -> None:
        try:
            self.answer = self._job()
        except Exception as error:
            self.problem = str(error) or type(error).__name__


class Guard:
    """Runs calls that may hang or fail, one at a time.

    A caller waits `deadline` seconds at most. While the pause after a failure lasts, callers do not wait at all.
    """

    def __init__(self, name: str, clock: Clock, deadline: float) -> None:
        self._name = name
        self._deadline = deadline
        self._backoff = Backoff(clock)
        self._lock = threading.Lock()
        self._stuck: list[threading.Thread] = []
        self.problem = ""  # why the last attempt failed; empty after a success

    def call(self, job: Callable[[], T]) -> T | None:
        """The job's answer; None when it failed, is late, or an earlier failure is too recent to try again."""
        with self._lock:
            self._stuck = [thread for thread in self._stuck if thread.is_alive()]
            if len(self._stuck) >= MAX_STUCK or not self._backoff.ready():
                return None
            attempt = _Attempt(self._name, job)
            self.problem = self._run(attempt)
            if self.problem:
                self._backoff.fail()
                return None
            self._backoff.reset()
            return attempt.answer

    def _run(self, attempt: _Attempt[T]) -> str:
        """Run the attempt; what went wrong in words, or an empty string."""
        try:
            attempt.start()
        except RuntimeError as error:  # the machine has no thread left to give
            return str(error)
        attempt.join(self._deadline)
        if attempt.is_alive():
            self._stuck.append(attempt)
            return f"no answer within {self._deadline:g} s"
        return attempt.problem
