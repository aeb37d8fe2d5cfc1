"""List and free the decoded images that are kept on disk. Nothing is lost by it: they are decoded again when needed."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.recipe.datasets import data_root

META = "meta.json"
"""The file that is written last; its time of change is that of the last use."""
_DAY = 86_400.0


@dataclass(frozen=True)
class CacheEntry:
    """One decoded data set: what it was decoded from, what it takes, and when it was last used (seconds, wall)."""

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
    """Return every entry, the longest unused first; leftovers of a build that was killed count as never used.

    A process that builds an entry must not ask for `leftovers`: to look at its own lock would release it.
    """
    found = []
    try:
        places = [place for place in (folder or decoded_folder()).iterdir() if place.is_dir()]
    except OSError:
        return []
    for place in places:
        if place.suffix == ".tmp" and (not leftovers or _being_built(place)):
            continue
        used = 0.0
        try:
            data = str(json.loads((place / META).read_text()).get("data", "by an earlier version"))
            used = (place / META).stat().st_mtime
        except (OSError, ValueError, AttributeError):
            data = "unfinished"
        found.append(CacheEntry(place, data, _bytes(place), used))
    return sorted(found, key=lambda entry: entry.used)


def free(entry: CacheEntry) -> None:
    """Remove an entry. A run that trains on it keeps what it has open."""
    shutil.rmtree(entry.path, ignore_errors=True)
    for suffix in ("-headers.json", "-damaged.txt"):
        entry.path.with_name(entry.path.name + suffix).unlink(missing_ok=True)


def make_room(folder: Path, needed: int, keep_free: int) -> None:
    """Free the longest unused entries until `needed` bytes fit, on the disk and into $SIMCLR_CACHE_GB if that is set.

    Entries used within the last day stay. Raises OSError where the disk cannot be asked.
    """
    entries = decoded_entries(folder, leftovers=False)
    total = sum(entry.bytes for entry in entries)
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
    for file in folder.iterdir():
        try:
            total += file.stat().st_blocks * 512
        except OSError:
            continue
    return total


def _being_built(place: Path) -> bool:
    """Return whether a process holds the lock of an entry that is not whole yet."""
    import fcntl

    try:
        with open(place.with_suffix(".lock"), "r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
