"""Choose where and how precisely a run computes: checked on the machine, not assumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from simclr_tui.errors import RecipeError
from simclr_tui.limits import usable_cores
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.cuda_support import refuse_unsupported_gpu, refuse_unused_gpu
from simclr_tui.train.distributed import SINGLE_PROCESS, ProcessGroup

_DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
_TENSOR_CORES = (7, 0)
"""The first compute capability that multiplies float16 in tensor cores."""


@dataclass(frozen=True)
class Compute:
    """Hold a device, and the type that autocast lowers to (None: float32 throughout)."""

    device: torch.device
    autocast: torch.dtype | None

    @property
    def name(self) -> str:
        """Return the name shown to people: the GPU's, or the number of threads."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        if self.device.type == "mps":
            return "Apple GPU (MPS)"
        return f"CPU, {torch.get_num_threads()} threads"

    @property
    def float64_device(self) -> torch.device:
        """Return the device for what is computed in float64: this one, or the CPU where an Apple GPU has no float64."""
        return torch.device("cpu") if self.device.type == "mps" else self.device

    @property
    def precision(self) -> str:
        """Return `fp32`, `bf16` or `fp16`."""
        return next(name for name, dtype in _DTYPES.items() if dtype == self.autocast)

    def with_precision(self, precision: str) -> Compute:
        """Return the same device with another precision."""
        return Compute(self.device, _DTYPES[precision])


def choose_compute(recipe: Recipe, group: ProcessGroup = SINGLE_PROCESS, *, scales_loss: bool = False) -> Compute:
    """Resolve `--device`, `--precision` and `--threads`; each process gets a GPU, or a share of the CPU's threads.

    `auto` is bf16 where the hardware multiplies it; on an older GPU it is fp16 for a caller that `scales_loss`, and
    fp32 otherwise. Raises RecipeError for a device that is not there, and for a GPU that torch cannot use.
    """
    if recipe.threads or group.local_size > 1:
        torch.set_num_threads(recipe.threads or max(1, torch_threads() // group.local_size))
    device = _device(recipe.device, group)
    if device.type == "cuda":
        refuse_unsupported_gpu(device)
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        _keep_tf32_to_convolutions()
    precision: str = recipe.precision
    if precision == "auto":
        precision = best_precision(device, scales_loss=scales_loss)
    if precision == "fp16" and device.type == "mps":
        raise RecipeError("--precision fp16 is not supported on Apple's GPU", "give --precision fp32, or auto")
    return Compute(device, _DTYPES[precision])


def _keep_tf32_to_convolutions() -> None:
    """Let only convolutions round to TF32 in fp32: matrix products are also the loss, kNN, probes and views."""
    torch.backends.cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision("highest")


def torch_threads() -> int:
    """Return the number of cores this process may use; torch's own is 1 under torchrun, which sets OMP_NUM_THREADS."""
    return usable_cores()


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return the tensor on the device; a copy to an NVIDIA GPU is queued from pinned memory, without waiting for it."""
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    # By NumPy: torch would wake a thread on every core for it, and at 70 steps a second these never sleep again.
    np.copyto(pinned.numpy(), tensor.numpy())
    return pinned.to(device, non_blocking=True)


def _device(name: str, group: ProcessGroup) -> torch.device:
    if name == "auto":
        name = _best_device()
    if name == "cuda" and group.size > 1:
        name = f"cuda:{group.local_rank}"
    if name in ("cpu", "mps"):
        if name == "mps" and not torch.backends.mps.is_available():
            raise RecipeError(f"--device mps: torch {torch.__version__} sees no Apple GPU", "give --device cpu")
        return torch.device(name)
    if not torch.cuda.is_available():
        refuse_unused_gpu()
        raise RecipeError(
            f"--device {name}: torch {torch.__version__} sees no GPU", "see simclr doctor, or --device cpu"
        )
    index = int(name.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        there = "there is 1 GPU" if count == 1 else f"there are {count} GPUs"
        raise RecipeError(f"--device {name}: {there}", "count from cuda:0")
    return torch.device("cuda", index)


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    refuse_unused_gpu()
    return "mps" if torch.backends.mps.is_available() else "cpu"


def best_precision(device: torch.device, *, scales_loss: bool) -> str:
    """Return the precision that `auto` stands for on a device."""
    if has_bf16(device):
        return "bf16"
    if device.type == "cuda" and scales_loss and torch.cuda.get_device_capability(device) >= _TENSOR_CORES:
        return "fp16"
    return "fp32"


def has_bf16(device: torch.device) -> bool:
    """Return whether the hardware multiplies bfloat16 itself. Emulated, it would be slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & words)
