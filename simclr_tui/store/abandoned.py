"""Find and remove the folders of launches that were killed before the folder became a run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from simclr_tui.atomic import is_locked
from simclr_tui.paths import RUN_FILE, RunPaths


def is_unfinished(paths: RunPaths) -> bool:
    """Return whether the folder holds the beginnings of a run and nothing else.

    A folder that holds anything of the user's is never claimed or removed.
    """
    try:
        with os.scandir(paths.root) as entries:
            return not paths.root.is_symlink() and all(_is_beginning(paths, entry) for entry in entries)
    except OSError:
        return False


def _is_beginning(paths: RunPaths, entry: os.DirEntry[str]) -> bool:
    folders = {paths.checkpoints.name, paths.evaluations.name, paths.attempt(1).root.name}
    files = {path.name for path in (paths.unpublished, paths.recipe, paths.state, paths.ticket, paths.claim_lock)}
    if entry.is_dir(follow_symlinks=False):
        return entry.name in folders and not any(Path(entry.path).iterdir())
    return entry.is_file(follow_symlinks=False) and (entry.name in files or _is_temporary(entry.name, files))


def _is_temporary(name: str, files: set[str]) -> bool:
    return name.endswith(".tmp") and any(name.startswith(f".{file}.") for file in {*files, RUN_FILE})


def clear_unfinished(paths: RunPaths) -> None:
    """Empty the folder, except for the lock that its new owner holds. Raises OSError."""
    for path in paths.root.iterdir():
        if path != paths.claim_lock:
            path.rmdir() if path.is_dir() else path.unlink()


def clear_abandoned(found: Iterable[RunPaths]) -> int:
    """Remove the folders that a killed launch left behind, and return how many there were.

    Nobody may claim a name meanwhile: between creating a folder and locking it, a launch looks like a killed one.
    """
    return sum(_remove_abandoned(paths) for paths in found)


def _remove_abandoned(paths: RunPaths) -> bool:
    """Remove a folder if a killed launch left it. Without the lock that a launch creates first, it must be empty."""
    # The order matters: a living launch releases its lock once the folder is a run.
    if is_locked(paths.claim_lock) or paths.info.exists() or not is_unfinished(paths):
        return False
    with contextlib.suppress(OSError):
        if paths.claim_lock.exists():
            clear_unfinished(paths)
            paths.claim_lock.unlink()
        paths.root.rmdir()
        return True
    return False
