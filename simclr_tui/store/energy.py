"""The energy and GPU time of a run: one small file per attempt, written while it trains."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.paths import AttemptPaths, RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.unreadable import UNREADABLE

MEASURED = ("gpu_time", "gpu_energy", "cpu_energy")
"""The metrics that an attempt's energy comes to."""


class Energy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Hold what was measured, None for what was not: energy in J, `gpu_seconds` summed over GPUs.

    `gpu` covers the GPUs while the run used them, `cpu` the whole machine's CPU packages.
    """

    gpu: float | None = None
    cpu: float | None = None
    gpu_seconds: float | None = None

    def summary(self) -> dict[str, float]:
        """Return what was measured under the names of its metrics."""
        values = (self.gpu_seconds, self.gpu, self.cpu)
        return {name: value for name, value in zip(MEASURED, values, strict=True) if value is not None}


def write_energy(attempt: AttemptPaths, energy: Energy) -> None:
    """Replace the attempt's file, where anything was measured. Raises OSError."""
    if energy != Energy():
        write_file(attempt.energy, msgspec.json.encode(energy), durable=False)


def read_energy(paths: RunPaths) -> Energy:
    """Return the sums over all attempts of a run; an attempt without a readable file was not measured."""
    found: list[Energy] = []
    for attempt in paths.attempts():
        try:
            found.append(msgspec.json.decode(read_small(attempt.energy), type=Energy))
        except UNREADABLE:
            continue
    return Energy(
        gpu=_sum(one.gpu for one in found),
        cpu=_sum(one.cpu for one in found),
        gpu_seconds=_sum(one.gpu_seconds for one in found),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
