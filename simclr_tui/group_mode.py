"""Let the members of a folder's group write what is made in it, whatever the umask of whoever makes it.

A run store is shared by making its folder writable for a group (`chmod g+ws runs`). What a member's usual umask of 022
would make, such as a lock, no other member could open.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_FILE, _FOLDER = stat.S_IRGRP | stat.S_IWGRP, stat.S_IRWXG


def make_folder(path: Path, *, parents: bool = False, exist_ok: bool = False) -> None:
    """Make a folder as `Path.mkdir` does, shared as the folder above it is. Raises OSError."""
    if parents and not path.parent.exists():
        make_folder(path.parent, parents=True, exist_ok=True)
    try:
        path.mkdir()
    except FileExistsError:
        if not exist_ok or not path.is_dir():
            raise
        return
    with contextlib.suppress(OSError):
        above = path.parent.stat()
        if above.st_mode & stat.S_IWGRP:
            if path.stat().st_gid != above.st_gid:
                os.chown(path, -1, above.st_gid)
            path.chmod(stat.S_IMODE(path.stat().st_mode) | _FOLDER | (above.st_mode & stat.S_ISGID))


def share_path(path: Path) -> None:
    """Share a file that another library made, as `share_file` does, without opening it. Never raises."""
    with contextlib.suppress(OSError):
        above, mine = path.parent.stat(), path.stat()
        if above.st_mode & stat.S_IWGRP and mine.st_mode & _FILE != _FILE:
            path.chmod(stat.S_IMODE(mine.st_mode) | _FILE)


def share_file(fd: int, path: Path) -> None:
    """Share an open file as the folder that it lies in is. Never raises: a file of another member's stays as it is."""
    with contextlib.suppress(OSError):
        above, mine = path.parent.stat(), os.fstat(fd)
        if above.st_mode & stat.S_IWGRP and (mine.st_mode & _FILE != _FILE or mine.st_gid != above.st_gid):
            if mine.st_gid != above.st_gid:
                os.fchown(fd, -1, above.st_gid)
            os.fchmod(fd, stat.S_IMODE(mine.st_mode) | _FILE)
