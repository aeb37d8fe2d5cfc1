"""A stand-in for pynvml that fails, hangs and lies on demand, raising pynvml's own errors."""

from __future__ import annotations

import threading
from collections import Counter
from types import SimpleNamespace

import pynvml

GIB = 2**30
READINGS = (
    "nvmlDeviceGetName",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetUtilizationRates",
    "nvmlDeviceGetTemperature",
    "nvmlDeviceGetPowerUsage",
    "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetTotalEnergyConsumption",
    "nvmlDeviceGetComputeRunningProcesses",
)


def nvml_error(code: int) -> Exception:
    return pynvml.NVMLError(code)


class FakeNvml:
    """`answers[name]` replaces what a call returns; `errors[name]` is raised; names in `hangs` wait for `release`.

    `lost` holds the indices of GPUs off the bus: until NVML is shut down and started anew after `repair`.
    """

    NVML_TEMPERATURE_GPU = 0
    nvmlMemory_v2 = 0x02000028

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self.answers: dict[str, object] = {}
        self.errors: dict[str, Exception] = {}
        self.hangs: set[str] = set()
        self.release = threading.Event()
        self.calls: Counter[str] = Counter()
        self.open_sessions = 0
        self.lost: set[int] = set()
        self.repaired = False
        self.processes: dict[int, list[tuple[int, int | None]]] = {}

    def repair(self) -> None:
        """The GPUs work again, for whoever starts NVML anew."""
        self.repaired = True

    def nvmlInit(self) -> None:
        self._call("nvmlInit")
        if self.open_sessions == 0 and self.repaired:
            self.lost.clear()
        self.open_sessions += 1

    def nvmlShutdown(self) -> None:
        self.open_sessions -= 1
        self._call("nvmlShutdown")

    def nvmlDeviceGetCount(self):
        return self._call("nvmlDeviceGetCount", self.count)

    def nvmlDeviceGetHandleByIndex(self, index: int):
        return self._call("nvmlDeviceGetHandleByIndex", index)

    def nvmlDeviceGetName(self, handle: int):
        return self._call("nvmlDeviceGetName", "NVIDIA H100 80GB HBM3")  # still told when the GPU is lost

    def nvmlDeviceGetUUID(self, handle: int):
        return self._call("nvmlDeviceGetUUID", f"GPU-{handle}", handle)

    def nvmlDeviceGetMemoryInfo(self, handle: int, version: int | None = None):
        used = 10 * GIB if version else 11 * GIB
        return self._call("nvmlDeviceGetMemoryInfo", SimpleNamespace(used=used, total=80 * GIB), handle)

    def nvmlDeviceGetUtilizationRates(self, handle: int):
        return self._call("nvmlDeviceGetUtilizationRates", SimpleNamespace(gpu=97, memory=40), handle)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int):
        return self._call("nvmlDeviceGetTemperature", 61, handle)

    def nvmlDeviceGetPowerUsage(self, handle: int):
        return self._call("nvmlDeviceGetPowerUsage", 512_500, handle)

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int):
        return self._call("nvmlDeviceGetEnforcedPowerLimit", 700_000, handle)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int):
        return self._call("nvmlDeviceGetTotalEnergyConsumption", 9_876_500, handle)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int):
        found = [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in self.processes.get(handle, [])]
        return self._call("nvmlDeviceGetComputeRunningProcesses", found, handle)

    def _call(self, name: str, answer: object = None, handle: int | None = None) -> object:
        self.calls[name] += 1
        if name in self.hangs:
            self.release.wait()
        if name in self.errors:
            raise self.errors[name]
        if handle in self.lost:
            raise nvml_error(pynvml.NVML_ERROR_GPU_IS_LOST)
        return self.answers.get(name, answer)


class HandClock:
    """A clock that moves only by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def wall(self) -> float:
        return 1.7e9 + self.now

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
