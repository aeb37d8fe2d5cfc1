"""Query NVML, value by value. Every function here may hang; `gpu.py` puts a deadline on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from simclr_tui.hardware.sample import GpuSample
from simclr_tui.text import safe

T = TypeVar("T")

_MAX_GPUS = 1024
_MAX_CELSIUS = 200
_MAX_MILLIWATT = 10**8
_MAX_MILLIJOULE = 10**15  # a kilowatt for thirty years
# NVML marks an unknown size with the highest value of the type.
_MAX_BYTES = 2**63


class NvmlSession:
    """Manage NVML from init to shutdown: the first question opens it, a failure closes it."""

    def __init__(self, module: Any = None) -> None:
        self._module = module
        self._open = False
        self.retired = False  # abandoned by its reader: close when the hung call returns

    def ask(self, question: Callable[[Any], T]) -> T:
        """Ask the module a question and return its answer. Raises whatever the question raises."""
        if not self._open:
            self._start()
        try:
            answer = question(self._module)
        except Exception:
            self.close()
            raise
        if self.retired:
            self.close()
        return answer

    def close(self) -> None:
        if self._open:
            self._open = False
            _try(self._module, "nvmlShutdown")

    def _start(self) -> None:
        if self._module is None:
            import pynvml

            self._module = pynvml
        self._module.nvmlInit()
        self._open = True


def read_names(nvml: Any) -> tuple[str, ...]:
    """Return the name of each GPU, `n/a` where it is unknown. Raises if the GPUs cannot be counted."""
    names = (_text(_try(nvml, "nvmlDeviceGetName", handle)) for handle in _handles(nvml))
    return tuple(name or "n/a" for name in names)


def read_gpus(nvml: Any, pids: Collection[int]) -> tuple[GpuSample, ...]:
    """Return one sample per GPU; `process_memory` covers `pids`. Raises if the GPUs cannot be counted."""
    handles = _handles(nvml)
    listings = [_processes(nvml, handle) if pids else None for handle in handles]
    # Inside a container NVML may list the host's pids. Only if one of ours appears somewhere does its absence
    # elsewhere mean "no memory on this GPU".
    seen = any(pid in pids for listing in listings for pid, _ in listing or ())
    return tuple(
        _read_gpu(nvml, index, handle, process_memory=_memory_of(listing, pids) if seen else None)
        for index, (handle, listing) in enumerate(zip(handles, listings, strict=True))
    )


def _read_gpu(nvml: Any, index: int, handle: Any, *, process_memory: int | None) -> GpuSample:
    if handle is None:
        return GpuSample(index)
    memory = _memory(nvml, handle)
    rates = _try(nvml, "nvmlDeviceGetUtilizationRates", handle)
    sensor = getattr(nvml, "NVML_TEMPERATURE_GPU", 0)
    return GpuSample(
        index=index,
        name=_text(_try(nvml, "nvmlDeviceGetName", handle)),
        uuid=_text(_try(nvml, "nvmlDeviceGetUUID", handle)),
        memory_used=_bytes(getattr(memory, "used", None)),
        memory_total=_bytes(getattr(memory, "total", None)),
        process_memory=process_memory,
        utilization=_scaled(getattr(rates, "gpu", None), 0.01, 100),
        temperature=_scaled(_try(nvml, "nvmlDeviceGetTemperature", handle, sensor), 1.0, _MAX_CELSIUS),
        power=_scaled(_try(nvml, "nvmlDeviceGetPowerUsage", handle), 1e-3, _MAX_MILLIWATT),
        energy=_scaled(_try(nvml, "nvmlDeviceGetTotalEnergyConsumption", handle), 1e-3, _MAX_MILLIJOULE),
        power_limit=_scaled(_try(nvml, "nvmlDeviceGetEnforcedPowerLimit", handle), 1e-3, _MAX_MILLIWATT),
    )


def _handles(nvml: Any) -> list[Any]:
    count = nvml.nvmlDeviceGetCount()
    if not isinstance(count, int) or not 0 <= count <= _MAX_GPUS:
        raise ValueError(f"NVML counts {count!r} GPUs")
    return [_try(nvml, "nvmlDeviceGetHandleByIndex", index) for index in range(count)]


def _memory(nvml: Any, handle: Any) -> Any:
    # Version 2 excludes the driver's own reserve from `used`, as nvidia-smi does; old drivers lack it.
    version = getattr(nvml, "nvmlMemory_v2", None)
    memory = _try(nvml, "nvmlDeviceGetMemoryInfo", handle, version) if version else None
    return memory if memory is not None else _try(nvml, "nvmlDeviceGetMemoryInfo", handle)


def _processes(nvml: Any, handle: Any) -> list[tuple[int, int | None]] | None:
    """Return (pid, bytes) of every compute process on the GPU, or None where NVML does not say."""
    found = _try(nvml, "nvmlDeviceGetComputeRunningProcesses", handle) if handle is not None else None
    if not isinstance(found, list):
        return None
    return [(getattr(one, "pid", -1), _bytes(getattr(one, "usedGpuMemory", None))) for one in found]


def _memory_of(listing: list[tuple[int, int | None]] | None, pids: Collection[int]) -> int | None:
    if listing is None:
        return None
    total = 0
    for pid, memory in listing:
        if pid in pids:
            if memory is None:
                return None
            total += memory
    return total


def _try(nvml: Any, name: str, *arguments: Any) -> Any:
    """Make one NVML call and return its result, or None if it fails in any way.

    Drivers, MIG, permissions and versions of the binding each raise their own errors (NVMLError, AttributeError,
    UnicodeDecodeError, ctypes' …), and all of them mean the same here: this one reading is unavailable.
    """
    try:
        return getattr(nvml, name)(*arguments)
    except Exception:
        return None


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    return safe(value) or None if isinstance(value, str) else None


def _bytes(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < _MAX_BYTES else None


def _scaled(value: object, factor: float, highest: float) -> float | None:
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= highest:
        return None
    return value * factor
