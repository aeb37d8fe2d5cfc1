"""Measure how long `simclr data inspect` takes over very many images."""

from __future__ import annotations

import os
from pathlib import Path

from simclr_tui.recipe.reading import DEFAULT_READING
from simclr_tui.store.bench_report import Figure
from simclr_tui.train.data.inspect import inspect_data

_GOAL = 15.0  # seconds for MOST files
MOST = 200_000
_CLASSES = 10


def inspect_figure(directory: Path, files: list[Path], count: int, *, repeat: int) -> Figure:
    """Return the seconds that `simclr data inspect` needs for `count` links to these files, in ten class folders."""
    links = directory / "looked-at"
    for label in range(_CLASSES):
        (links / f"class {label}").mkdir(parents=True)
    for number in range(count):
        name = os.fspath(links / f"class {number % _CLASSES}" / f"{number:06}.jpg")
        os.link(files[number % len(files)], name)
    seconds = [_seconds(links) for _ in range(repeat)]
    return Figure(f"looking at {count:,} files", "s", seconds, _GOAL if count == MOST else None)


def _seconds(folder: Path) -> float:
    return inspect_data(f"folder:{folder}", DEFAULT_READING, lambda *_: None).seconds
