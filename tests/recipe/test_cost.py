"""What a recipe costs, against figures counted elsewhere. The real modules are counted in tests/train."""

from __future__ import annotations

import pytest

from simclr_tui.recipe.cost import DEPTHS, EncoderFacts, cost, stage_widths
from simclr_tui.recipe.recipe import NATIVE_ENCODERS, Recipe


@pytest.mark.parametrize(
    ("encoder", "stem", "side", "giga"),
    [
        ("resnet18", "cifar", 32, 0.555),
        ("resnet18", "imagenet", 224, 1.814),
        ("resnet34", "imagenet", 224, 3.664),
        ("resnet50", "imagenet", 224, 4.089),
        ("resnet101", "imagenet", 224, 7.801),
        ("resnet152", "imagenet", 224, 11.514),
        ("resnet50", "cifar", 32, 1.298),
    ],
)
def test_multiply_adds_of_the_well_known_encoders(encoder, stem, side, giga):
    """Published with a classifier of 1000 classes, of 10 for CIFAR."""
    counted = cost(Recipe(encoder=encoder, stem=stem, image_size=side, head_dim=2, head_hidden=8))
    head, classifier = counted.dim * 8 + 8 * 2, counted.dim * (1000 if side == 224 else 10)
    assert (counted.macs - head + classifier) / 1e9 == pytest.approx(giga, abs=0.001)


@pytest.mark.parametrize(
    ("encoder", "dim", "parameters"),
    [
        ("resnet18", 512, 11_176_512),
        ("resnet50", 2048, 23_508_032),
        ("resnet101", 2048, 42_500_160),
        ("resnet152", 2048, 58_143_808),
    ],
)
def test_parameters_of_the_well_known_encoders(encoder, dim, parameters):
    """torchvision's counts without the classifier: 11,689,512 − 513,000; 25,557,032, 44,549,160 and 60,192,808, each
    − 2,049,000."""
    counted = cost(Recipe(encoder=encoder, stem="imagenet", head_bn=False, head_hidden=64, head_dim=32))
    assert counted.dim == dim
    assert counted.parameters == parameters + (dim * 64 + 64 + 64 * 32 + 32)


def test_widths_are_multiples_of_eight_and_double_at_width_one():
    assert stage_widths(1.0) == (64, 128, 256, 512)
    assert stage_widths(0.25) == (16, 32, 64, 128)
    assert stage_widths(0.01) == (8, 8, 8, 8)
    assert stage_widths(0.3) == (16, 40, 80, 152)


def test_a_checkpoint_holds_weights_and_optimiser_state():
    sgd, adam = cost(Recipe(optimizer="sgd")), cost(Recipe(optimizer="adam"))
    assert sgd.checkpoint_bytes == 4 * 2 * sgd.parameters
    assert adam.checkpoint_bytes == 4 * 3 * adam.parameters


def test_a_hidden_width_of_zero_is_that_of_h():
    assert cost(Recipe(head_hidden=0)) == cost(Recipe(head_hidden=512))


@pytest.mark.parametrize(
    ("head", "z_dim", "weights"),
    [("none", 512, 0), ("linear", 32, 512 * 32), ("mlp", 32, 512 * 64 + 64 * 32), ("mlp3", 32, 512 * 64 + 64 * 96)],
)
def test_a_head_costs_its_layers(head, z_dim, weights):
    bare = cost(Recipe(head="none"))
    counted = cost(Recipe(head=head, head_hidden=64, head_dim=32))
    assert (counted.dim, counted.z_dim) == (512, z_dim)
    assert counted.macs - bare.macs == weights
    norms = {"none": 0, "linear": 32, "mlp": 2 * 64 + 32, "mlp3": 4 * 64 + 32}[head]
    assert counted.parameters - bare.parameters == weights + norms


def test_an_encoder_of_a_library_is_taken_as_counted():
    recipe = Recipe(encoder="mobilenet_v3_small", head_hidden=64, head_dim=32, head_bn=False, optimizer="adam")
    counted = cost(recipe, EncoderFacts(dim=576, parameters=927_008, macs=10**6))
    parameters = 927_008 + 576 * 64 + 64 + 64 * 32 + 32
    assert (counted.dim, counted.z_dim, counted.parameters) == (576, 32, parameters)
    assert counted.macs == 10**6 + 576 * 64 + 64 * 32
    assert counted.checkpoint_bytes == 4 * 3 * parameters


def test_every_native_encoder_can_be_counted():
    assert tuple(DEPTHS) == NATIVE_ENCODERS


def test_larger_views_cost_more_and_weigh_the_same():
    small, large = cost(Recipe(image_size=32)), cost(Recipe(image_size=64))
    assert small.parameters == large.parameters
    assert large.macs == pytest.approx(4 * small.macs, rel=0.01)
