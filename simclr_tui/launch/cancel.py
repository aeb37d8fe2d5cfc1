"""Ending work that someone waits for in one thread from another."""

from __future__ import annotations

import subprocess
import threading


class Cancel:
    """Holds the process that does the work; asked before there is one, it ends that process at its birth."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._asked = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Say which process does the work."""
        with self._guard:
            self._process = process
            if self.asked:
                process.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is asked; whether it was."""
        return self._asked.wait(seconds)

    def __call__(self) -> None:
        """End the work. May be called again, and after its end."""
        with self._guard:
            self._asked.set()
            if self._process is not None:
                self._process.terminate()
