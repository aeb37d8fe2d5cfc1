"""Open files of a run folder that anybody may have put there: no link, no pipe, no device, and no more than fits."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from simclr_tui.group_mode import share_file

SMALL = 64_000_000  # bytes: no file that is read whole is ever near it
_SAFE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe without a writer would be waited for without end


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises OSError for anything else that stands there."""
    return os.fdopen(_regular(os.open(path, os.O_RDONLY | _SAFE), path), "rb")


def append_regular(path: Path) -> BinaryIO:
    """Open a regular file for appending, made where there is none. Raises OSError for anything else."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _SAFE
    fd = _regular(os.open(path, flags, 0o666), path)
    share_file(fd, path)
    return os.fdopen(fd, "ab")


def read_small(path: Path, limit: int = SMALL) -> bytes:
    """Return a regular file's bytes. Raises OSError for anything else, and for more than `limit` bytes."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        return file.read()


def read_small_text(path: Path) -> str:
    """Return a regular file's text. Raises OSError as `read_small`, UnicodeDecodeError where it is not UTF-8."""
    return read_small(path).decode("utf-8")


def _regular(fd: int, path: Path) -> int:
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "not a regular file", str(path))
