"""Schedules by step: the learning rate (§2.2) and the side of growing views."""

from __future__ import annotations

import math

_FULLY_GROWN = 0.8  # fraction of the steps after which views have their full side
_SIDE_MULTIPLE = 4  # keeps the number of different sides small: kernels are selected anew for each shape


def learning_rate(step: int, steps: int, warmup_steps: int, peak: float) -> float:
    """Return the learning rate at step `step`, counted from 0, of `steps` (§2.2).

    Before `warmup_steps` it is peak · step / warmup_steps; from there on it is
    peak · ½ (1 + cos(π · (step − warmup_steps) / (steps − warmup_steps))), and 0 from `steps` on.
    As published, a warm-up starts at exactly 0: its first step changes only momentum and batch-norm statistics.
    """
    if step < warmup_steps:
        return peak * step / warmup_steps
    if step >= steps:
        return 0.0
    return peak * 0.5 * (1.0 + math.cos(math.pi * (step - warmup_steps) / (steps - warmup_steps)))


def view_side(step: int, steps: int, first: int, last: int) -> int:
    """Return the side in pixels of the views at step `step`, counted from 0, of `steps`.

    The time of a convolution grows with the square of the side, and coarse features are learnt first, so growing
    views see more images in the same time. If `first` is 0, views do not grow.
    """
    progress = step / (_FULLY_GROWN * steps)
    if not first or progress >= 1.0:
        return last
    return max(first, _SIDE_MULTIPLE * int((first + (last - first) * progress) / _SIDE_MULTIPLE))
