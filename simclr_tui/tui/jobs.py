"""Work of the training plane that was begun here: what it is, how far it is, and ending it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simclr_tui.launch.cancel import Cancel


@dataclass
class Job:
    """`title` says what is done; `progress`, the last word of the process that does it."""

    title: str
    progress: str = ""
    cancel: Cancel = field(default_factory=Cancel)

    def hear(self, words: str) -> None:
        """Take a line that the process wrote. Called from another thread."""
        self.progress = words

    @property
    def words(self) -> str:
        return f"{self.title}: {self.progress}" if self.progress else f"{self.title}…"


class Jobs:
    """Those that are under way. They end with the dashboard: it is the one that waits for them."""

    def __init__(self) -> None:
        self._running: list[Job] = []

    def begin(self, title: str) -> Job:
        job = Job(title)
        self._running.append(job)
        return job

    def end(self, job: Job) -> None:
        self._running.remove(job)

    def cancel_all(self) -> int:
        """Ask all of them to end. Returns how many."""
        for job in self._running:
            job.cancel()
        return len(self._running)

    @property
    def words(self) -> str:
        """What is under way; empty when nothing is."""
        return " · ".join(job.words for job in self._running)


Work = Callable[[Job], str]
"""Does the work, and returns what came of it in words. Raises SimclrError."""
