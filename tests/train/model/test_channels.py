"""Encoders for images of any number of channels: the network is the same but for its first convolution."""

from __future__ import annotations

import pytest
import torch

from simclr_tui.errors import RecipeError
from simclr_tui.launch.plan import recipe_cost
from simclr_tui.recipe.cost import cost
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.tasks.encoder_facts import encoder_facts
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.first_layer import first_convolution, fit_first_layer
from simclr_tui.train.model.torchvision_import import import_torchvision

NATIVE = [Recipe(width=0.25), Recipe(encoder="resnet50", width=0.125, stem="imagenet", image_size=64)]
OTHERS = {
    "efficientnet_b0": 32, "densenet121": 32, "googlenet": 32, "mobilenet_v3_small": 32, "resnext50_32x4d": 32,
    "swin_t": 32, "vgg11": 32, "vit_b_16": 32, "timm:resnet10t": 32, "timm:test_vit": 32,
}  # fmt: skip
RECIPES = [*NATIVE, *(Recipe(encoder=name, image_size=side) for name, side in OTHERS.items())]


@pytest.fixture(autouse=True)
def _quiet():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("recipe", "channels"),
    [*((recipe, 5) for recipe in RECIPES), (NATIVE[0], 1), (RECIPES[2], 1), (RECIPES[-1], 2)],
    ids=lambda value: getattr(value, "encoder", value),
)
def test_an_encoder_takes_any_number_of_channels_and_listens_to_each(recipe, channels):
    encoder = build_encoder(recipe, channels).eval()
    assert encoder.channels == channels
    rgb = build_encoder(recipe)
    differing = {name for name, tensor in encoder.state_dict().items() if tensor.shape != rgb.state_dict()[name].shape}
    assert len(differing) == 1
    images = torch.rand(2, channels, recipe.image_size, recipe.image_size, requires_grad=True)
    h = encoder(images)
    assert h.shape == (2, encoder.dim)
    h.square().sum().backward()
    heard = images.grad.abs().sum(dim=(0, 2, 3))
    assert (heard > 0.02 * heard.mean()).all()


@pytest.mark.parametrize("name", OTHERS)
def test_the_lines_of_a_library_build_the_same_for_five_channels(name):
    encoder = build_encoder(Recipe(encoder=name, image_size=OTHERS[name]), 5).eval()
    names: dict = {}
    exec("\n".join(encoder.source_lines), names)
    plain = names["encoder"].eval()
    plain.load_state_dict(encoder.weights(), strict=True)
    images = torch.rand(2, 5, OTHERS[name], OTHERS[name])
    with torch.no_grad():
        torch.testing.assert_close(encoder(images), plain(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 12])
def test_a_fitted_first_layer_keeps_the_variance_of_its_outputs(channels):
    model = import_torchvision().models.mobilenet_v3_large(weights=None)
    _, before = first_convolution(model)
    lines = fit_first_layer(model, channels)
    _, after = first_convolution(model)
    assert lines[0].startswith(f"encoder.features[0][0] = torch.nn.Conv2d({channels}, 16, 3, ")
    with torch.no_grad():
        ratio = after(torch.randn(16, channels, 64, 64)).std() / before(torch.randn(16, 3, 64, 64)).std()
    assert ratio == pytest.approx(1.0, abs=0.2)


def test_three_channels_are_the_librarys_own_layer():
    model = import_torchvision().models.resnet18(weights=None)
    before = model.conv1.weight.clone()
    assert fit_first_layer(model, 3) == []
    assert torch.equal(model.conv1.weight, before)


def test_an_encoder_without_a_convolution_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="no convolution"):
        first_convolution(torch.nn.Linear(3, 4))
    with pytest.raises(RecipeError, match="cannot take images of 16 pixels and 5 channels"):
        build_encoder(Recipe(encoder="alexnet", image_size=16), 5)


def test_the_cost_before_a_launch_counts_the_channels_that_the_recipe_names():
    plain = recipe_cost(Recipe()).parameters
    assert recipe_cost(Recipe(channels="13")).parameters == plain + 10 * 64 * 9
    assert recipe_cost(Recipe(channels="1,3")).parameters == plain - 64 * 9


@pytest.mark.parametrize("recipe", NATIVE, ids=lambda recipe: recipe.encoder)
@pytest.mark.parametrize("channels", [1, 13])
def test_the_cost_counts_the_channels(recipe, channels):
    told, counted = cost(recipe, channels=channels), encoder_facts(recipe, channels)
    head = cost(recipe).parameters - encoder_facts(recipe).parameters
    assert told.parameters == counted.parameters + head
    assert told.macs - cost(recipe).macs == counted.macs - encoder_facts(recipe).macs
