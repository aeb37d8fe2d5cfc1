"""Optimisers that do without torch's compiler: the same weights to the bit, and a run that never imports it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.optim import LBFGS, SGD, Adam, AdamW

from simclr_tui.train.optim.eager import eager
from simclr_tui.train.optim.optimizer import LARS
from tests.training import tiny_run

OPTIONS = {SGD: {"momentum": 0.9, "fused": True}, Adam: {"fused": True}, AdamW: {"fused": True}, LARS: {}}


def train(kind, options):
    """Three steps, its state into a new optimiser, three more; the weights and the last state."""
    torch.manual_seed(3)
    model = nn.Linear(5, 4)
    optimizer = kind([{"params": [model.weight]}, {"params": [model.bias], "weight_decay": 0.1}], lr=0.05, **options)
    for step in range(6):
        if step == 3:
            saved = optimizer.state_dict()
            optimizer = kind([{"params": [model.weight]}, {"params": [model.bias]}], lr=1.0, **options)
            optimizer.load_state_dict(saved)
        optimizer.found_inf = torch.tensor(float(step == 4))
        model(torch.randn(8, 5)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model, optimizer.state_dict()


@pytest.mark.parametrize("kind", OPTIONS, ids=lambda kind: kind.__name__)
def test_it_moves_the_weights_as_torchs_own_to_the_bit(kind):
    (expected, expected_state), (got, got_state) = train(kind, OPTIONS[kind]), train(eager(kind), OPTIONS[kind])
    assert torch.equal(got.weight, expected.weight)
    assert torch.equal(got.bias, expected.bias)
    assert str(got_state) == str(expected_state)


def test_a_step_that_evaluates_the_loss_itself_is_torchs_own():
    weights = []
    for kind in (LBFGS, eager(LBFGS)):
        torch.manual_seed(3)
        model = nn.Linear(5, 4)
        images = torch.randn(8, 5)
        optimizer = kind(model.parameters(), max_iter=5)

        def closure(model=model, images=images, optimizer=optimizer):
            optimizer.zero_grad()
            loss = model(images).square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        weights.append(model.weight.detach())
    assert torch.equal(*weights)


@pytest.mark.parametrize("optimizer", ["lars", "sgd"])
def test_a_run_imports_neither_the_compiler_nor_torchvision(tmp_path, optimizer):
    run = tiny_run(tmp_path, optimizer=optimizer, epochs=1)
    program = (
        "import runpy, sys\n"
        "try:\n"
        "    runpy.run_module('simclr_tui.train', run_name='__main__')\n"
        "finally:\n"
        "    print([name for name in ('torch._dynamo', 'torchvision', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(run.path)], capture_output=True, text=True, timeout=280)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert run.state == "finished"
