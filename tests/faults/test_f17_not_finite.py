"""F17: a NaN or an infinity, in the loss or in the gradient, never reaches weights or checkpoints."""

from __future__ import annotations

import math
import random

import pytest
import torch

from simclr_tui.errors import ExitCode
from simclr_tui.train.model.head import ProjectionHead
from tests.train.test_loop import next_attempt, train
from tests.training import STEPS, assert_same, tensors, tiny_run

SEED = 17


def at_step(step, change):
    """`ProjectionHead.forward`, whose z `change` is done to at that step, counted from 1 in this attempt."""
    honest, steps = ProjectionHead.forward, iter(range(1, 10**6))

    def forward(self, h):
        z = honest(self, h)
        return change(z) if self.training and next(steps) == step else z

    return forward


def spoilt_gradient(value):
    def change(z):
        z.register_hook(lambda gradient: gradient * value)
        return z

    return change


@pytest.mark.timeout(1800)
def test_what_is_not_finite_is_caught_before_the_weights(tmp_path, fault, monkeypatch):
    chance = random.Random(SEED)
    whole = tiny_run(tmp_path / "whole")
    assert train(whole) == ExitCode.OK
    for number in range(fault("F17", 50, "steps spoilt by a NaN or an infinity", SEED, few=3)):
        run = tiny_run(tmp_path / str(number))
        step, value = chance.randrange(1, STEPS + 1), chance.choice([math.nan, math.inf, -math.inf])
        place = chance.choice(["loss", "gradient"])
        change = spoilt_gradient(value) if place == "gradient" else lambda z, value=value: z * value
        with monkeypatch.context() as patch:
            patch.setattr(ProjectionHead, "forward", at_step(step, change))
            assert train(run) == ExitCode.DIVERGED
        assert run.state == "failed"
        assert f"the {place} is not finite at step {step} " in run.status.reason
        for tensor in tensors(run).values() if run.checkpoints else ():
            assert not isinstance(tensor, torch.Tensor) or bool(torch.isfinite(tensor).all())
        next_attempt(run)
        assert train(run) == ExitCode.OK
        assert_same(run, whole)
