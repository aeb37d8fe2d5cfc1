"""Time the same step by precision and by what compiles it: the median of three turns each, taken in turns."""

from __future__ import annotations

import contextlib
import json
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.gpu.steps import BATCH, DEVICE, ON_GPU, SMALL, Verdict, folder, say
from simclr_tui.bench.train import Bench, Variant
from simclr_tui.launch.plan import make_plan
from simclr_tui.train.device import choose_compute

TURNS = 3
STEPS = 60 if ON_GPU else 2
EAGER = "eager, bf16" if ON_GPU else "eager, fp32"


@contextlib.contextmanager
def compile_mode(mode: str | None) -> Iterator[None]:
    """Have torch.compile take this mode, whatever it is asked for."""
    plain = torch.compile

    def compile_so(*arguments: Any, **options: Any) -> Any:
        if mode is not None:  # torch takes a mode or options, not both
            own = options.get("options") or {}
            options["options"] = torch._inductor.list_mode_options(mode) | own
        return plain(*arguments, **options)

    torch.compile = compile_so
    try:
        yield
    finally:
        torch.compile = plain


def benches(verdict: Verdict) -> dict[str, Bench]:
    """Return the variants that run, each past its warm-up."""
    flags = {"data": "shapes", "bs": BATCH, "device": DEVICE} | SMALL
    recipe = make_plan("cifar10-sgd", flags=flags).resolved.recipe
    compute = choose_compute(recipe)
    wanted: dict[str, tuple[Variant, str | None]] = {EAGER: (Variant(compute.precision), None)}
    if ON_GPU:
        wanted |= {
            "eager, fp16": (Variant("fp16"), None),
            "compiled": (Variant(compute.precision, compiled=True), None),
            "compiled, CUDA graphs": (Variant(compute.precision, compiled=True), "reduce-overhead"),
        }
    found = {}
    for name, (variant, mode) in wanted.items():
        began = time.perf_counter()
        try:
            with compile_mode(mode):
                bench = Bench(recipe, compute, variant)
                for _ in range(TURNS):
                    bench.images_per_s(2)
        except Exception as error:  # the other variants are still worth their time
            traceback.print_exc()
            say(f"{name}: {type(error).__name__}: {str(error)[:150]}")
            verdict.fail(name)
        else:
            found[name] = bench
            say(f"{name}: ready after {time.perf_counter() - began:.1f} s")
    return found


def main() -> int:
    verdict = Verdict()
    ready = benches(verdict)
    speeds: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(TURNS):
        for name, bench in ready.items():
            speeds[name].append(bench.images_per_s(STEPS))
    for name, values in speeds.items():
        median = sorted(values)[TURNS // 2]
        spread = f"{min(values):,.0f} – {max(values):,.0f}"
        say(f"{name}: {median:,.0f} images/s ({spread}, n {TURNS}), {BATCH / median * 1e3:.2f} ms a step")
        parts = ready[name].split(10 if ON_GPU else 1)
        say(
            "  ",
            ", ".join(f"{part} {1e3 * seconds:.2f}" for part, seconds in parts.items()),
            "ms, waited for after each",
        )
    (folder("OUT") / "variants.json").write_text(json.dumps(speeds))
    if EAGER in speeds:  # for a later call, whose folder of results is empty
        (folder("WORK") / "speed").write_text(str(sorted(speeds[EAGER])[TURNS // 2]))
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
