"""Sum the energy and the GPU time of an attempt from its hardware samples."""

from __future__ import annotations

from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.store.energy import Energy

_GAP = 10.0  # seconds: over a longer pause between two samples, power says nothing


class EnergyMeter:
    """Sum over samples in order. A GPU counts while the run's processes hold memory on it, with its whole board.

    Where the driver does not say whose memory it is, as in some containers, a machine's only GPU counts if `alone`.
    A GPU's own counter is used where it has one, else its power is integrated by the trapezoidal rule.
    """

    def __init__(self, alone: bool = False) -> None:
        self._alone = alone
        self._last: HardwareSample | None = None
        self._gpu: float | None = None
        self._cpu: float | None = None
        self._gpu_seconds: float | None = None

    @property
    def energy(self) -> Energy:
        """Return the sums so far; None for what was never measured."""
        return Energy(gpu=self._gpu, cpu=self._cpu, gpu_seconds=self._gpu_seconds)

    def add(self, sample: HardwareSample) -> None:
        """Add the time between the last sample and this one."""
        last, self._last = self._last, sample
        if last is None:
            return
        seconds = sample.time - last.time
        if last.cpu_energy is not None and sample.cpu_energy is not None and sample.cpu_energy >= last.cpu_energy:
            self._cpu = (self._cpu or 0.0) + sample.cpu_energy - last.cpu_energy
        before = {gpu.index: gpu for gpu in last.gpus}
        for gpu in sample.gpus:
            if gpu.index in before and self._is_used(gpu, len(sample.gpus)):
                self._add_gpu(before[gpu.index], gpu, seconds)

    def _is_used(self, gpu: GpuSample, count: int) -> bool:
        if gpu.process_memory is not None:
            return gpu.process_memory > 0
        return self._alone and count == 1

    def _add_gpu(self, before: GpuSample, now: GpuSample, seconds: float) -> None:
        close = 0.0 < seconds <= _GAP  # the clock may have been set, or the machine suspended
        if close:
            self._gpu_seconds = (self._gpu_seconds or 0.0) + seconds
        if before.energy is not None and now.energy is not None and now.energy >= before.energy:
            self._gpu = (self._gpu or 0.0) + now.energy - before.energy
        elif close and before.power is not None and now.power is not None:
            self._gpu = (self._gpu or 0.0) + (before.power + now.power) / 2 * seconds
