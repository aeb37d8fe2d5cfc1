"""Find the cores and the memory that this process may use: those of its container or job, not of the whole host.

A control group limits both without any system call of the usual kind saying so: on a host of 64 cores, a container
with two still sees 64. Version 1 and version 2 of the kernel's interface are read alike.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


class Memory(NamedTuple):
    """Hold the bytes that may be used in all, and those that are still available."""

    total: int
    available: int


def usable_cores(proc: Path = _PROC, groups: Path = _GROUPS) -> int:
    """Return how many cores this process may use, at least 1: by its affinity and by the quotas of its groups."""
    scheduled = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for group in _groups_of("cpu", proc, groups) if (quota := _quota(group)) is not None]
    return max(1, min([scheduled, *(math.ceil(quota) for quota in quotas)]))


def usable_memory(proc: Path = _PROC, groups: Path = _GROUPS) -> Memory:
    """Return the memory that this process may use: the smaller of the machine's and its groups'. Raises psutil.Error.

    What a group holds in the page cache counts as available, as it does on the whole machine.
    """
    machine = psutil.virtual_memory()
    total, available = int(machine.total), int(machine.available)
    for group in _groups_of("memory", proc, groups):
        limit = _number(group / "memory.max") or _number(group / "memory.limit_in_bytes")
        if limit is None or limit >= machine.total:  # version 1 writes "no limit" as a huge number
            continue
        used = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes") or 0
        total, available = min(total, limit), min(available, max(0, limit - used + _cached(group)))
    return Memory(total, available)


def _groups_of(controller: str, proc: Path, groups: Path) -> Iterator[Path]:
    """Yield the folder of each group that this process is in: its own and every one above it."""
    with contextlib.suppress(OSError, ValueError):
        for line in (proc / "self" / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            root = groups / controller if controllers else groups
            # Inside a container the path may be the host's, of which only the root is visible.
            relative = Path(path.strip("/"))
            yield from (root / part for part in (relative, *relative.parents) if (root / part).is_dir())


def _quota(group: Path) -> float | None:
    """Return how many cores a group may keep busy; None without a limit."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    allowed, period_us = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
    return allowed / period_us if allowed and allowed > 0 and period_us else None


def _cached(group: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        lines = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(lines.get("total_inactive_file", lines.get("inactive_file", 0)))
    return 0


def _number(path: Path) -> int | None:
    """Return the number in a file; None where there is no file, or the word `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
