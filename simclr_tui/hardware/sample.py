"""Define one sample of the machine. A value that is unavailable is None, shown as `n/a`."""

from __future__ import annotations

import msgspec


class GpuSample(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one GPU's readings: memory in bytes, temperature in °C, power in W, energy in J."""

    index: int
    name: str | None = None
    uuid: str | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    process_memory: int | None = None  # of the watched process and its children
    utilization: float | None = None  # 0–1: share of time in which a kernel was running
    temperature: float | None = None
    power: float | None = None
    power_limit: float | None = None
    energy: float | None = None  # J since the driver was loaded; not every GPU counts it

    def alive(self) -> bool:
        """Return whether the GPU reported at least one current value."""
        now = (self.memory_used, self.utilization, self.temperature, self.power)
        return any(reading is not None for reading in now)


class HardwareSample(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold the machine's readings at one moment: `time` in s since the Unix epoch, sizes in bytes."""

    time: float
    gpus: tuple[GpuSample, ...] = ()
    cpu: float | None = None  # 0–1 of all cores, since the last sample
    ram_used: int | None = None
    ram_total: int | None = None
    disk_free: int | None = None
    process_rss: int | None = None  # of the watched process and its children, shared pages counted in each
    process_cpu: float | None = None  # cores in use, since the last sample
    cpu_energy: float | None = None  # J of all CPU packages since sampling began
