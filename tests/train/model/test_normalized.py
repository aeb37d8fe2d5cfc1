"""Normalisation by mean and deviation is part of the encoder: measured once, saved with it, told beside an export."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.normalized import IMAGENET, NormalizedEncoder, measure_statistics
from simclr_tui.train.persist.checkpoint import build_from

NARROW = {"width": 0.125, "image_size": 16}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_statistics_are_numpys(dtype):
    top = np.iinfo(dtype).max
    images = np.random.default_rng(0).integers(0, top // np.array([1, 2, 4])[:, None, None], (100, 3, 8, 8), dtype)
    mean, deviation = measure_statistics(images)
    np.testing.assert_allclose(mean, (images / top).mean(axis=(0, 2, 3)), rtol=1e-9)
    np.testing.assert_allclose(deviation, (images / top).std(axis=(0, 2, 3)), rtol=1e-6)


def test_an_encoder_sees_normalised_views_and_keeps_the_statistics_in_its_state():
    torch.manual_seed(0)
    recipe = Recipe(normalize="data", **NARROW)
    encoder = build_encoder(recipe, 2).eval()
    assert isinstance(encoder, NormalizedEncoder)
    encoder.set_statistics((0.2, 0.5), (0.1, 0.0))
    views = torch.rand(3, 2, 16, 16)
    plain = encoder.encoder((views - encoder.mean) / encoder.std)
    assert torch.equal(encoder(views), plain)
    assert encoder.statistics[1][1] > 0.0, "a constant channel is not divided by zero"
    again = build_from(recipe, {"encoder": encoder.state_dict(), "channels": 2})
    torch.testing.assert_close(again(views), plain)


def test_imagenets_statistics_are_for_rgb_alone():
    encoder = build_encoder(Recipe(normalize="imagenet", **NARROW))
    assert isinstance(encoder, NormalizedEncoder)
    assert encoder.statistics[0] == pytest.approx(IMAGENET[0])
    with pytest.raises(RecipeError, match="for RGB, not 5 channels"):
        build_encoder(Recipe(normalize="imagenet", **NARROW), 5)


def test_normalisation_draws_nothing():
    torch.manual_seed(0)
    plain = build_encoder(Recipe(**NARROW)).weights()
    torch.manual_seed(0)
    normalised = build_encoder(Recipe(normalize="data", **NARROW)).weights()
    assert all(torch.equal(plain[name], tensor) for name, tensor in normalised.items())
