from __future__ import annotations

import pytest
import torch
from torch import nn

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.torchvision_import import import_torchvision


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def _scramble_norms(model: nn.Module) -> None:
    """Give every batch norm statistics and an affine part of its own, so that a swapped one shows."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2.0)


def _macs(model: nn.Module, side: int) -> int:
    total = 0

    def count(module: nn.Conv2d, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        total += output[0].numel() * module.weight[0].numel()

    handles = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, side, side))
    for handle in handles:
        handle.remove()
    return total


@pytest.mark.parametrize(
    ("name", "training"),
    [
        ("resnet18", False),
        ("resnet18", True),
        ("resnet34", False),
        ("resnet50", False),
        ("resnet101", False),
        ("resnet152", False),
    ],
)
def test_the_weights_fit_torchvisions_resnet_and_give_its_features(name, training):
    import_torchvision()
    from torchvision.models import get_model

    encoder = build_encoder(Recipe(encoder=name, stem="imagenet"))
    _scramble_norms(encoder)
    reference = get_model(name, weights=None)
    reference.fc = nn.Identity()
    reference.load_state_dict(encoder.state_dict(), strict=True)
    views = torch.rand(4, 3, 64, 64)
    with torch.no_grad():
        h = encoder.train(training)(views)
        expected = reference.train(training)(views)
    assert h.shape == (4, encoder.dim)
    torch.testing.assert_close(h, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(encoder.state_dict(), reference.state_dict(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("name", "dim"), [("resnet18", 512), ("resnet34", 512), ("resnet50", 2048)])
def test_h_has_the_published_dimension(name, dim):
    assert build_encoder(Recipe(encoder=name)).dim == dim


def test_the_cifar_stem_keeps_the_resolution_and_costs_what_it_should():
    encoder = build_encoder(Recipe(encoder="resnet18", image_size=32))
    assert encoder.conv1.weight.shape == (64, 3, 3, 3)
    with torch.no_grad():
        stem = encoder.maxpool(encoder.conv1(torch.zeros(1, 3, 32, 32)))
        last = nn.Sequential(encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4)(stem)
    assert stem.shape[-2:] == (32, 32)
    assert last.shape[-2:] == (4, 4)
    assert _macs(encoder, 32) == pytest.approx(0.555e9, rel=2e-3)


def test_the_imagenet_stem_costs_what_torchvisions_does():
    assert _macs(build_encoder(Recipe(encoder="resnet50", image_size=224)), 224) == pytest.approx(4.09e9, rel=5e-3)


@pytest.mark.parametrize(
    ("stem", "size", "kernel"),
    [("auto", 32, 3), ("auto", 64, 3), ("auto", 96, 7), ("cifar", 224, 3), ("imagenet", 32, 7)],
)
def test_the_stem_follows_the_recipe(stem, size, kernel):
    assert build_encoder(Recipe(stem=stem, image_size=size, width=0.25)).conv1.kernel_size == (kernel, kernel)


@pytest.mark.parametrize(("width", "dim"), [(0.01, 8), (0.25, 128), (0.3, 152), (2.0, 1024)])
def test_width_scales_every_channel_in_steps_of_eight(width, dim):
    encoder = build_encoder(Recipe(width=width))
    channels = {m.out_channels for m in encoder.modules() if isinstance(m, nn.Conv2d)}
    assert all(c >= 8 and c % 8 == 0 for c in channels)
    assert encoder.dim == max(channels) == dim
    assert encoder.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, encoder.dim)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_zero_init_makes_every_block_start_as_its_shortcut(name):
    encoder = build_encoder(Recipe(encoder=name, zero_init=True, width=0.25)).eval()
    x = torch.rand(2, encoder.layer1[1].conv1.in_channels, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(encoder.layer1[1](x), x)
    plain = build_encoder(Recipe(encoder=name, width=0.25)).eval()
    with torch.no_grad():
        assert (plain.layer1[1](x) - x).abs().max() > 0.01


def test_convolutions_start_from_kaimings_fan_out():
    encoder = build_encoder(Recipe(encoder="resnet18"))
    weight = encoder.layer3[0].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)
    assert encoder.layer3[0].bn1.weight.eq(1).all()
    assert encoder.layer3[0].bn1.bias.eq(0).all()


def test_a_resnet_draws_nothing_while_it_trains():
    assert not build_encoder(Recipe(encoder="resnet50", width=0.125)).stochastic
