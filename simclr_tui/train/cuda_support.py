"""Find out why a GPU that this machine has would not be used, and say so in a sentence.

Torch alone says only "no GPU". NVML belongs to the driver and knows the GPU whatever torch was built for, so asking
both tells a machine without a GPU from one whose driver and torch do not fit.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import pynvml
import torch

from simclr_tui.errors import RecipeError

_ON_THE_CPU = "train on the CPU: --device cpu, or CUDA_VISIBLE_DEVICES=-1 simclr resume RUN"
_HIDING = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")


@dataclass(frozen=True)
class DriverGpu:
    """Describe the first GPU that the driver has; `cuda` is the newest CUDA version that the driver supports, as
    `12.2`."""

    name: str
    driver: str
    cuda: str


def driver_gpu() -> DriverGpu | None:
    """Return the driver's first GPU; None where there is none, or where the environment hides it on purpose."""
    if any(os.environ.get(name, "0").strip() in ("", "-1", "none", "void", "NoDevFiles") for name in _HIDING):
        return None
    try:
        pynvml.nvmlInit()
        try:
            if not pynvml.nvmlDeviceGetCount():
                return None
            name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(0))
            cuda = pynvml.nvmlSystemGetCudaDriverVersion()
            return DriverGpu(str(name), str(pynvml.nvmlSystemGetDriverVersion()), f"{cuda // 1000}.{cuda % 1000 // 10}")
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return None


def refuse_unused_gpu() -> None:
    """Raise RecipeError where torch sees no GPU although the driver has one: training would silently be on the CPU."""
    gpu = driver_gpu()
    if gpu is None:
        return
    if torch.version.cuda is None:
        raise RecipeError(
            f"there is a GPU ({gpu.name}, driver {gpu.driver}), but torch {torch.__version__} is built for CPUs",
            f"install a build of torch for CUDA {gpu.cuda} or older, or {_ON_THE_CPU}",
        )
    raise RecipeError(
        f"torch {torch.__version__}, built for CUDA {torch.version.cuda}, cannot use this machine's GPU ({gpu.name}):"
        f" its driver {gpu.driver} supports CUDA up to {gpu.cuda}",
        f"update the driver, install a build of torch for CUDA {gpu.cuda} or older, or {_ON_THE_CPU}",
    )


def refuse_unsupported_gpu(device: torch.device) -> None:
    """Raise RecipeError where torch was built without kernels for the GPU, which would fail at the first of them."""
    capability, built = torch.cuda.get_device_capability(device), torch.cuda.get_arch_list()
    if built and not has_kernels(capability, built):
        raise RecipeError(
            f"torch {torch.__version__} has no kernels for {torch.cuda.get_device_name(device)} (compute capability"
            f" {capability[0]}.{capability[1]}); it was built for {', '.join(built)}",
            f"install a build of torch that supports this GPU (an older release may), or {_ON_THE_CPU}",
        )


def has_kernels(capability: tuple[int, int], built: list[str]) -> bool:
    """Return whether code for these architectures (`sm_80`, `compute_90`) runs on a GPU of that compute capability.

    Binary code (`sm`) runs on its own major version from its minor version on; code for `compute` is compiled by the
    driver, for any GPU that is not older (CUDA C++ Programming Guide, "Compute Capability").
    """
    for name in built:
        found = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", name)
        if found is None:
            continue
        kind, suffix, (major, minor) = found[1], found[4], (int(found[2]), int(found[3]))
        if suffix == "a":  # `sm_90a` runs on 9.0 alone
            runs = (major, minor) == capability
        elif kind == "compute":
            runs = (major, minor) <= capability
        else:
            runs = major == capability[0] and minor <= capability[1]
        if runs:
            return True
    return False
