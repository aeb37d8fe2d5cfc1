"""Poll Slurm in a thread of its own, since it may take half a minute to answer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from simclr_tui.errors import SimclrError
from simclr_tui.launch.placement import refresh
from simclr_tui.store.store import Store

INTERVAL = 5.0  # seconds between an answer and the next query; as long as the answer took, if longer


class ClusterWatch(threading.Thread):
    """Keep the states of runs on Slurm up to date, in a thread; the feed then sees the changed files.

    It is started and stopped by the app; `failed` is called with an unexpected exception.
    """

    def __init__(self, root: Path, failed: Callable[[Exception], object]) -> None:
        super().__init__(name="cluster", daemon=True)
        self._store = Store(root)
        self._failed = failed
        self._ended = threading.Event()

    def stop(self) -> None:
        """Stop the thread. Returns at once; a query under way is left to finish."""
        self._ended.set()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                began = time.monotonic()
                # The store cannot be read: the next poll may succeed.
                with contextlib.suppress(SimclrError, OSError):
                    refresh(self._store)
                self._ended.wait(max(INTERVAL, time.monotonic() - began))
        except Exception as error:  # a bug: the app shows it and exits, rather than stopping silently
            self._failed(error)
