"""Check the GPU in a minute: does it agree with the CPU, do steps wait for it, how fast is each preset?

`python -m simclr_tui.bench.gpu_check` prints a JSON list of findings; `simclr doctor --gpu` shows them. Without a GPU
that torch can use it prints one sentence to stderr and exits with 1.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

import msgspec
import torch

from simclr_tui.bench.train import Bench, Variant, as_in_a_run
from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.recipe.presets import presets
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import resolve
from simclr_tui.store.finding import Finding
from simclr_tui.text import size
from simclr_tui.train.device import Compute, choose_compute
from simclr_tui.train.out_of_memory import is_out_of_memory

_CIFAR, _IMAGENET = 50_000, 1_281_167  # training images of the data sets that presets are meant for
SMALL = Recipe(width=0.25, batch_size=64, image_size=32)
_COMPARED, _WATCHED, _TIMED = 3, 10, 20  # steps
_TOLERANCE = 0.02


def main() -> int:
    try:
        compute = choose_compute(Recipe(device="cuda"), scales_loss=True)
    except SimclrError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    findings = list(gpu_findings(compute, {name: resolve(name).recipe for name in presets()}))
    sys.stdout.write(msgspec.json.encode(findings).decode() + "\n")
    return int(any(finding.verdict == "bad" for finding in findings))


def gpu_findings(compute: Compute, recipes: dict[str, Recipe], small: Recipe = SMALL) -> Iterator[Finding]:
    """Yield the findings about a device; `recipes` are the presets to time, by name."""
    yield Finding("good", "device", f"{compute.name}, {compute.precision}")
    yield compare_with_cpu(compute, small)
    yield find_waits(compute, small)
    for name, recipe in recipes.items():
        yield time_preset(compute, name, recipe)


def compare_with_cpu(compute: Compute, recipe: Recipe) -> Finding:
    """Take the same first steps in float32 on the device and on a CPU, and compare their losses."""
    cpu = Compute(torch.device("cpu"), None)
    here, there = (Bench(recipe, place, Variant("fp32")).losses(_COMPARED) for place in (compute, cpu))
    apart = [abs(one - other) for one, other in zip(here, there, strict=True)]
    words = f"losses of the first steps differ from the CPU's by {', '.join(f'{value:.2g}' for value in apart)}"
    if all(value <= _TOLERANCE for value in apart):  # NaN is not
        return Finding("good", "numbers", words)
    return Finding("bad", "numbers", f"{words}: do not trust this GPU, its driver or torch; train with --device cpu")


def find_waits(compute: Compute, recipe: Recipe) -> Finding:
    """Count how often the host waits for the device over some steps, as far as torch detects it."""
    bench = Bench(recipe, compute, Variant(compute.precision))
    bench.images_per_s(1)
    on_gpu = compute.device.type == "cuda"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if on_gpu:
            torch.cuda.set_sync_debug_mode("warn")
        try:
            bench.take_steps(_WATCHED)
        finally:
            if on_gpu:
                torch.cuda.set_sync_debug_mode("default")
    waits = sum("called a synchronizing" in str(warning.message) for warning in caught)
    words = f"{waits} waits for the device in {_WATCHED} steps"
    return Finding("note" if waits else "good", "waits", f"{words}; please report this" if waits else words)


def time_preset(compute: Compute, name: str, recipe: Recipe) -> Finding:
    """Time a preset's step on generated images; report the time of a whole training and its peak memory."""
    if compute.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(compute.device)
    try:
        speed = Bench(recipe, compute, as_in_a_run(compute, recipe)).images_per_s(_TIMED)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return Finding("note", name, f"a batch of {recipe.batch_size} does not fit at once: give --micro-batch auto")
    images = _CIFAR if recipe.image_size <= 64 else _IMAGENET
    hours = recipe.epochs * images / speed / 3600
    peak = torch.cuda.max_memory_allocated(compute.device) if compute.device.type == "cuda" else 0
    memory = f", {size(peak)} at most" if peak else ""
    return Finding(
        "good", name, f"{speed:,.0f} images/s{memory}: {recipe.epochs} epochs of {images:,} images take {hours:.1f} h"
    )


if __name__ == "__main__":
    sys.exit(main())
