"""The system calls of `atomic`, of which the n-th fails or is the last thing the process does."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from simclr_tui.atomic import SystemOs


def die() -> NoReturn:
    """In a forked child: end as `kill -9` would, without clean-up."""
    os._exit(9)


class FailingOs:
    """Counts calls; the `n`-th (from 1) and the `times - 1` after it raise OSError(`fault`), or call it."""

    def __init__(self, n: int, fault: int | Callable[[], NoReturn], times: int = 1) -> None:
        self.calls = 0
        self._failing = range(n, n + times)
        self._fault = fault
        self._system = SystemOs()

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.calls += 1
        if self.calls in self._failing:
            if callable(self._fault):
                self._fault()
            raise OSError(self._fault, os.strerror(self._fault))
        return function(*arguments)

    def open(self, path: Path, flags: int) -> int:
        return self._call(self._system.open, path, flags)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        return self._call(self._system.write, fd, data)

    def fsync(self, fd: int) -> None:
        self._call(self._system.fsync, fd)

    def close(self, fd: int) -> None:
        # A failing close has closed the descriptor all the same, as on Linux.
        try:
            self._call(lambda: None)
        finally:
            self._system.close(fd)

    def replace(self, source: Path, target: Path) -> None:
        self._call(self._system.replace, source, target)

    def unlink(self, path: Path) -> None:
        self._call(self._system.unlink, path)


class SmallDisk:
    """A disk with room for so many bytes: a write that does not fit is cut short, then fails, until there is room."""

    def __init__(self, room: int, longest: int = 1 << 30) -> None:
        self.room = room
        self._longest = longest
        self._system = SystemOs()

    def open(self, path: Path, flags: int) -> int:
        return self._system.open(path, flags)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._system.write(fd, data[: min(self.room, self._longest)])
        self.room -= written
        return written

    def fsync(self, fd: int) -> None:
        self._system.fsync(fd)

    def close(self, fd: int) -> None:
        self._system.close(fd)

    def replace(self, source: Path, target: Path) -> None:
        self._system.replace(source, target)

    def unlink(self, path: Path) -> None:
        self._system.unlink(path)
