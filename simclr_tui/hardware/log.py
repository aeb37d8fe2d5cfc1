"""Read a run's hardware samples while they are written: all attempts joined, over seconds of training."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import msgspec

from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.paths import RunPaths
from simclr_tui.store.metrics.downsample import thin
from simclr_tui.store.metrics.minmax_tree import Extremes

_CHUNK = 1 << 20
_GPU_READINGS = ("memory_used", "process_memory", "utilization", "temperature", "power")
_HOST_READINGS = ("cpu", "ram_used", "disk_free", "process_rss", "process_cpu")


@dataclass
class _Cursor:
    path: Path
    offset: int = 0
    began: float | None = None  # wall time of the first sample
    base: float = 0.0


class HardwareLog:
    """Tail attempt-*/hardware.jsonl; column `gpu0.power` or `cpu` has one value per sample, NaN where unknown."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._cursors: list[_Cursor] = []
        self._decoder = msgspec.json.Decoder(HardwareSample)
        self.time = array("d")
        self.columns: dict[str, Extremes] = {}
        self.latest: HardwareSample | None = None
        self.behind = False  # whether the last poll left data unread

    def poll(self, budget: int = _CHUNK) -> bool:
        """Read up to `budget` new bytes of each attempt, and return whether anything was read."""
        known = len(self._cursors)
        if not known or self._paths.attempt(known + 1).root.exists():
            self._cursors += [_Cursor(attempt.hardware) for attempt in self._paths.attempts()[known:]]
        self.behind = False
        grown = [self._read(cursor, budget) for cursor in self._cursors]
        return any(grown)

    def _read(self, cursor: _Cursor, budget: int) -> bool:
        try:
            with cursor.path.open("rb") as file:
                file.seek(cursor.offset)
                data = file.read(budget)
        except OSError:
            return False
        self.behind = self.behind or len(data) == budget
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == budget:
            whole = len(data)  # no sample is that long: skip it
        for line in data[:whole].splitlines():
            self._take(cursor, line)
        cursor.offset += whole
        return whole > 0

    def _take(self, cursor: _Cursor, line: bytes) -> None:
        try:
            sample = self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if sample.process_rss == 0:  # files of earlier versions have it for a process that was ending
            sample = msgspec.structs.replace(sample, process_rss=None)
        if cursor.began is None:
            cursor.began, cursor.base = sample.time, self.time[-1] if self.time else 0.0
        # The wall clock may jump back; x must not.
        moment = cursor.base + sample.time - cursor.began
        self.time.append(max(moment, self.time[-1] if self.time else 0.0))
        self.latest = sample
        values = _flat(sample)
        for name in values.keys() - self.columns.keys():
            column = self.columns[name] = Extremes()
            for _ in range(len(self.time) - 1):
                column.append(math.nan)
        for name, column in self.columns.items():
            column.append(values.get(name, math.nan))

    def points(
        self, name: str, columns: int, span: tuple[float, float] | None = None
    ) -> tuple[list[float], list[float]]:
        """Return at most 2·columns points (x, y) inside `span`, and the points next to it.

        Each column contributes its minimum and maximum, NaN where nothing is known.
        """
        column = self.columns.get(name)
        if column is None:
            return [], []
        return thin(self.time, range(len(self.time)), column, columns=columns, span=span, beside=True)

    def last(self, name: str) -> float | None:
        """Return the latest value that is known."""
        column = self.columns.get(name)
        return None if column is None else next((value for value in reversed(column.values) if value == value), None)

    def value_at(self, name: str, moment: float) -> float | None:
        """Return the last value known at a moment of training; None before the first sample."""
        column, index = self.columns.get(name), bisect_right(self.time, moment) - 1
        return None if column is None or index < 0 else column.values[index]


def _flat(sample: HardwareSample) -> dict[str, float]:
    readings = {name: getattr(sample, name) for name in _HOST_READINGS}
    for gpu in sample.gpus:
        readings |= {f"gpu{gpu.index}.{name}": _reading(gpu, name) for name in _GPU_READINGS}
    return {name: float(value) for name, value in readings.items() if value is not None}


def _reading(gpu: GpuSample, name: str) -> float | None:
    value: float | None = getattr(gpu, name)
    return value
