"""List and free the decoded images cached on disk. Freeing loses nothing: images are decoded again when needed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.recipe.datasets import data_root

META = "meta.json"
"""The file of an entry that is written last; its modification time is the time of the last use."""
_DAY = 86_400.0


@dataclass(frozen=True)
class CacheEntry:
    """Describe a decoded data set: its source, its size on disk in bytes, and its last use in seconds of wall time."""

    path: Path
    data: str
    bytes: int
    used: float

    @property
    def idle_days(self) -> float:
        """Return the days since the last use."""
        return max(0.0, (time.time() - self.used) / _DAY)


def decoded_folder() -> Path:
    """Return the folder of the decoded images."""
    return data_root() / "decoded"


def decoded_entries(folder: Path | None = None, leftovers: bool = True) -> list[CacheEntry]:
    """Return every entry, least recently used first; leftovers of a killed build count as never used.

    A process that is building an entry must not ask for `leftovers`: probing its own lock would release it.
    """
    found = []
    try:
        paths = [path for path in (folder or decoded_folder()).iterdir() if path.is_dir()]
    except OSError:
        return []
    for path in paths:
        if path.suffix == ".tmp" and (not leftovers or _being_built(path)):
            continue
        used = 0.0
        try:
            data = str(json.loads((path / META).read_text()).get("data", "by an earlier version"))
            used = (path / META).stat().st_mtime
        except (OSError, ValueError, AttributeError):
            data = "unfinished"
        found.append(CacheEntry(path, data, _bytes(path), used))
    return sorted(found, key=lambda entry: entry.used)


def free(entry: CacheEntry) -> None:
    """Remove an entry. A run that is training on it is not affected: its files stay open."""
    shutil.rmtree(entry.path, ignore_errors=True)
    for suffix in ("-headers.json", "-damaged.txt", "-held-out.json"):
        entry.path.with_name(entry.path.name + suffix).unlink(missing_ok=True)


def make_room(folder: Path, needed: int, keep_free: int) -> None:
    """Free the least recently used entries until `needed` bytes fit on the disk and, if set, into $SIMCLR_CACHE_GB.

    Entries used within the last day are kept. Raises OSError if the disk cannot be queried.
    """
    entries = decoded_entries(folder, leftovers=False)
    total = sum(_bytes(path) for path in folder.iterdir() if path.is_dir())  # with what is being built
    for entry in entries:
        fits = shutil.disk_usage(folder).free >= needed + keep_free and total + needed <= _limit()
        if fits or entry.idle_days < 1:
            return
        free(entry)
        total -= entry.bytes


def _limit() -> float:
    try:
        return float(os.environ.get("SIMCLR_CACHE_GB", "")) * 1e9
    except ValueError:
        return float("inf")


def _bytes(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):  # another process may be freeing or naming it
        for file in folder.iterdir():
            with contextlib.suppress(OSError):
                total += file.stat().st_blocks * 512
    return total


def _being_built(path: Path) -> bool:
    """Return whether a process holds the lock of an unfinished entry."""
    import fcntl

    try:
        with open(path.with_suffix(".lock"), "r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
