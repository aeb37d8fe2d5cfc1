"""Take turns at a run with hosts that do not see the locks of this one.

On a file system whose locks do not reach beyond a host, `launch.lock` keeps only processes of this host apart. A file
that is linked into the run's folder is there for all of them, or for none: making a link under a name that is taken
fails on every host.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import msgspec

from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import StoreError
from simclr_tui.group_mode import share_file
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.process import ProcessId, boot_id, is_alive, this_process
from simclr_tui.store.state import ELSEWHERE_UNTIL
from simclr_tui.store.unreadable import DAMAGED


@contextlib.contextmanager
def turn(paths: RunPaths) -> Iterator[None]:
    """Hold the turn at a run, whose `launch.lock` this process holds already.

    Where the file system has no links, only the lock keeps others away. Raises StoreError while another host has the
    turn, OSError where the folder cannot be written.
    """
    taken = _take(paths)
    try:
        yield
    finally:
        if taken:  # one that stays is taken for given back once this process has ended
            with contextlib.suppress(OSError):
                paths.turn.unlink(missing_ok=True)


def _take(paths: RunPaths) -> bool:
    mine = this_process()
    written = paths.turn.with_name(f".{paths.turn.name}.{mine.pid}@{mine.boot[:8]}.tmp")
    _write(written, msgspec.json.encode(mine))
    try:
        for _ in range(2):
            try:
                os.link(written, paths.turn, follow_symlinks=False)
                return True
            except FileExistsError:
                _clear(paths)
            except FileNotFoundError:
                raise
            except OSError:  # no links here
                return False
        raise StoreError(f"{paths.root.name} is being started by someone else", "try again")
    finally:
        written.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        share_file(fd, path)
        os.write(fd, data)
    finally:
        os.close(fd)


def _clear(paths: RunPaths) -> None:
    """Remove the mark of a turn whose holder is gone. Raises StoreError while it may be at work."""
    try:
        holder = msgspec.json.decode(read_small(paths.turn), type=ProcessId)
        age = SYSTEM_CLOCK.wall() - paths.turn.stat().st_mtime
    except FileNotFoundError:
        return
    except DAMAGED:
        holder, age = None, ELSEWHERE_UNTIL
    if holder is None or age >= ELSEWHERE_UNTIL or _is_gone(holder):
        paths.turn.unlink(missing_ok=True)
        return
    where = "someone else" if holder.boot == boot_id() else f"a process on {holder.host or 'another host'}"
    raise StoreError(f"{paths.root.name} is being started by {where}", "see simclr ls, and try again in five minutes")


def _is_gone(holder: ProcessId) -> bool:
    """Return whether the holder is known to have ended: a process of this boot, or of this host before it started."""
    if holder.boot == boot_id():
        # This process holds the lock, so that a turn of its own is one that it could not give back.
        return not is_alive(holder) or holder.pid == os.getpid()
    return holder.host == platform.node()
