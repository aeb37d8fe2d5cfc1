"""Jobs of the training plane started from the dashboard: their titles, progress and cancellation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simclr_tui.launch.cancel import Cancel


@dataclass
class Job:
    """Hold one job: its `title`, and its `progress`, the last line that its process wrote."""

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
    """Run jobs. They end with the dashboard, which is their parent."""

    def __init__(self) -> None:
        self._running: list[Job] = []

    def begin(self, title: str) -> Job:
        job = Job(title)
        self._running.append(job)
        return job

    def end(self, job: Job) -> None:
        self._running.remove(job)

    def cancel_all(self) -> int:
        """Cancel all jobs. Returns how many."""
        for job in self._running:
            job.cancel()
        return len(self._running)

    @property
    def words(self) -> str:
        """Return what is under way; empty when nothing is."""
        return " · ".join(job.words for job in self._running)


Work = Callable[[Job], str]
"""A function that does the work and returns its result in words. Raises SimclrError."""
