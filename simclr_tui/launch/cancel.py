"""Cancel, from one thread, a process that another thread waits for."""

from __future__ import annotations

import subprocess
import threading


class Cancel:
    """End a worker process on request; a request made before the process exists ends it as soon as it starts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requested = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def requested(self) -> bool:
        return self._requested.is_set()

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Register the process that does the work."""
        with self._lock:
            self._process = process
            if self.requested:
                process.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for a request. Returns True once one was made."""
        return self._requested.wait(seconds)

    def __call__(self) -> None:
        """End the work. Safe to call again, and after the work has ended."""
        with self._lock:
            self._requested.set()
            if self._process is not None:
                self._process.terminate()
