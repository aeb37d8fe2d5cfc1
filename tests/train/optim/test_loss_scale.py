"""fp16's loss scale and the clipping of gradients, decided on the device."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from simclr_tui.errors import DivergedError, ExitCode
from simclr_tui.train.optim.loss_scale import SMALLEST, LossScale
from simclr_tui.train.optim.nonfinite_guard import NonfiniteGuard
from tests.train.test_loop import StopAfter, next_attempt, train
from tests.training import assert_same, tensors, tiny_run

CPU = torch.device("cpu")


def layer(grad):
    linear = nn.Linear(2, 1, bias=False)
    linear.weight.grad = torch.tensor([grad])
    return linear


def test_the_scale_follows_torchs_own_scaler():
    """GradScaler asks the host at every step; its rule is the same."""
    ours, theirs = LossScale(CPU), torch.amp.GradScaler("cpu", growth_interval=2000)
    theirs.scale(torch.ones(()))
    rng = torch.Generator().manual_seed(0)
    for step in range(4500):
        overflowed = step < 5 or (step > 4200 and torch.rand((), generator=rng) < 0.1)
        ours.update(torch.tensor(float(overflowed)))
        torch._amp_update_scale_(theirs._scale, theirs._growth_tracker, torch.tensor(float(overflowed)), 2.0, 0.5, 2000)
        assert float(ours.scale) == float(theirs._scale), step


def test_an_overflow_costs_its_own_step_alone():
    scale, linear = LossScale(CPU), layer([1.0, math.inf])
    guard = NonfiniteGuard([("head", linear)], CPU, scale)
    norm = guard.update(torch.tensor(2.0))
    assert float(guard.found_inf) == 1.0
    assert float(scale.scale) == 2.0**15
    guard.check(1, 2.0, float(norm), lr=0.1, last=[])
    linear.weight.grad = torch.tensor([[3.0, 4.0]])
    assert float(guard.update(torch.tensor(2.0))) == 5.0
    assert float(guard.found_inf) == 0.0


def test_a_gradient_that_no_scale_mends_ends_the_run():
    scale, linear = LossScale(CPU), layer([1.0, math.nan])
    guard = NonfiniteGuard([("head", linear)], CPU, scale)
    while float(scale.scale) >= SMALLEST:
        norm = guard.update(torch.tensor(2.0))
    with pytest.raises(DivergedError, match="gradient is not finite"):
        guard.check(30, 2.0, float(norm), lr=0.1, last=[])
    linear.weight.grad = torch.tensor([[3.0, 4.0]])
    guard.update(torch.tensor(2.0))
    assert float(guard.found_inf) == 1.0


def test_without_a_scale_the_first_overflow_stays():
    linear = layer([1.0, math.inf])
    guard = NonfiniteGuard([("head", linear)], CPU)
    guard.update(torch.tensor(2.0))
    linear.weight.grad = torch.tensor([[3.0, 4.0]])
    guard.update(torch.tensor(2.0))
    assert float(guard.found_inf) == 1.0


@pytest.mark.parametrize("most", [0.5, 5.0, 50.0])
def test_clipping_is_torchs(most):
    ours, theirs = layer([3.0, 4.0]), layer([3.0, 4.0])
    guard = NonfiniteGuard([("head", ours)], CPU)
    guard.clip(guard.update(torch.tensor(1.0)), most)
    nn.utils.clip_grad_norm_(theirs.parameters(), most)
    assert torch.allclose(ours.weight.grad, theirs.weight.grad, rtol=1e-5)


def test_a_run_with_clipping_differs_only_where_the_gradient_is_larger(tmp_path):
    free, clipped = tiny_run(tmp_path / "free", epochs=1), tiny_run(tmp_path / "clipped", epochs=1, clip=1e6)
    tight = tiny_run(tmp_path / "tight", epochs=1, clip=0.5)
    for run in (free, clipped, tight):
        assert train(run) == ExitCode.OK
    assert_same(free, clipped)
    assert free.metric("grad_norm").values[0] == tight.metric("grad_norm").values[0] > 0.5
    assert free.metric("loss").values[-1] != tight.metric("loss").values[-1]


def test_an_fp16_run_logs_its_scale_and_resumes_with_it(tmp_path):
    flags = {"precision": "fp16", "epochs": 1, "subset": 48, "knn_every": 0}
    whole, halted = tiny_run(tmp_path / "whole", **flags), tiny_run(tmp_path / "halted", **flags)
    assert train(whole) == ExitCode.OK
    scales, norms = whole.metric("loss_scale").values, whole.metric("grad_norm").values
    expected = 2.0**16
    for scale, norm in zip(scales, norms, strict=True):
        expected = expected if math.isfinite(norm) else expected / 2
        assert scale == expected
    assert whole.status.facts["precision"] == "fp16"
    assert train(halted, StopAfter(2)) == ExitCode.STOPPED
    next_attempt(halted)
    assert train(halted) == ExitCode.OK
    left, right = tensors(halted), tensors(whole)
    assert ".scale.scale" in left
    assert all(torch.equal(value, right[name]) for name, value in left.items() if isinstance(value, torch.Tensor))
