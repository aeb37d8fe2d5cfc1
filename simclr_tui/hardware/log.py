"""The hardware samples of a run, read while they are being written: every attempt joined, seconds of training as x."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import msgspec

from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.paths import RunPaths
from simclr_tui.store.extremes import Extremes

_CHUNK = 1 << 20
_GPU_READINGS = ("memory_used", "process_memory", "utilization", "temperature", "power")
_HOST_READINGS = ("cpu", "ram_used", "process_rss", "process_cpu")


@dataclass
class _Cursor:
    path: Path
    offset: int = 0
    began: float | None = None  # wall time of the first sample
    base: float = 0.0


class HardwareLog:
    """Tails attempt-*/hardware.jsonl. Column `gpu0.power` or `cpu` has one value a sample, NaN where unknown."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._cursors: list[_Cursor] = []
        self._decoder = msgspec.json.Decoder(HardwareSample)
        self.time = array("d")
        self.columns: dict[str, Extremes] = {}
        self.latest: HardwareSample | None = None

    def poll(self, budget: int = _CHUNK) -> bool:
        """Read up to `budget` new bytes of each attempt. True when something was read."""
        known = len(self._cursors)
        if not known or self._paths.attempt(known + 1).root.exists():
            self._cursors += [_Cursor(attempt.hardware) for attempt in self._paths.attempts()[known:]]
        grown = [self._read(cursor, budget) for cursor in self._cursors]
        return any(grown)

    def _read(self, cursor: _Cursor, budget: int) -> bool:
        try:
            with cursor.path.open("rb") as file:
                file.seek(cursor.offset)
                data = file.read(budget)
        except OSError:
            return False
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == budget:
            whole = len(data)  # no sample is that long: pass over it
        for line in data[:whole].splitlines():
            self._take(cursor, line)
        cursor.offset += whole
        return whole > 0

    def _take(self, cursor: _Cursor, line: bytes) -> None:
        try:
            sample = self._decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if cursor.began is None:
            cursor.began, cursor.base = sample.time, self.time[-1] if self.time else 0.0
        # The wall clock may have jumped back; x never does.
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

    def points(self, name: str, columns: int) -> tuple[list[float], list[float]]:
        """At most 2·columns points (x, y): minimum and maximum of each column, NaN where nothing was known."""
        column = self.columns.get(name)
        if column is None:
            return [], []
        if len(self.time) <= 2 * columns:
            return list(self.time), list(column.values)
        xs: list[float] = []
        ys: list[float] = []
        low, high, start = self.time[0], self.time[-1], 0
        for index in range(columns):
            edge = low + (high - low) * (index + 1) / columns
            stop = len(self.time) if index == columns - 1 else bisect_left(self.time, edge, start)
            if stop > start:
                smallest, largest = column.range(start, stop)
                pair = (smallest, largest) if smallest < largest else (smallest,)
                xs += [self.time[(start + stop) // 2]] * len(pair)
                ys += pair
            start = stop
        return xs, ys


def _flat(sample: HardwareSample) -> dict[str, float]:
    readings = {name: getattr(sample, name) for name in _HOST_READINGS}
    for gpu in sample.gpus:
        readings |= {f"gpu{gpu.index}.{name}": _reading(gpu, name) for name in _GPU_READINGS}
    return {name: float(value) for name, value in readings.items() if value is not None}


def _reading(gpu: GpuSample, name: str) -> float | None:
    value: float | None = getattr(gpu, name)
    return value
