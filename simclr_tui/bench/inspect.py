"""Measure how long `simclr data inspect` takes over very many images, and how much memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from simclr_tui.bench.timing import environment
from simclr_tui.interpreter import python_module
from simclr_tui.store.bench_report import Figure

_GOAL = 15.0  # seconds for MOST files
MOST = 200_000
_CLASSES = 10
_MAXRSS = 1 if sys.platform == "darwin" else 1024  # bytes of the unit in which the kernel reports it


def inspect_figures(directory: Path, files: list[Path], count: int, *, repeat: int) -> list[Figure]:
    """Return seconds and peak memory of `simclr data inspect` over `count` links to files, in ten class folders.

    Raises CalledProcessError where the command fails.
    """
    links = directory / "looked-at"
    for label in range(_CLASSES):
        (links / f"class {label}").mkdir(parents=True)
    for number in range(count):
        name = os.fspath(links / f"class {number % _CLASSES}" / f"{number:06}.jpg")
        os.link(files[number % len(files)], name)
    looks = [_look(links) for _ in range(repeat)]
    seconds, megabytes = [look[0] for look in looks], [look[1] for look in looks]
    return [
        Figure(f"looking at {count:,} files", "s", seconds, _GOAL if count == MOST else None),
        Figure("its peak memory", "MB", megabytes),
    ]


def _look(folder: Path) -> tuple[float, float]:
    """Return the seconds of the whole command, and the most MB that it or a process of its held."""
    command = python_module("simclr_tui.cli.main", "data", "inspect", f"folder:{folder}", "--json")
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - began, used.ru_maxrss * _MAXRSS / 1e6
