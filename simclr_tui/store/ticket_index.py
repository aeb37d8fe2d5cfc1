"""Find the runs that have tickets without looking into every run folder.

`.queue/tickets` has one empty file for each run with a ticket, and `.queue/index.json` says when all run folders were
last searched. Both are hints: the tickets in the run folders are the truth. A marker is made before its ticket and
removed after it, so a kill leaves one marker too many at most. What no marker tells (a run folder moved by hand, a
ticket written by an older version, markers lost in a power cut) is found by the next search, a minute later at most.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from simclr_tui.boot import boot_id
from simclr_tui.errors import is_unanswered
from simclr_tui.group_mode import make_folder, share_file
from simclr_tui.paths import QUEUE, QueuePaths, RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.names import NAME
from simclr_tui.store.store import Store
from simclr_tui.store.unreadable import UNREADABLE

SEARCH_EVERY = 60.0  # seconds for which the markers are trusted
SMALL = 1_000  # runs; so few are searched every time, in two milliseconds
_TICKET = RunPaths(Path()).ticket.name
_writes = itertools.count()


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the content of index.json: when the run folders were searched (monotonic time of a boot), and what is known.

    `runs` is how many folders the store had then, `last` the highest position that any ticket has had since.
    """

    boot: str
    searched: float
    runs: int
    last: int

    @property
    def is_fresh(self) -> bool:
        return self.boot == boot_id() and 0 <= time.monotonic() - self.searched < SEARCH_EVERY


def read_index(root: Path) -> Index | None:
    """Return the index of the store in `root`; None if it is missing, damaged or too old to be trusted."""
    try:
        index = msgspec.json.decode(read_small(_paths(root).index), type=Index)
    except UNREADABLE:
        return None
    return index if index.is_fresh else None


def candidates(store: Store) -> list[str]:
    """Return the names of all runs that may have a ticket, in no order. Writes nothing. Raises StoreError."""
    index = read_index(store.root)
    if index is not None and index.runs > SMALL:
        with contextlib.suppress(OSError):
            return _marked(store.root)
    return search(store)[0]


def search(store: Store) -> tuple[list[str], int]:
    """Look into every run folder for a ticket; return the names, and how many folders there are. Raises StoreError."""
    root, entries = str(store.root), store.entries()
    found = [name for name in entries if _may_exist(f"{root}/{name}/{_TICKET}")]
    return found, len(entries)


def _may_exist(path: str) -> bool:
    """Return whether the file is there; one that the disk says nothing about may be."""
    try:
        os.stat(path)  # noqa: PTH116 - of every run
    except OSError as error:
        return is_unanswered(error)
    return True


def keep(store: Store, found: Iterable[str], runs: int, *, last: int, searched: float) -> None:
    """Keep what a search at the monotonic time `searched` found. A store that cannot be written is searched again."""
    with contextlib.suppress(OSError):
        make_folder(_paths(store.root).root, exist_ok=True)
        make_folder(_paths(store.root).tickets, exist_ok=True)  # an empty one says that nothing waits
        known, there = set(found), set(_marked(store.root))
        for name in known - there:
            mark(RunPaths(store.root / name))
        for name in there - known:
            unmark(RunPaths(store.root / name))
        index = read_index(store.root)  # someone may have queued a run meanwhile
        last = max(last, index.last if index is not None else 0)
        _write(store.root, Index(boot=boot_id(), searched=searched, runs=runs, last=last))


def mark(paths: RunPaths) -> None:
    """Note that a run has a ticket, or is about to get one. Where that cannot be written, the next look searches."""
    marker = _marker(paths)
    try:
        make_folder(marker.parent.parent, parents=True, exist_ok=True)
        make_folder(marker.parent, exist_ok=True)
        os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666))
    except OSError:
        with contextlib.suppress(OSError):
            _paths(paths.root.parent).index.unlink()


def unmark(paths: RunPaths) -> None:
    """Note that a run has no ticket any more, unless it was given another meanwhile."""
    with contextlib.suppress(OSError):
        _marker(paths).unlink()
        if paths.ticket.exists():
            mark(paths)


def raise_last(root: Path, position: int) -> None:
    """Note a ticket's position, so that the next run is queued behind it."""
    index = read_index(root)
    if index is not None and position > index.last:
        with contextlib.suppress(OSError):
            _write(root, msgspec.structs.replace(index, last=position))


def _write(root: Path, index: Index) -> None:
    """Replace the index, without waiting for the disk: after a restart it is not trusted anyway."""
    target = _paths(root).index
    make_folder(target.parent, parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{next(_writes)}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        share_file(fd, target)
        os.write(fd, msgspec.json.encode(index))
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def _marked(root: Path) -> list[str]:
    return [name for name in os.listdir(_paths(root).tickets) if NAME.fullmatch(name)]  # noqa: PTH208 - only names


def _marker(paths: RunPaths) -> Path:
    return _paths(paths.root.parent).tickets / paths.root.name


def _paths(root: Path) -> QueuePaths:
    return QueuePaths(root / QUEUE)
