"""Changes of values for images of any channels: each by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.for_channels import for_channels
from simclr_tui.recipe.recipe import OPERATIONS, Recipe
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.intensity import PEAK_COUNT, drop_channel, jitter_channels, shot_noise, solarize
from simclr_tui.train.views.params import draw_views

SEEDS = torch.arange(4000) * 7919
EVERY = dict.fromkeys([name for name in OPERATIONS if name not in ("crop", "flip", "color", "gray")], 0.5)


def test_channels_are_changed_apart_from_one_another():
    flat = torch.full((4000, 4, 2, 2), 0.4)
    reach = torch.full((4000,), 0.5)
    values = jitter_channels(flat, reach, torch.zeros(4000), SEEDS)[:, :, 0, 0]
    assert (values.min(), values.max()) == (pytest.approx(0.2, abs=1e-3), pytest.approx(0.6, abs=1e-3))
    correlation = np.corrcoef(values.numpy().T)
    assert np.abs(correlation - np.eye(4)).max() < 0.06
    assert torch.equal(jitter_channels(flat, reach * 0, reach * 0, SEEDS), flat)


def test_contrast_keeps_a_channels_mean():
    images = 0.5 + 0.2 * (torch.rand(50, 2, 8, 8, generator=torch.Generator().manual_seed(0)) - 0.5)
    steep = jitter_channels(images, torch.zeros(50), torch.full((50,), 0.9), SEEDS[:50])
    torch.testing.assert_close(steep.mean((2, 3)), images.mean((2, 3)))
    ratio = steep.std((2, 3)) / images.std((2, 3))
    assert 0.1 <= ratio.min() < 0.4
    assert 1.6 < ratio.max() <= 1.9 + 1e-5


def test_each_channel_is_dropped_equally_often_and_alone():
    dropped = drop_channel(torch.ones(4000, 5, 1, 1), SEEDS)[:, :, 0, 0] == 0
    assert (dropped.sum(dim=1) == 1).all()
    assert dropped.float().mean(dim=0).sub(0.2).abs().max() < 0.03


def test_shot_noise_grows_with_the_signal():
    images = torch.tensor([0.1, 0.5, 0.8]).view(1, 3, 1, 1).expand(400, 3, 16, 16)
    noise = shot_noise(images, SEEDS[:400]) - images
    for channel, value in enumerate((0.1, 0.5, 0.8)):
        assert abs(noise[:, channel].mean()) < 1e-3
        assert noise[:, channel].var().item() == pytest.approx(value / PEAK_COUNT, rel=0.06)
    assert shot_noise(torch.zeros(2, 1, 4, 4), SEEDS[:2]).abs().max() == 0.0


def test_solarize_inverts_from_a_half_upwards():
    values = torch.tensor([0.0, 0.25, 0.49, 0.5, 0.75, 1.0]).view(1, 1, 1, 6)
    assert solarize(values).flatten().tolist() == pytest.approx([0.0, 0.25, 0.49, 0.5, 0.25, 0.0])


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (2, np.uint16), (5, np.uint16)])
def test_every_operation_takes_any_channels_and_16_bits(channels, dtype):
    changes = EVERY | ({"channel_drop": 0.0} if channels == 1 else {})
    recipe, words = for_channels(Recipe(image_size=16, **changes), channels, rgb=False)
    assert "not RGB" in words
    depth8 = np.random.default_rng(0).integers(0, 256, (6, channels, 20, 20), np.uint8)
    images = depth8 if dtype == np.uint8 else depth8.astype(np.uint16) * 257
    params = draw_views(recipe, 0, np.arange(6), 20)
    views = two_views(torch.from_numpy(images), params, 16)
    assert views.shape == (12, channels, 16, 16)
    assert 0 <= views.min() < views.max() <= 1
    torch.testing.assert_close(views, two_views(torch.from_numpy(depth8), params, 16), atol=1e-4, rtol=0)


def test_colour_gives_way_to_intensity_where_channels_are_no_colours():
    recipe, words = for_channels(Recipe(), 5, rgb=False)
    assert recipe.operations == ("crop", "flip", "intensity")
    assert recipe.probability("intensity") == Recipe().color_prob
    assert words.startswith("5 channels, not RGB")
    assert for_channels(Recipe(), 3, rgb=True) == (Recipe(), "")
    gray_alone, _ = for_channels(Recipe(color_prob=0.0), 1, rgb=False)
    assert gray_alone.operations == ("crop", "flip")


@pytest.mark.parametrize(
    ("recipe", "channels", "words"),
    [
        (Recipe(augment="crop,color"), 4, "names color, which needs red, green and blue; the images have 4 channels"),
        (Recipe(augment="crop,gray"), 1, "names gray, which needs red, green and blue; the images have 1 channel"),
        (Recipe(channel_drop=0.5), 1, "--channel-drop would blank images of one channel"),
    ],
)
def test_views_that_such_images_cannot_have_are_refused_in_a_sentence(recipe, channels, words):
    with pytest.raises(RecipeError, match=words):
        for_channels(recipe, channels, rgb=False)
