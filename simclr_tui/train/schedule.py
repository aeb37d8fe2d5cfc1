"""The learning rate of every step: linear warm-up, then cosine to zero, without restarts (§2.2)."""

from __future__ import annotations

import math


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
