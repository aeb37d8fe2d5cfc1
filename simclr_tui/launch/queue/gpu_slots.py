"""Slots for queued runs: a number of runs at once on each GPU, or on the CPU of a machine without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from simclr_tui.hardware.sample import GpuSample
from simclr_tui.hardware.visible import gpu_key, is_slice
from simclr_tui.recipe.recipe import Recipe

Place = tuple[str, ...]
"""The GPUs of one run by uuid (or index, where the driver gives no uuid); empty for the CPU."""

_SPARE_BYTES, _SPARE_SHARE = 1e9, 0.1  # what a driver, a desktop or an idle process may hold


def wants_gpu(recipe: Recipe, gpus: Sequence[GpuSample]) -> bool:
    return bool(gpus) and recipe.device != "cpu"


def find_place(recipe: Recipe, taken: Sequence[Place], gpus: Sequence[GpuSample], *, slots: int) -> Place | None:
    """Return a free place for one more run, on the least used GPUs; None while there is none.

    `gpus` are the visible ones in CUDA's order: `cuda:1` is the second of them, whatever its index.
    """
    if not wants_gpu(recipe, gpus):
        return () if sum(not place for place in taken) < slots else None
    used = Counter(key for place in taken for key in place)
    named = recipe.device.removeprefix("cuda:")
    eligible = (gpus[int(named) : int(named) + 1] if named.isdigit() else gpus) or gpus
    wanted = len(eligible) if recipe.gpus == "all" else min(int(recipe.gpus), len(eligible))
    free = [gpu for gpu in eligible if used[gpu_key(gpu)] < slots and not is_foreign(gpu, used[gpu_key(gpu)])]
    free.sort(key=lambda gpu: used[gpu_key(gpu)])
    return tuple(gpu_key(gpu) for gpu in free[:wanted]) if len(free) >= wanted else None


def is_foreign(gpu: GpuSample, ours: int) -> bool:
    """Return True if someone else computes there: more memory is in use than the driver and our runs account for.

    A GPU that does not answer is left alone too. Where the driver does not report memory per process (in most
    containers), a GPU with a run of ours counts as ours. A MIG slice that the user has named is never foreign.
    """
    if is_slice(gpu):
        return False
    if not gpu.alive():
        return True
    if gpu.memory_used is None or (ours and gpu.process_memory is None):
        return False
    spare = max(_SPARE_BYTES, _SPARE_SHARE * (gpu.memory_total or 0))
    return gpu.memory_used - (gpu.process_memory or 0) > spare


def environment(recipe: Recipe, place: Place) -> dict[str, str]:
    """Return the variables that restrict a run to its GPUs; a run with a numbered GPU (`cuda:1`) sees all of ours.

    Without a uuid the index is NVML's, whereas CUDA's default order puts the fastest GPU first.
    """
    if not place or recipe.device.startswith("cuda:"):
        return {}
    order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if any(key.isdigit() for key in place) else {}
    return {"CUDA_VISIBLE_DEVICES": ",".join(place)} | order
