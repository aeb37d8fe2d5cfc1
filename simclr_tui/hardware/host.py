"""Read CPU, memory, disk and one process tree through psutil. What cannot be read is None."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

import psutil

from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.limits import usable_cores, usable_memory

P = ParamSpec("P")
T = TypeVar("T")


def _reading(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Return what `read` returns, or None where the system does not offer or permit it."""
    try:
        return read(*args, **kwargs)
    except (psutil.Error, OSError, NotImplementedError, ValueError):
        return None


def core_count() -> int | None:
    """Return how many cores this process may use; in a container or a batch job that is not all of them."""
    return _reading(usable_cores)


def ram() -> tuple[int | None, int | None]:
    """Return (used, total) bytes of this machine or container, where used is what is unavailable to a new program."""
    memory = _reading(usable_memory)
    return (memory.total - memory.available, memory.total) if memory is not None else (None, None)


def disk_free(path: Path) -> int:
    """Return the bytes this user can still write where `path` is or will be.

    Raises OSError. Hangs if its file system hangs.
    """
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return int(psutil.disk_usage(str(path)).free)


class CpuMeter:
    """Measure the busy share of all cores between one reading and the next."""

    def __init__(self) -> None:
        self._last = _reading(_cpu_seconds)

    def read(self) -> float | None:
        """Return the busy share, 0–1; None if no time was counted since the last reading."""
        last, self._last = self._last, _reading(_cpu_seconds)
        if last is None or self._last is None:
            return None
        total = self._last.total - last.total
        busy = self._last.busy - last.busy
        return min(max(busy / total, 0.0), 1.0) if total > 0 else None


class _CpuSeconds(NamedTuple):
    busy: float
    total: float


def _cpu_seconds() -> _CpuSeconds:
    times = psutil.cpu_times()._asdict()
    # Linux already includes guest time in user time.
    total = sum(seconds for kind, seconds in times.items() if not kind.startswith("guest"))
    return _CpuSeconds(total - times["idle"] - times.get("iowait", 0.0), total)


class TreeReading(NamedTuple):
    """Hold the pids of a process and its children, their resident bytes, and cores in use since the last reading."""

    pids: frozenset[int] = frozenset()
    rss: int | None = None
    cpu: float | None = None


class ProcessTree:
    """Follow a process and its children; once it has ended every reading is None, even if its pid is reused."""

    def __init__(self, pid: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._root = _reading(psutil.Process, pid)
        self._cpu: dict[psutil.Process, float] = {}
        self._read_at: float | None = None

    def read(self) -> TreeReading:
        members = _reading(self._members) or []
        now = self._clock.monotonic()
        if not members:
            self._cpu, self._read_at = {}, None
            return TreeReading()
        resident = [rss for one in members if (rss := _reading(_rss, one)) is not None]
        return TreeReading(
            pids=frozenset(one.pid for one in members),
            rss=sum(resident) or None,  # 0 while the kernel takes an ending process down: no reading
            cpu=self._cores(members, now),
        )

    def _members(self) -> list[psutil.Process]:
        root = self._root
        if root is None or not root.is_running() or root.status() == psutil.STATUS_ZOMBIE:
            return []
        return [root, *(_reading(root.children, recursive=True) or [])]

    def _cores(self, members: list[psutil.Process], now: float) -> float | None:
        """Return the members' CPU time over the time elapsed; a new child counts with all it has used so far."""
        spent = {one: seconds for one in members if (seconds := _reading(_spent, one)) is not None}
        before, then = self._cpu, self._read_at
        self._cpu, self._read_at = spent, now
        if then is None or now <= then:
            return None
        gained = sum(seconds - before.get(one, 0.0) for one, seconds in spent.items())
        return max(gained, 0.0) / (now - then)


def _rss(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
