"""Where and how precisely a run computes: checked on the machine, not assumed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.distributed import SINGLE_PROCESS, ProcessGroup


@dataclass(frozen=True)
class Compute:
    """The device, and the type that autocast lowers to (None: float32 throughout)."""

    device: torch.device
    autocast: torch.dtype | None

    @property
    def name(self) -> str:
        """For people: the GPU's name or the number of threads."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return f"CPU, {torch.get_num_threads()} threads"

    @property
    def precision(self) -> str:
        return {None: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[self.autocast]


def choose_compute(recipe: Recipe, group: ProcessGroup = SINGLE_PROCESS) -> Compute:
    """Resolve `--device`, `--precision` and `--threads`; each process of this machine gets a GPU, or its share of the
    CPU's threads, of its own. Raises RecipeError for a device that is not there."""
    if recipe.threads or group.local_size > 1:
        torch.set_num_threads(recipe.threads or max(1, torch_threads() // group.local_size))
    device = _device(recipe.device, group)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    precision = recipe.precision
    if precision == "auto":
        precision = "bf16" if has_bf16(device) else "fp32"
    return Compute(device, {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision])


def torch_threads() -> int:
    """The cores that this process may use. Torch's own number is 1 under torchrun, which sets OMP_NUM_THREADS."""
    return len(os.sched_getaffinity(0))


def _device(name: str, group: ProcessGroup) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and group.size > 1:
        name = f"cuda:{group.local_rank}"
    if name == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RecipeError(
            f"--device {name}: torch {torch.__version__} sees no GPU", "see simclr doctor, or --device cpu"
        )
    index = int(name.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise RecipeError(f"--device {name}: there are {torch.cuda.device_count()} GPUs", "count from cuda:0")
    return torch.device("cuda", index)


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 itself. Emulated, it would be slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if not torch.backends.mkldnn.is_available():
        return False
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & words)
