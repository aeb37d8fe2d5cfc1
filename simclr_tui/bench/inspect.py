"""Measure how long `simclr data inspect` takes over very many images, and how much memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from simclr_tui.bench.timing import environment
from simclr_tui.interpreter import python, python_module
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


# A process counts as its own peak what the one that started it held: a small one starts the command.
_START = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(time.perf_counter() - began, used.ru_maxrss)
sys.exit(process.returncode)
"""


def _look(folder: Path) -> tuple[float, float]:
    """Return the seconds of the whole command, and the most MB that it or one of its processes held."""
    command = python_module("simclr_tui.cli.main", "data", "inspect", f"folder:{folder}", "--json")
    done = subprocess.run(python("-c", _START, *command), stdout=subprocess.PIPE, check=True, env=environment())
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak * _MAXRSS / 1e6
