"""Take a sample of the machine in one call: host, GPUs, and the watched process with its children."""

from __future__ import annotations

import functools
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.hardware.deadline import Guard
from simclr_tui.hardware.gpu import GpuReader, shared_reader
from simclr_tui.hardware.host import CpuMeter, ProcessTree, TreeReading, core_count, disk_free, ram
from simclr_tui.hardware.rapl import RaplMeter
from simclr_tui.hardware.sample import GpuSample, HardwareSample

# A network disk can hang, just as a driver can.
_DISK_DEADLINE = 1.0


class Sampler:
    """Sample the machine, the process `pid` with its children, and the free space where `disk` is.

    Never raises. A hung driver or disk delays one sample by its deadline (2 s, 1 s) and later ones not at all.
    CPU readings are means since the last sample, so the first sample has no `process_cpu`.
    """

    def __init__(
        self, pid: int | None = None, disk: Path | None = None, clock: Clock = SYSTEM_CLOCK, *, nvml: Any = None
    ) -> None:
        self._clock = clock
        self._tree = ProcessTree(pid, clock) if pid is not None else None
        self._disk = disk
        self._disk_guard = Guard("disk", clock, _DISK_DEADLINE)
        # With nothing injected all samplers share one reader, and so one back-off after a hang.
        own = nvml is not None or clock is not SYSTEM_CLOCK
        self._gpus = GpuReader(nvml, clock) if own else shared_reader()
        self._cpu = CpuMeter()
        self._rapl = RaplMeter()
        self._lock = threading.Lock()

    def sample(self) -> HardwareSample:
        """Return the current readings. Safe to call from any thread."""
        with self._lock:
            tree = self._tree.read() if self._tree is not None else TreeReading()
            ram_used, ram_total = ram()
            return HardwareSample(
                time=self._clock.wall(),
                gpus=self._gpus.gpus(tree.pids),
                cpu=self._cpu.read(),
                ram_used=ram_used,
                ram_total=ram_total,
                disk_free=self._free(),
                process_rss=tree.rss,
                process_cpu=tree.cpu,
                cpu_energy=self._rapl.read(),
            )

    def _free(self) -> int | None:
        return self._disk_guard.call(functools.partial(disk_free, self._disk)) if self._disk is not None else None


def machine_summary(reader: GpuReader | None = None) -> str:
    """Return the machine in one line: `H100 80 GB`, `8 × A100 40 GB`, or `2 cores, 23.5 GB RAM, no GPU`.

    Memory is given in powers of two, as it is sold.
    """
    gpus = (reader or shared_reader()).gpus()
    if not gpus:
        return _host_summary()
    kinds = Counter(_kind(gpu) for gpu in gpus)
    return ", ".join(kind if count == 1 else f"{count} × {kind}" for kind, count in kinds.items())


def _host_summary() -> str:
    cores, (_, total) = core_count(), ram()
    parts = [
        f"{cores} core{'' if cores == 1 else 's'}" if cores is not None else "",
        f"{total / 2**30:.1f} GB RAM" if total is not None else "",
        "no GPU",
    ]
    return ", ".join(part for part in parts if part)


_MAKER = re.compile(r"^((NVIDIA|Tesla|GeForce)\s+)+", re.IGNORECASE)
_PACKAGING = re.compile(r"[\s-]+(SXM\d*|PCIe|HBM\w*|\d+\s?GB)(?![\w.])", re.IGNORECASE)
_SOLD_AS = re.compile(r"\b(\d+)\s?GB\b", re.IGNORECASE)


def _kind(gpu: GpuSample) -> str:
    """Return `A100 80 GB` for `NVIDIA A100-SXM4-80GB`."""
    full = gpu.name or "GPU"
    short = _PACKAGING.sub("", _MAKER.sub("", full))
    sold_as = _SOLD_AS.search(full)
    if sold_as is not None:
        return f"{short} {sold_as.group(1)} GB"
    return f"{short} {gpu.memory_total / 2**30:.0f} GB" if gpu.memory_total is not None else short
