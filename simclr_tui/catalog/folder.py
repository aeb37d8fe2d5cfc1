"""Tell whether a run folder changed: by its four files, or in a big store by one look at the folder itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from simclr_tui.errors import is_unanswered
from simclr_tui.paths import RUN_FILE, RunPaths

_PROBE = RunPaths(Path())
_MARKED = tuple(path.name for path in (_PROBE.state, _PROBE.recipe, _PROBE.evaluations))
# Two changes within one tick of a file system's clock leave the same time; a tick takes up to 2 s (FAT).
_TICK = 2.0


def fingerprint(root: str) -> str | None:
    """Return a text that changes with the run's metadata, state, recipe or set of evaluations; None if it is no run.

    A folder that the disk says nothing about stays a run, which is read and found unreadable.
    """
    try:
        info = os.stat(f"{root}/{RUN_FILE}")  # noqa: PTH116
    except OSError as error:
        return "?" if is_unanswered(error) and not isinstance(error, PermissionError) else None
    if not stat.S_ISREG(info.st_mode):
        return None
    return " ".join([_mark(info), *[_mark_of(f"{root}/{name}") for name in _MARKED]])


def folder_mark(root: str, now: float) -> str | None:
    """Return a text that changes whenever a file of the folder is created, replaced or removed.

    A file edited in place, and one in a folder below, do not change it. Return None if it changed so shortly before
    the wall time `now` that another change might leave the same text, or if there is no such folder.
    """
    try:
        found = os.stat(root)  # noqa: PTH116 - a hundred thousand of them take 0.2 s as it is
    except OSError:
        return None
    # The time of the inode's change, unlike that of the content, cannot be set back by a program that copies folders.
    return f"{found.st_ctime_ns}.{found.st_ino}" if now - found.st_ctime > _TICK else None


def _mark_of(path: str) -> str:
    try:
        return _mark(os.stat(path))  # noqa: PTH116
    except OSError:
        return "-"


def _mark(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns}.{found.st_size}.{found.st_ino}"
