"""Cancel, from one thread, a process that another thread waits for."""

from __future__ import annotations

import subprocess
import threading


class Cancel:
    """End a worker process on request; a request made before the process exists ends it as soon as it starts."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._asked = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Register the process that does the work."""
        with self._guard:
            self._process = process
            if self.asked:
                process.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for a request. Returns True once one was made."""
        return self._asked.wait(seconds)

    def __call__(self) -> None:
        """End the work. Safe to call again, and after the work has ended."""
        with self._guard:
            self._asked.set()
            if self._process is not None:
                self._process.terminate()
