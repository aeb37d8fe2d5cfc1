"""Take turns at a run with hosts that do not see the locks of this one.

On a file system whose locks do not reach beyond a host, `launch.lock` keeps only processes of this host apart. A file
that is linked into the run's folder is there for all of them, or for none: making a link under a name that is taken
fails on every host. Where there are no hard links, creating the file does: it is then empty for a moment.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from simclr_tui.boot import boot_id
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import StoreError
from simclr_tui.group_mode import share_file
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.process import ProcessId, is_alive, is_before_restart, this_process
from simclr_tui.store.state import ELSEWHERE_UNTIL
from simclr_tui.store.unreadable import DAMAGED
from simclr_tui.text import duration

_WRITTEN_WITHIN = 10.0  # seconds within which whoever created the file has written who it is


@contextlib.contextmanager
def turn(paths: RunPaths) -> Iterator[None]:
    """Hold the turn at a run, whose `launch.lock` this process holds already.

    Raises StoreError while another host has the turn, OSError where the folder cannot be written.
    """
    _take(paths)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # one that stays is taken for given back once this process has ended
            paths.turn.unlink(missing_ok=True)


def _take(paths: RunPaths) -> None:
    mine = this_process()
    written = paths.turn.with_name(f".{paths.turn.name}.{mine.pid}@{mine.boot[:8]}.tmp")
    content = msgspec.json.encode(mine)
    _write(written, content, os.O_TRUNC)
    try:
        for _ in range(2):
            try:
                return _put(written, paths.turn, content)
            except FileExistsError:
                _clear(paths)
        raise StoreError(f"{paths.root.name} is being started by someone else", "try again")
    finally:
        written.unlink(missing_ok=True)


def _put(written: Path, turn: Path, content: bytes) -> None:
    """Put the mark in place unless there is one. Raises FileExistsError, or another OSError."""
    try:
        os.link(written, turn, follow_symlinks=False)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # no links here
        _write(turn, content, os.O_EXCL)


def _write(path: Path, data: bytes, flag: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flag | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        share_file(fd, path)
        os.write(fd, data)
    finally:
        os.close(fd)


def _clear(paths: RunPaths) -> None:
    """Remove the mark of a turn whose holder is gone. Raises StoreError while it may be at work."""
    with _alone(paths):
        try:
            content, taken = read_small(paths.turn), paths.turn.stat().st_mtime
        except FileNotFoundError:
            return
        silent = SYSTEM_CLOCK.wall() - taken
        try:
            holder = msgspec.json.decode(content, type=ProcessId)
        except DAMAGED:
            if 0 <= silent < _WRITTEN_WITHIN:
                raise StoreError(f"{paths.root.name} is being started by someone else", "try again") from None
        else:
            if silent < ELSEWHERE_UNTIL and not _is_gone(holder, taken):
                where = "someone else" if holder.boot == boot_id() else f"a process on {holder.host or 'another host'}"
                hint = f"try again; if that process is gone, in {duration(ELSEWHERE_UNTIL - silent)}"
                raise StoreError(f"{paths.root.name} is being started by {where}", hint)
        paths.turn.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(paths: RunPaths) -> Iterator[None]:
    """Be the only one who judges and removes a mark: another would remove the one that follows it.

    Raises StoreError while another process does so.
    """
    clearing = paths.turn.with_name(f".{paths.turn.name}.clearing")
    try:
        _write(clearing, b"", os.O_EXCL)
    except FileExistsError:
        with contextlib.suppress(FileNotFoundError):
            if SYSTEM_CLOCK.wall() - clearing.stat().st_mtime >= ELSEWHERE_UNTIL:  # of one that was killed meanwhile
                clearing.unlink()
        raise StoreError(f"{paths.root.name} is being started by someone else", "try again") from None
    try:
        yield
    finally:
        clearing.unlink(missing_ok=True)


def _is_gone(holder: ProcessId, taken: float) -> bool:
    """Return whether the holder is known to have ended: a process of this boot, or of this host before it started."""
    if holder.boot == boot_id():
        # This process holds the lock, so that a turn of its own is one that it could not give back.
        return not is_alive(holder) or holder.pid == os.getpid()
    return is_before_restart(holder, taken)
