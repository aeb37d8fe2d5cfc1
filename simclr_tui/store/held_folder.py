"""A run folder that a process works in: known by what it is and not by its path, which may come to name another."""

from __future__ import annotations

import os
from pathlib import Path

from simclr_tui.atomic import Lock
from simclr_tui.errors import StoreError
from simclr_tui.paths import RunPaths

_OPEN_FILES = Path("/proc/self/fd")


class HeldFolder:
    """Keeps a run's folder open, and its lock where this process holds it. Raises OSError where it cannot be
    opened, StoreError where its folders are links."""

    def __init__(self, paths: RunPaths, lock: Lock | None = None) -> None:
        for folder in (paths.checkpoints, paths.evaluations):
            if folder.is_symlink():
                raise StoreError(f"{folder} is a link, and nothing is written through it", "put a folder in its place")
        self._given = paths
        self._lock = lock
        self._fd = os.open(paths.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def paths(self) -> RunPaths:
        """The folder wherever it lies now; what is written there never lands in another that took its path."""
        opened = _OPEN_FILES / str(self._fd)
        return RunPaths(opened) if opened.exists() else self._given

    @property
    def in_place(self) -> bool:
        """Whether the path still names this folder, and the lock in it is the one that this process holds."""
        try:
            there, here = self._given.root.stat(), os.fstat(self._fd)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # a file system that does not answer says nothing about it
            return True
        same = (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
        return same and (self._lock is None or self._lock.in_place)

    def check(self) -> None:
        """Raise StoreError once the folder was moved, deleted or replaced, or its lock was taken away."""
        if self.in_place:
            return
        name, now = self._given.root.name, self._now()
        if now is None:
            raise StoreError(f"the folder of {name} was deleted while it trained", "start it again: simclr run")
        if now == self._given.root.resolve():
            raise StoreError(f"the lock of {name} was deleted while it trained", f"go on: simclr resume {name}")
        raise StoreError(
            f"the folder of {name} was moved to {now} while it trained",
            f"go on from its last checkpoint: simclr resume {now.name} --runs {now.parent}",
        )

    def _now(self) -> Path | None:
        """Return where the folder lies now; None when it was deleted."""
        if os.fstat(self._fd).st_nlink == 0:
            return None
        return (_OPEN_FILES / str(self._fd)).resolve()
