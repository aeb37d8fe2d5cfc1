"""Write many files and wait for the disk once for all of them, not once for each."""

from __future__ import annotations

import errno
import os
import platform
from pathlib import Path

from simclr_tui.atomic import SYSTEM_OS, Os, sync_folder

_FEW = 16  # files: to sync these one by one never waits for what other programs write
_ONE_CALL_WILL_DO = {  # Linux's magic numbers of the file systems of a disk of one's own, and of memory
    0xEF53,  # ext2, ext3, ext4
    0x58465342,  # XFS
    0x9123683E,  # Btrfs
    0xF2F52010,  # F2FS
    0x2FC12FC1,  # ZFS
    0xCA451A4E,  # bcachefs
    0x01021994,  # tmpfs
}


class DeferredSync:
    """Make the real system calls, but put off every sync until `settle`.

    Pass it as `system` to whatever writes. Nothing written through it survives power loss before `settle` returns, so a
    name that vouches for other files must be given to a file only after that.
    """

    def __init__(self, system: Os = SYSTEM_OS) -> None:
        self._system = system
        self._open: dict[int, Path] = {}
        self._unsynced: dict[Path, None] = {}

    def open(self, path: Path, flags: int) -> int:
        fd = self._system.open(path, flags)
        self._open[fd] = path
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        return self._system.write(fd, data)

    def fsync(self, fd: int) -> None:
        self._unsynced[self._open[fd]] = None

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)
        self._system.close(fd)

    def replace(self, source: Path, target: Path) -> None:
        self._system.replace(source, target)
        if source in self._unsynced:
            del self._unsynced[source]
            self._unsynced[target] = None

    def unlink(self, path: Path) -> None:
        self._system.unlink(path)
        self._unsynced.pop(path, None)

    def settle(self) -> None:
        """Sync all that was put off. Raises OSError, and then none of it can be relied on."""
        if len(self._unsynced) <= _FEW or not sync_file_system(next(iter(self._unsynced)).parent):
            for path in self._unsynced:
                sync_folder(path, self._system)  # a file is synced in the same way
        self._unsynced.clear()


def sync_file_system(folder: Path) -> bool:
    """Sync the whole file system of a folder in one call; return False where that promises less than syncing each file.

    Linux reports a failed write to this call since 5.8. FUSE and 9p do not pass the call on to their server, and an
    overlay does not report what failed beneath it, so only file systems known to do both are relied on. Raises OSError
    where the disk fails.
    """
    if platform.system() != "Linux" or _kernel() < (5, 8):
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    kind = ctypes.create_string_buffer(512)  # struct statfs, which begins with the type, a long
    if libc.statfs(os.fsencode(folder), kind) != 0 or ctypes.c_long.from_buffer(kind).value not in _ONE_CALL_WILL_DO:
        return False
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.syncfs(fd) == 0:
            return True
        number = ctypes.get_errno()
        if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            return False
        raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(fd)


def _kernel() -> tuple[int, ...]:
    """Return the kernel's version as (5, 8); (0,) where it cannot be told."""
    numbers = platform.release().split("-")[0].split(".")[:2]
    return tuple(int(number) for number in numbers) if all(map(str.isdecimal, numbers)) else (0,)
