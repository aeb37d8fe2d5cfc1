"""Tell whether a trainer that is about to start will have to share the machine's cores."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

import psutil

_LOOK, _BUSY = 0.2, 0.75  # seconds; share of all cores
_PASSING = (
    "simclr_tui.cli",
    "simclr_tui.launch",
    "simclr_tui.sweep",
)  # our own modules that compute for a moment, then wait


def others_compute() -> bool:
    """Return True if three quarters of the cores are busy now with work other than our commands and dashboards.

    Commands and dashboards that start together each take a core for a second, which passes; trainers and evaluations
    count as other work.
    """
    passing = [process for process in psutil.process_iter(["cmdline"]) if _is_passing(process.info["cmdline"] or ())]
    busy, total = _machine()
    ours = _seconds(passing)
    time.sleep(_LOOK)
    busy_now, total_now = _machine()
    taken = sum(now - ours[pid] for pid, now in _seconds(passing).items() if pid in ours)
    return busy_now - busy - taken >= _BUSY * (total_now - total)


def _is_passing(command: Iterable[str]) -> bool:
    return any(word.startswith(_PASSING) or word.endswith("/simclr") for word in command)


def _machine() -> tuple[float, float]:
    """Return the busy seconds and the total seconds of all cores since boot."""
    times = psutil.cpu_times()
    total = sum(times[:8])  # without guest times, which the kernel counts twice
    return total - times.idle - times.iowait, total


def _seconds(processes: Iterable[psutil.Process]) -> dict[int, float]:
    """Return the processor time in seconds of each process that is still there, by pid."""
    taken: dict[int, float] = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            taken[process.pid] = times.user + times.system
    return taken
