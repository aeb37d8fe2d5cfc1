from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.head import ProjectionHead, ScaleOnlyBatchNorm1d, build_head


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


def test_three_layers_with_norms_are_what_the_definition_gives():
    torch.manual_seed(0)
    head = ProjectionHead(6, 10, 4, batch_norm=True, kind="mlp3").double()
    for p in head.parameters():
        nn.init.uniform_(p, 0.2, 1.5)
    h = torch.randn(12, 6, dtype=torch.float64)

    def layer(number: int, x: torch.Tensor) -> torch.Tensor:
        x = x @ head.get_submodule(f"linear{number}").weight.T
        norm = head.get_submodule(f"bn{number}")
        x = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt() * norm.weight
        return x if norm.bias is None else x + norm.bias

    torch.testing.assert_close(head(h), layer(3, F.relu(layer(2, F.relu(layer(1, h))))))


@pytest.mark.parametrize(
    ("kind", "batch_norm", "shapes"),
    [
        ("none", True, {}),
        ("none", False, {}),
        ("linear", True, {"linear1.weight": (4, 6), "bn1.weight": (4,)}),
        ("linear", False, {"linear1.weight": (4, 6), "linear1.bias": (4,)}),
        (
            "mlp3",
            True,
            {
                "linear1.weight": (10, 6), "bn1.weight": (10,), "bn1.bias": (10,),
                "linear2.weight": (10, 10), "bn2.weight": (10,), "bn2.bias": (10,),
                "linear3.weight": (4, 10), "bn3.weight": (4,),
            },
        ),
        (
            "mlp3",
            False,
            {
                "linear1.weight": (10, 6), "linear1.bias": (10,),
                "linear2.weight": (10, 10), "linear2.bias": (10,),
                "linear3.weight": (4, 10), "linear3.bias": (4,),
            },
        ),
    ],
)  # fmt: skip
def test_every_head_has_its_layers_and_no_others(kind, batch_norm, shapes):
    head = ProjectionHead(6, 10, 4, batch_norm=batch_norm, kind=kind)
    assert {name: tuple(p.shape) for name, p in head.named_parameters()} == shapes
    assert head.z_dim == (6 if kind == "none" else 4)
    shiftless = [module for module in head.modules() if isinstance(module, ScaleOnlyBatchNorm1d)]
    assert [module.bias for module in shiftless] == ([None] if batch_norm and kind != "none" else [])


def test_no_head_leaves_h_as_it_is_and_a_linear_one_has_no_bend():
    h = torch.randn(5, 6)
    assert torch.equal(ProjectionHead(6, 0, 4, batch_norm=True, kind="none")(h), h)
    linear = ProjectionHead(6, 0, 4, batch_norm=False, kind="linear")
    torch.testing.assert_close(linear(-h), h @ -linear.linear1.weight.T + linear.linear1.bias)


def test_a_hidden_width_of_zero_is_that_of_h():
    head = ProjectionHead(6, 0, 4, batch_norm=False, kind="mlp3")
    assert [head.get_submodule(f"linear{n}").weight.shape for n in (1, 2, 3)] == [(6, 6), (6, 6), (4, 6)]


@pytest.mark.parametrize("kind", ["none", "linear", "mlp", "mlp3"])
def test_the_recipe_names_its_head(kind):
    head = build_head(Recipe(head=kind, head_hidden=10, head_dim=4, head_bn=False), 6)
    expected = ProjectionHead(6, 10, 4, batch_norm=False, kind=kind)
    assert {n: p.shape for n, p in head.named_parameters()} == {n: p.shape for n, p in expected.named_parameters()}


@pytest.mark.parametrize("kind", ["linear", "mlp", "mlp3"])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_every_parameter_gets_a_gradient_under_autocast(batch_norm, kind):
    head = ProjectionHead(8, 0, 5, batch_norm=batch_norm, kind=kind)
    with torch.autocast("cpu", torch.bfloat16):
        z = head(torch.randn(16, 8))
    z.float().square().sum().backward()
    assert z.shape == (16, 5)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in head.parameters())


@pytest.mark.parametrize("kind", ["none", "linear", "mlp", "mlp3"])
def test_the_state_loads_into_a_fresh_head_and_survives_eval(kind):
    first, second = (
        ProjectionHead(8, 0, 5, batch_norm=True, kind=kind),
        ProjectionHead(8, 0, 5, batch_norm=True, kind=kind),
    )
    first(torch.randn(32, 8))
    second.load_state_dict(first.state_dict(), strict=True)
    h = torch.randn(3, 8)
    torch.testing.assert_close(first.eval()(h), second.eval()(h))
