"""Write the metric log of one attempt: one JSON object per step or evaluation, each appended by a single write."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import msgspec

from simclr_tui.atomic import SYSTEM_OS, LineWriter, Os
from simclr_tui.paths import AttemptPaths

_SYNC_EVERY = 5.0  # seconds: bounds what power loss can take; a kill takes nothing


class MetricWriter:
    """Append metric lines. Values that are not finite are written as null, which readers show as a gap."""

    def __init__(self, attempt: AttemptPaths, system: Os = SYSTEM_OS) -> None:
        self._lines = LineWriter(attempt.metrics, system=system)
        self._encoder = msgspec.json.Encoder()
        self._synced = time.monotonic()

    @property
    def waiting(self) -> int:
        """Return the number of lines held back because the disk is full."""
        return self._lines.waiting

    def write(self, step: int, epoch: float, seconds: float, *, values: Mapping[str, float]) -> None:
        """Append one line: `step` updates done, `epoch` (a fraction), `seconds` since the attempt began, `values`."""
        line: dict[str, float | None] = {"step": step, "epoch": round(epoch, 6), "time": round(seconds, 4)}
        for name, value in values.items():
            line[name] = value if math.isfinite(value) else None
        self._lines.append(self._encoder.encode(line))
        if time.monotonic() - self._synced > _SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        self._lines.sync()
        self._synced = time.monotonic()

    def close(self) -> None:
        self._lines.close()
