"""Read images that are files of a folder, or that a CSV file lists."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from simclr_tui.recipe.csv_listing import csv_layout
from simclr_tui.recipe.folders import folder_layout
from simclr_tui.recipe.layout import Layout
from simclr_tui.recipe.reading import Reading


class FolderSource:
    """Give images below `root`, in class folders or not."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def spec(self) -> str:
        return f"folder:{os.fspath(self.root)}"

    def layout(self, reading: Reading) -> Layout:
        return folder_layout(self.root, reading)

    def stamp(self, name: str) -> str:
        return file_stamp(self.root / name)

    def image(self, name: str) -> Path:
        return self.root / name


class CsvSource(FolderSource):
    """Give images that a table lists, relative to its folder or absolute."""

    def __init__(self, file: Path) -> None:
        super().__init__(file.parent)
        self.file = file

    @property
    def spec(self) -> str:
        return f"csv:{os.fspath(self.file)}"

    def layout(self, reading: Reading) -> Layout:
        return csv_layout(self.file, reading)


def file_stamp(file: Path) -> str:
    """Return a file's size and time of change, `missing` where it is gone."""
    try:
        status = file.stat()
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


def joined_stamps(stamps: Sequence[str]) -> str:
    """Return one stamp for all of several files: a digest of their sizes, then one of the times of their change.

    A single stamp stays as it is. A row of a table carries it, and a table may have hundreds of files: it is short.
    """
    if len(stamps) == 1:
        return stamps[0]
    sizes, times = zip(*(stamp.partition(" ")[::2] for stamp in stamps), strict=True)
    return f"{_digest(sizes)} {_digest(times)}"


def _digest(words: Sequence[str]) -> str:
    return hashlib.blake2b("\0".join(words).encode(), digest_size=8).hexdigest()
