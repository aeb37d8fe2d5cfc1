"""F16: where there is no memory left, the run fails with what it knows, and goes on later with the batch it had."""

from __future__ import annotations

import random

import pytest
import torch

from simclr_tui.errors import ExitCode
from simclr_tui.train.model.head import ProjectionHead
from tests.faults.test_f17_not_finite import at_step
from tests.train.test_loop import next_attempt, train
from tests.training import STEPS, assert_same, tiny_run

SEED, PER_EPOCH = 16, 6


@pytest.mark.timeout(1800)
def test_a_step_without_memory_ends_the_run_with_its_checkpoints_whole(tmp_path, fault, monkeypatch):
    chance = random.Random(SEED)
    whole = tiny_run(tmp_path / "whole")
    assert train(whole) == ExitCode.OK
    for number in range(fault("F16", 20, "steps for which torch's allocator had no room", SEED)):
        run = tiny_run(tmp_path / str(number))
        step = chance.randrange(1, STEPS + 1)
        with monkeypatch.context() as patch:
            # More than any machine has: the allocator's own error, where a step's activations would be.
            patch.setattr(ProjectionHead, "forward", at_step(step, lambda z: z + torch.empty(1 << 60).sum()))
            assert train(run) == ExitCode.OUT_OF_MEMORY
        assert run.state == "failed"
        assert f"out of memory after step {step - 1}" in run.status.reason
        assert "--micro-batch" in run.status.reason
        assert [manifest.step for manifest in run.checkpoints][:1] == [(step - 1) // PER_EPOCH * PER_EPOCH][: step > 6]
        next_attempt(run)
        assert train(run) == ExitCode.OK
        assert_same(run, whole)
