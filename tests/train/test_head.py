from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from simclr_tui.train.head import ProjectionHead


def test_the_published_head_has_norms_no_linear_biases_and_no_last_shift():
    head = ProjectionHead(512, 0, 128, batch_norm=True)
    shapes = {name: tuple(p.shape) for name, p in head.named_parameters()}
    assert shapes == {
        "linear1.weight": (512, 512),
        "bn1.weight": (512,),
        "bn1.bias": (512,),
        "linear2.weight": (128, 512),
        "bn2.weight": (128,),
    }


def test_the_plain_head_is_two_linear_layers_with_biases():
    head = ProjectionHead(512, 1024, 64, batch_norm=False)
    shapes = {name: tuple(p.shape) for name, p in head.named_parameters()}
    assert shapes == {
        "linear1.weight": (1024, 512),
        "linear1.bias": (1024,),
        "linear2.weight": (64, 1024),
        "linear2.bias": (64,),
    }


def test_z_is_what_the_definition_gives():
    torch.manual_seed(0)
    head = ProjectionHead(6, 10, 4, batch_norm=True).double()
    for p in head.parameters():
        nn.init.uniform_(p, 0.2, 1.5)
    h = torch.randn(12, 6, dtype=torch.float64)

    def norm(x: torch.Tensor) -> torch.Tensor:
        return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()

    hidden = F.relu(norm(h @ head.linear1.weight.T) * head.bn1.weight + head.bn1.bias)
    expected = norm(hidden @ head.linear2.weight.T) * head.bn2.weight
    torch.testing.assert_close(head(h), expected)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_every_parameter_gets_a_gradient_under_autocast(batch_norm):
    head = ProjectionHead(8, 0, 5, batch_norm)
    with torch.autocast("cpu", torch.bfloat16):
        z = head(torch.randn(16, 8))
    z.float().square().sum().backward()
    assert z.shape == (16, 5)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in head.parameters())


def test_the_state_loads_into_a_fresh_head_and_survives_eval():
    first, second = ProjectionHead(8, 0, 5, True), ProjectionHead(8, 0, 5, True)
    first(torch.randn(32, 8))
    second.load_state_dict(first.state_dict(), strict=True)
    h = torch.randn(3, 8)
    torch.testing.assert_close(first.eval()(h), second.eval()(h))
