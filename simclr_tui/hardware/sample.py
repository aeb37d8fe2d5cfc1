"""One reading of the machine. A reading that is not to be had is None, shown as `n/a`."""

from __future__ import annotations

import msgspec


class GpuSample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One GPU. Memory in bytes, temperature in °C, power in W."""

    index: int
    name: str | None = None
    uuid: str | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    process_memory: int | None = None  # of the watched process and its children
    utilization: float | None = None  # 0–1: share of the time in which a kernel ran
    temperature: float | None = None
    power: float | None = None
    power_limit: float | None = None

    def alive(self) -> bool:
        """Whether the GPU answered at least one question about the present."""
        now = (self.memory_used, self.utilization, self.temperature, self.power)
        return any(reading is not None for reading in now)


class HardwareSample(msgspec.Struct, frozen=True, omit_defaults=True):
    """The machine at one moment: `time` in s since the Unix epoch, sizes in bytes."""

    time: float
    gpus: tuple[GpuSample, ...] = ()
    cpu: float | None = None  # 0–1 of all cores, since the sample before
    ram_used: int | None = None
    ram_total: int | None = None
    disk_free: int | None = None
    process_rss: int | None = None  # of the watched process and its children, shared pages counted in each
    process_cpu: float | None = None  # cores in use, since the sample before
