"""Schedules by step: the learning rate (§2.2), and the side of growing views."""

from __future__ import annotations

import math

_GROWN = 0.8  # share of the steps after which views have their full side
_SIDE = 4  # a side is a multiple of it, so that there are few of them: each is a shape that kernels are chosen for


def learning_rate(step: int, steps: int, warmup_steps: int, peak: float) -> float:
    """Return the rate of step `step`, counted from 0, of `steps`.

    Below warmup_steps: peak · step / warmup_steps. From there on:
    peak · ½ (1 + cos(π · (step − warmup_steps) / (steps − warmup_steps))), and 0 from `steps` on.
    As published, a warm-up starts at exactly 0: its first step moves only momentum and batch-norm statistics.
    """
    if step < warmup_steps:
        return peak * step / warmup_steps
    if step >= steps:
        return 0.0
    return peak * 0.5 * (1.0 + math.cos(math.pi * (step - warmup_steps) / (steps - warmup_steps)))


def view_side(step: int, steps: int, first: int, last: int) -> int:
    """Return the side in pixels of the views of step `step`, counted from 0, of `steps`.

    Convolutions take time with the square of the side, and what is learnt first is coarse: growing views see more
    images in the same time. `first` 0 stands for `last`: views do not grow.
    """
    share = step / (_GROWN * steps)
    if not first or share >= 1.0:
        return last
    return max(first, _SIDE * int((first + (last - first) * share) / _SIDE))
