"""Find where a step's host waits for the device, for one recipe of each kind.

PyTorch warns at every synchronisation that it notices (`torch.cuda.set_sync_debug_mode`); each is counted here under
the lines of this package that led to it. On a CPU there are none, and the rehearsal shows that every recipe trains.
"""

from __future__ import annotations

import collections
import contextlib
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.steps import BATCH, ON_GPU, Verdict, before_each_step, folder, say, synchronize, training
from simclr_tui.store.run import Run
from simclr_tui.train import loop

EVERY_OPERATION = {"noise": 0.5, "sobel": 0.2, "rotate": 0.5, "cutout": 0.5, "blur": 0.5}


@contextlib.contextmanager
def counted_waits() -> Iterator[collections.Counter[str]]:
    """Yield a counter of synchronisations by the lines that led to them."""
    lines: collections.Counter[str] = collections.Counter()
    show = warnings.showwarning

    def note(message: Any, *_: Any, **__: Any) -> None:
        if "called a synchronizing" in str(message):
            ours = [frame for frame in traceback.extract_stack() if "/simclr_tui/" in frame.filename]
            lines[" < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(ours[-3:]))] += 1

    warnings.showwarning = note  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = note  # type: ignore[assignment]
            yield lines
    finally:
        warnings.showwarning = show
        if ON_GPU:
            torch.cuda.set_sync_debug_mode("default")


def watch(verdict: Verdict, name: str, *, warm: int = 6, **flags: Any) -> None:
    """Train an epoch; from step `warm` on, every wait of the host is counted and the speed is measured."""
    times: dict[str, float] = {}
    steps = 0

    def before(step: int) -> None:
        nonlocal steps
        steps = step
        if step == warm:
            synchronize()
            times["began"] = time.perf_counter()
            if ON_GPU:
                torch.cuda.set_sync_debug_mode("warn")

    def after_last() -> None:
        if ON_GPU:
            torch.cuda.set_sync_debug_mode("default")
        synchronize()
        times["ended"] = time.perf_counter()

    try:
        parts, run = training(**flags)
        asked = time.perf_counter()
        with counted_waits() as waits, before_each_step(before, after_last):
            loop.train(parts)
        losses = Run(run.path).history().points("loss")[1]
    except Exception as error:  # the other recipes are still worth a look
        traceback.print_exc()
        say(f"{name}: {type(error).__name__}: {str(error)[:150]}")
        verdict.fail(name)
        return
    counted = steps - warm + 1
    speed = counted * parts.recipe.batch_size / (times["ended"] - times["began"])
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at most" if ON_GPU else ""
    say(
        f"{name}: {sum(waits.values())} waits in {counted} steps, {speed:,.0f} images/s,"
        f" {times['began'] - asked:.1f} s to step {warm}, loss {losses[0]:.3f} to {losses[-1]:.3f}{memory}"
    )
    for line, count in waits.most_common(6):
        say("   waits", count, line)
    if waits or not np.isfinite(losses).all():
        verdict.fail(name)
    if ON_GPU:
        torch.cuda.reset_peak_memory_stats()


def main() -> int:
    verdict = Verdict()
    watch(verdict, "bf16, SGD")
    watch(verdict, "LARS", optimizer="lars", lr=0.3)
    watch(verdict, "AdamW, all operations", optimizer="adamw", lr=1e-3, lr_scaling="none", **EVERY_OPERATION)
    watch(verdict, "fp16, clipped", precision="fp16" if ON_GPU else "fp32", clip=1.0)
    watch(verdict, "micro-batches", micro_batch=str(BATCH // 4))
    watch(verdict, "growing views", grow_from=16)
    data = folder("DATA")
    if (data / ".done").exists():
        os.environ["SIMCLR_DECODED"] = "0"
        watch(verdict, "from files", data=f"folder:{data}")
        del os.environ["SIMCLR_DECODED"]
    else:
        say("from files: left out, the images are not unpacked yet")
    if ON_GPU:
        watch(verdict, "captured", capture=True, warm=8)
        watch(verdict, "compiled", compile=True, warm=8)
        watch(verdict, "compiled and captured", compile=True, capture=True, warm=8)
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
