"""Write files whole or not at all, append lines, hold locks. Tests inject faults through this one seam."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import itertools
import os
import platform
import re
import struct
import time
import zlib
from collections import deque
from pathlib import Path
from typing import Protocol

from simclr_tui.boot import boot_id
from simclr_tui.errors import is_unanswered
from simclr_tui.group_mode import share_file


class Os(Protocol):
    """Define the system calls that durability rests on. A test passes one that fails on the n-th call."""

    def open(self, path: Path, flags: int) -> int: ...
    def write(self, fd: int, data: bytes | memoryview) -> int: ...
    def fsync(self, fd: int) -> None: ...
    def close(self, fd: int) -> None: ...
    def replace(self, source: Path, target: Path) -> None: ...
    def unlink(self, path: Path) -> None: ...


class SystemOs:
    """Make the real system calls."""

    def open(self, path: Path, flags: int) -> int:
        # What is written never lands where a link in the folder points, and nothing waits for a pipe's reader.
        made = os.O_NOFOLLOW | os.O_NONBLOCK if flags & os.O_CREAT else 0
        fd = os.open(path, flags | made | os.O_CLOEXEC, 0o666)
        if made:
            share_file(fd, path)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def close(self, fd: int) -> None:
        os.close(fd)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def unlink(self, path: Path) -> None:
        path.unlink()


SYSTEM_OS: Os = SystemOs()


def write_file(path: Path, data: bytes, durable: bool = True, *, system: Os = SYSTEM_OS, private: bool = False) -> None:
    """Replace the content of `path`: after a crash at any moment either the old or the new content is there, whole.

    `durable` also survives power loss (fsync of file and folder), and removes what killed writers of this file left
    behind. Raises OSError; the file is whole even then, and holds the old content unless only syncing the folder
    failed. With `private` only its owner can read the file.
    """
    # Two threads of one process write the same file, so the process alone does not tell the writers apart.
    temporary = path.with_name(f".{path.name}.{os.getpid()}@{_host()}.{next(_writes)}.tmp")
    try:
        fd = system.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            if private:
                os.fchmod(fd, 0o600)
            _write_all(fd, data, system)
            system.fsync(fd)  # before the rename: some file systems keep the new name of a file that they lost
        finally:
            system.close(fd)
        system.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            system.unlink(temporary)
        raise
    if durable:
        sync_folder(path.parent, system)
        _sweep(path, system)


_writes = itertools.count()
_OLD = 86_400.0  # seconds after which no write is still going on


@functools.cache
def _host() -> str:
    """Return a mark of this boot of this machine: a pid says nothing about processes under another.

    The host's name is not enough. Machines made from one image share it, and the folder.
    """
    return f"{zlib.crc32(f'{platform.node()} {boot_id()}'.encode()):08x}"


def _sweep(path: Path, system: Os) -> None:
    """Remove the temporary files of writers of `path` that died here before finishing; elsewhere, a day ago."""
    temporary = re.compile(rf"\.{re.escape(path.name)}\.([0-9]{{1,9}})@([0-9a-f]{{8}})(?:\.[0-9]+)?\.tmp")
    with contextlib.suppress(OSError):
        for found in list(path.parent.iterdir()):
            if match := temporary.fullmatch(found.name):
                here = match[2] == _host()
                if _is_gone(int(match[1])) if here else time.time() - found.stat().st_mtime > _OLD:
                    system.unlink(found)


def _is_gone(pid: int) -> bool:
    """Return whether no process has that pid, not even another user's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _write_all(fd: int, data: bytes, system: Os) -> None:
    view = memoryview(data)
    while view:
        view = view[system.write(fd, view) :]


def sync_folder(folder: Path, system: Os = SYSTEM_OS) -> None:
    """Sync a folder, so that renames and new names in it survive power loss."""
    fd = system.open(folder, os.O_RDONLY)
    try:
        system.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # not on this file system
            raise
    finally:
        system.close(fd)


def rename_folder(source: Path, target: Path) -> None:
    """Rename a folder in one step, unless the name is taken. Raises FileExistsError, or another OSError.

    A plain rename would replace an empty folder, which may be a name that someone has just claimed.
    """
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        if rename(_HERE, os.fsencode(source), _HERE, os.fsencode(target), _NO_REPLACE) == 0:
            return
        error = ctypes.get_errno()
        if error not in (errno.EINVAL, errno.ENOSYS):  # unsupported by this file system or kernel
            raise OSError(error, os.strerror(error), str(source), None, str(target))
    target.mkdir()  # claims the name; a kill before the next line leaves an empty folder
    try:
        source.rename(target)
    except OSError:
        target.rmdir()
        raise


_HERE, _NO_REPLACE = -100, 1  # Linux's AT_FDCWD and RENAME_NOREPLACE


