"""Identify this boot of this machine: what is known of a process means something under the same boot alone."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path


@cache
def boot_id() -> str:
    """Return an identifier that changes with every boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, PermissionError):  # another error passes, and must not be kept for good
        import psutil

        return f"boot at {psutil.boot_time():.0f}"


def booted_at() -> float:
    """Return when the machine was started, in seconds by its wall clock as that stands now."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # counts while the machine sleeps
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    import psutil

    return psutil.boot_time()
