"""Profile a few steps, eager and compiled and captured: a table of kernels each, and how long the device was busy."""

from __future__ import annotations

import collections
import sys
import time

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.steps import ON_GPU, before_each_step, folder, say, synchronize, training
from simclr_tui.train import loop

FIRST, COUNT = (14, 5) if ON_GPU else (4, 2)
KINDS = {
    "convolution": ("conv", "wgrad", "dgrad", "implicit", "fprop", "xmma", "cudnn", "sm90", "sm80"),
    "matrix product": ("gemm", "nvjet", "cutlass"),
    "batch norm": ("batch_norm", "welford", "bn_"),
    "triton": ("triton",),
    "optimizer": ("multi_tensor", "foreach"),
    "copy": ("memcpy", "memset", "copy"),
    "elementwise": ("elementwise",),
    "reduction": ("reduce",),
}


def kind(kernel: str) -> str:
    """Return what a kernel is for, by the words in its name."""
    name = kernel.lower()
    return next((kind for kind, words in KINDS.items() if any(word in name for word in words)), "other")


def profile_steps(name: str, fast: bool) -> None:
    parts, _ = training(compile=fast, capture=fast)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if ON_GPU else [])]
    profiler = profile(activities=activities)
    times: list[float] = []

    def before(step: int) -> None:
        if step not in (FIRST, FIRST + COUNT):
            return
        synchronize()
        if step == FIRST:
            profiler.start()
        times.append(time.perf_counter())
        if step > FIRST:
            profiler.stop()

    with before_each_step(before):
        loop.train(parts)
    key = "self_device_time_total" if ON_GPU else "self_cpu_time_total"
    table = profiler.key_averages().table(sort_by=key, row_limit=45, max_name_column_width=90)
    (folder("OUT") / f"profile-{name}.log").write_text(table)
    kernels = [event for event in profiler.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    if not kernels:
        say(f"{name}: {COUNT} steps profiled")
        return
    groups: collections.Counter[str] = collections.Counter()
    for event in kernels:
        groups[kind(event.name)] += event.time_range.elapsed_us()
    wall = (times[1] - times[0]) / COUNT * 1e3
    busy = sum(groups.values()) / 1e3 / COUNT
    say(f"{name}: {len(kernels) / COUNT:.0f} kernels a step, device busy {busy:.2f} ms of {wall:.2f} ms, profiled")
    say("  ", ", ".join(f"{group} {us / 1e3 / COUNT:.2f}" for group, us in groups.most_common(9)), "ms")


def main() -> int:
    profile_steps("eager", fast=False)
    if ON_GPU:
        profile_steps("fast", fast=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
