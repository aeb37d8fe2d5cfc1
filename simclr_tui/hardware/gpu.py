"""Read the GPUs through NVML. Nothing raises; callers wait at most for the deadline, not at all after a failure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.hardware.deadline import Backoff, Guard
from simclr_tui.hardware.nvml import NvmlSession, read_gpus, read_names
from simclr_tui.hardware.sample import GpuSample
from simclr_tui.hardware.visible import visible

T = TypeVar("T")

DEADLINE = 2.0


class GpuReader:
    """Read the GPUs; safe to share between threads.

    `nvml` is a module like pynvml, by default pynvml itself. If the driver hangs or fails as a whole, every reading
    becomes n/a and the reader backs off; if a single GPU is lost, only its readings do, and NVML is reinitialised.
    """

    def __init__(self, nvml: Any = None, clock: Clock = SYSTEM_CLOCK, deadline: float = DEADLINE) -> None:
        self._module = nvml
        self._session = NvmlSession(nvml)
        self._guard = Guard("nvml", clock, deadline)
        self._reopening = Backoff(clock)
        self._known: dict[int, GpuSample] = {}

    @property
    def problem(self) -> str:
        """Return why the GPUs are n/a, in the driver's words; empty if they are not."""
        return self._guard.problem

    def gpus(self, pids: Collection[int] = ()) -> tuple[GpuSample, ...]:
        """Return one sample per GPU, with the memory of the processes `pids`.

        A GPU seen before keeps its index, name and uuid while it cannot be read. Empty without a driver.
        """
        samples = self._ask(lambda nvml: read_gpus(nvml, pids))
        if samples is None:
            return tuple(_nameplate(gpu) for gpu in self._known.values())
        if all(sample.alive() for sample in samples):
            self._reopening.reset()
        elif self._reopening.ready():
            self._reopening.fail()
            self._guard.call(self._session.close)
        shown = tuple(self._recognised(sample) for sample in samples)
        self._known = {sample.index: sample for sample in shown}
        return shown

    def names(self) -> tuple[str, ...]:
        """Return the names of the GPUs that respond now."""
        return self._ask(read_names) or ()

    def count(self) -> int:
        """Return how many GPUs respond now."""
        return len(self.names())

    def _ask(self, question: Callable[[Any], T]) -> T | None:
        session = self._session
        answer = self._guard.call(lambda: session.ask(question))
        if answer is None:
            session.retired = True
            self._session = NvmlSession(self._module)
        return answer

    def _recognised(self, sample: GpuSample) -> GpuSample:
        if sample.alive() or sample.index not in self._known:
            return sample
        return _nameplate(self._known[sample.index])


def _nameplate(gpu: GpuSample) -> GpuSample:
    return GpuSample(gpu.index, gpu.name, gpu.uuid)


@functools.cache
def shared_reader() -> GpuReader:
    """Return this process's only reader: NVML is queried in one place, however many runs are watched."""
    return GpuReader()


def gpu_count() -> int:
    """Return how many NVIDIA GPUs CUDA_VISIBLE_DEVICES leaves visible; 0 without a driver."""
    return len(visible(shared_reader().gpus()))


def gpu_names() -> tuple[str, ...]:
    """Return the GPUs' names, such as `NVIDIA H100 80GB HBM3`; empty without a driver."""
    return shared_reader().names()


def gpus() -> tuple[GpuSample, ...]:
    """Return one sample per GPU; empty without a driver."""
    return shared_reader().gpus()
