"""Work out which GPUs CUDA_VISIBLE_DEVICES leaves visible, reading it as CUDA does."""

from __future__ import annotations

import os
from collections.abc import Sequence

from simclr_tui.hardware.sample import GpuSample

_SLICE = "MIG-"


VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible(gpus: Sequence[GpuSample]) -> list[GpuSample]:
    """Return the GPUs among `gpus` that this process may use, in CUDA's order."""
    return visible_to(gpus, os.environ.get(VISIBLE))


def visible_to(gpus: Sequence[GpuSample], named: str | None) -> list[GpuSample]:
    """Return the GPUs among `gpus` that a value of CUDA_VISIBLE_DEVICES leaves (None: not set), in CUDA's order.

    A GPU is named by its index or by a prefix of its uuid; the first word that names none ends the list, so `-1` or
    an empty value hides all. A MIG slice is named by its own uuid, which NVML does not list among the GPUs: it is
    returned under that name, without readings.
    """
    if named is None:
        return list(gpus)
    found: dict[str, GpuSample] = {}
    for word in named.split(","):
        gpu = _named(word.strip(), gpus)
        if gpu is None:
            break
        found.setdefault(gpu_key(gpu), gpu)
    return list(found.values())


def gpu_key(gpu: GpuSample) -> str:
    """Return the GPU's name for CUDA_VISIBLE_DEVICES: its uuid, or its index where the driver reports none."""
    return gpu.uuid or str(gpu.index)


def is_slice(gpu: GpuSample) -> bool:
    """Return whether this is a MIG slice, which has no readings of its own."""
    return gpu_key(gpu).startswith(_SLICE)


def _named(word: str, gpus: Sequence[GpuSample]) -> GpuSample | None:
    if word.startswith(_SLICE):
        return GpuSample(index=-1, name="MIG", uuid=word)
    return next((gpu for gpu in gpus if word and (word == str(gpu.index) or (gpu.uuid or "").startswith(word))), None)
