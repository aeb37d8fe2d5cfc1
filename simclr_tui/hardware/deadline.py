"""Call what may hang with a deadline, and back off exponentially after failures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from simclr_tui.clock import Clock

T = TypeVar("T")

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
# A thread inside a hung driver call cannot be ended, only abandoned; at most this many are abandoned at a time.
MAX_STUCK = 4


class Backoff:
    """Wait 5 s after the first consecutive failure, then 10, 20 … and at most 5 minutes."""

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
    """Make one call in its own daemon thread, which never delays the program's exit."""

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
    """Run calls that may hang or fail, one at a time.

    A caller waits at most `deadline` seconds, and not at all while backing off after a failure.
    """

    def __init__(self, name: str, clock: Clock, deadline: float) -> None:
        self._name = name
        self._deadline = deadline
        self._backoff = Backoff(clock)
        self._lock = threading.Lock()
        self._stuck: list[threading.Thread] = []
        self.problem = ""  # why the last attempt failed; empty after a success

    def call(self, job: Callable[[], T]) -> T | None:
        """Return the job's answer, or None if it failed, is late, or a failure is too recent to try again."""
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
        """Run the attempt and return what went wrong, or an empty string."""
        try:
            attempt.start()
        except RuntimeError as error:  # the system cannot create another thread
            return str(error)
        attempt.join(self._deadline)
        if attempt.is_alive():
            self._stuck.append(attempt)
            return f"no answer within {self._deadline:g} s"
        return attempt.problem
