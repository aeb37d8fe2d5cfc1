"""Asks Slurm beside the screen: a thread of its own, since Slurm may take half a minute to answer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from simclr_tui.errors import SimclrError
from simclr_tui.launch.placement import refresh
from simclr_tui.store.store import Store

INTERVAL = 5.0  # seconds between an answer and the next question; as long as the answer took, where that is longer


class ClusterWatch(threading.Thread):
    """Brings the states of runs on Slurm up to date, where the store has any; the feed then sees the changed files.

    Started and stopped by the app; `failed` is called with an error of ours.
    """

    def __init__(self, root: Path, failed: Callable[[Exception], object]) -> None:
        super().__init__(name="cluster", daemon=True)
        self._store = Store(root)
        self._failed = failed
        self._ended = threading.Event()

    def stop(self) -> None:
        """Returns at once; a question under way is left to itself."""
        self._ended.set()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                began = time.monotonic()
                # A store that cannot be read: the next look may do better.
                with contextlib.suppress(SimclrError, OSError):
                    refresh(self._store)
                self._ended.wait(max(INTERVAL, time.monotonic() - began))
        except Exception as error:  # a fault of ours: the app shows it and ends, it must not end in silence
            self._failed(error)