class LineWriter:
    """Append lines, each with one write, so that a kill leaves at most one torn line at the end.

    A full disk never stops the caller: lines wait in a bounded buffer and are retried with the next one.
    """

    def __init__(self, path: Path, keep: int = 100_000, system: Os = SYSTEM_OS) -> None:
        self._system = system
        self._fd = system.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._waiting: deque[bytes] = deque(maxlen=keep)
        self._torn = _ends_torn(path)
        self._unsynced = False

    @property
    def waiting(self) -> int:
        """Return how many lines have not reached the file yet."""
        return len(self._waiting)

    def append(self, line: bytes) -> bool:
        """Append one line (without its newline); return False if it, or an earlier one, is still waiting for space."""
        self._waiting.append(line + b"\n")
        return self._drain()

    def _drain(self) -> bool:
        while self._waiting:
            if not self._write(self._waiting[0]):
                return False
            self._waiting.popleft()
        return True

    def _write(self, line: bytes) -> bool:
        data = b"\n" + line if self._torn else line
        try:
            written = self._system.write(self._fd, data)
            self._unsynced = True
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE):
                raise
            return False
        self._torn = written < len(data)
        if written == len(data) - 1:  # only the newline is missing: do not write the line twice
            self._waiting[0] = b""
        return not self._torn

    def sync(self) -> None:
        """Sync what was appended, so that it survives power loss; a full disk is left to the next attempt."""
        if self._unsynced:
            with contextlib.suppress(OSError):
                self._system.fsync(self._fd)
                self._unsynced = False

    def close(self) -> None:
        self._drain()
        self.sync()
        self._system.close(self._fd)


def _ends_torn(path: Path) -> bool:
    """Return whether a killed writer left an unterminated line, to which the next must not be glued."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        return file.read(1) not in (b"", b"\n")


_held: set[tuple[int, int]] = set()  # (device, inode) of the locks that this process holds
os.register_at_fork(after_in_child=_held.clear)  # a child inherits none of them


class Lock:
    """Hold an exclusive lock that the kernel releases the moment its process dies.

    It uses `lockf`, since an orphaned child that inherited the descriptor would keep an `flock`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self, wait: float = 0.0) -> bool:
        """Try to acquire the lock for `wait` seconds; return False if another process, or this one, holds it.

        Whoever just lets go of it, or ends, may need a moment; a caller that must not fail for that waits it.
        """
        deadline = time.monotonic() + wait
        while not self._try():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        return True

    def _try(self) -> bool:
        if _holds(self._path):  # closing a second descriptor would release the first one's lock
            return False
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        share_file(fd, self._path)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(fd)
            return False
        except OSError:
            os.close(fd)
            raise
        self._fd = fd
        _held.add(_file_id(os.fstat(fd)))
        return True

    @property
    def in_place(self) -> bool:
        """Return whether the lock that this process holds is still the file at its path.

        False once its folder was moved, replaced or deleted; a file system that does not answer changes nothing.
        """
        if self._fd is None:
            return False
        try:
            return _file_id(self._path.stat()) == _file_id(os.fstat(self._fd))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True

    def release(self) -> None:
        if self._fd is not None:
            _held.discard(_file_id(os.fstat(self._fd)))
            os.close(self._fd)
            self._fd = None


def _file_id(file: os.stat_result) -> tuple[int, int]:
    return file.st_dev, file.st_ino


def _holds(path: Path) -> bool:
    """Return whether this very process holds the lock, which the kernel would not report."""
    try:
        return bool(_held) and _file_id(path.stat()) in _held
    except OSError:
        return False


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock. Raises OSError as `lock_holder` does."""
    return lock_holder(path) is not None


def lock_holder(path: Path) -> int | None:
    """Return the pid of the process that holds the lock, as it is known here; None while nobody does.

    0 is a process that cannot be seen from here, such as one of another container or of another host. Raises OSError
    where the lock cannot be asked at the moment, which is no sign that it is free.
    """
    if _holds(path):
        return os.getpid()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if _may_pass(error):
            raise
        return None
    try:
        return _ask_holder(fd)
    except OSError as error:
        if _may_pass(error):
            raise
        return None
    finally:
        os.close(fd)


# A lock that may not be opened, or that the file system does not have, is never answered.
_NO_LOCK = {errno.EACCES, errno.EPERM, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF}


def _may_pass(error: OSError) -> bool:
    return is_unanswered(error) and error.errno not in _NO_LOCK


# struct flock of Linux: type, whence, start, length, pid; a length of 0 is the whole file.
_FLOCK = "hhqqi"


def _ask_holder(fd: int) -> int | None:
    """Ask the kernel who would be in the way of an exclusive lock; where it cannot say, try a shared one."""
    if platform.system() == "Linux":
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _whence, _start, _length, pid = struct.unpack(_FLOCK, fcntl.fcntl(fd, fcntl.F_GETLK, asked))
        return None if kind == fcntl.F_UNLCK else max(0, pid)
    try:
        fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return 0
    return None
