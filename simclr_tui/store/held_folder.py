"""A run folder held open by the process that works in it, because its path may come to name another folder."""

from __future__ import annotations

import os
from pathlib import Path

from simclr_tui.atomic import Lock
from simclr_tui.errors import StoreError
from simclr_tui.paths import RunPaths

_OPEN_FILES = Path("/proc/self/fd")


class HeldFolder:
    """Keep a run's folder open, together with its lock if this process holds it.

    Raises OSError if it cannot be opened, and StoreError if its subfolders are links.
    """

    def __init__(self, paths: RunPaths, lock: Lock | None = None) -> None:
        for folder in (paths.checkpoints, paths.evaluations):
            if folder.is_symlink():
                raise StoreError(f"{folder} is a link, which is never written through", "replace it by a folder")
        self._given = paths
        self._lock = lock
        self._fd = os.open(paths.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def paths(self) -> RunPaths:
        """Return the paths of this very folder, wherever it is now: writing to them never reaches a replacement."""
        opened = _OPEN_FILES / str(self._fd)
        return RunPaths(opened) if opened.exists() else self._given

    @property
    def in_place(self) -> bool:
        """Return whether the path still names this folder, with the lock that this process holds."""
        try:
            named, held = self._given.root.stat(), os.fstat(self._fd)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # a file system that does not answer is no evidence that the folder moved
            return True
        same = (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
        return same and (self._lock is None or self._lock.in_place)

    def check(self) -> None:
        """Raise StoreError if the folder was moved, deleted or replaced, or its lock was deleted."""
        if self.in_place:
            return
        name, now = self._given.root.name, self.location()
        if now is None:
            raise StoreError(f"the folder of {name} was deleted while it trained", "start it again: simclr run")
        if now == self._given.root.resolve():
            raise StoreError(f"the lock of {name} was deleted while it trained", f"continue: simclr resume {name}")
        raise StoreError(
            f"the folder of {name} was moved to {now} while it trained",
            f"continue from its last checkpoint: simclr resume {now.name} --runs {now.parent}",
        )

    def location(self) -> Path | None:
        """Return where the folder is now; None if it was deleted."""
        if os.fstat(self._fd).st_nlink == 0:
            return None
        if not _OPEN_FILES.exists():
            return self._given.root
        return (_OPEN_FILES / str(self._fd)).resolve()
