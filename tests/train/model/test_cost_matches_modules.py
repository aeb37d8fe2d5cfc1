"""The cost told before a run starts is that of the modules it will build."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from simclr_tui.recipe.cost import cost
from simclr_tui.recipe.recipe import NATIVE_ENCODERS, Recipe
from simclr_tui.tasks.encoder_facts import encoder_facts
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head

RECIPES = [
    Recipe(),
    Recipe(encoder="resnet34", width=0.25),
    Recipe(encoder="resnet50", width=0.25),
    Recipe(width=0.3, head_bn=False, head_hidden=100),
    Recipe(encoder="resnet50", width=0.15, stem="imagenet", image_size=96, head_dim=33),
    Recipe(width=0.11, stem="imagenet", image_size=37),
    Recipe(width=1.37, image_size=17, head_hidden=1024, head_bn=False),
    *(Recipe(encoder=name, width=0.125) for name in NATIVE_ENCODERS),
    *(
        Recipe(width=0.125, head=head, head_bn=norm, head_hidden=48)
        for head in ("none", "linear", "mlp", "mlp3")
        for norm in (True, False)
    ),
]


def multiply_adds(module: nn.Module, example: torch.Tensor) -> tuple[int, torch.Tensor]:
    """Counted at each convolution and linear layer while one example passes."""
    total = 0

    def count(layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        total += layer.weight[0].numel() * output.numel()

    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        output = module.eval()(example)
    for hook in hooks:
        hook.remove()
    return total, output


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.encoder}-{r.width}-{r.image_size}-{r.head}-{r.head_bn}")
def test_parameters_dimension_and_multiply_adds_are_those_of_the_modules(recipe):
    torch.set_num_threads(1)
    encoder = build_encoder(recipe)
    head = build_head(recipe, encoder.dim)
    counted = cost(recipe)
    assert (counted.dim, counted.z_dim) == (encoder.dim, head.z_dim)
    assert counted.parameters == sum(weight.numel() for part in (encoder, head) for weight in part.parameters())
    in_encoder, h = multiply_adds(encoder, torch.zeros(1, 3, recipe.image_size, recipe.image_size))
    in_head, _ = multiply_adds(head, h)
    assert counted.macs == in_encoder + in_head
    assert head(h).shape == (1, counted.z_dim)


@pytest.mark.parametrize("name", NATIVE_ENCODERS)
def test_counting_as_for_an_encoder_of_a_library_gives_the_same(name):
    recipe = Recipe(encoder=name, width=0.125, head="mlp3")
    assert cost(recipe, encoder_facts(recipe)) == cost(recipe)
