"""Where and how precisely a run computes: checked on the machine, not assumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe


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
        return "fp32" if self.autocast is None else "bf16"


def choose_compute(recipe: Recipe) -> Compute:
    """Resolve `--device`, `--precision` and `--threads`. Raises RecipeError for a device that is not there."""
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    device = _device(recipe.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    wanted = recipe.precision == "bf16" or (recipe.precision == "auto" and has_bf16(device))
    return Compute(device, torch.bfloat16 if wanted else None)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
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
