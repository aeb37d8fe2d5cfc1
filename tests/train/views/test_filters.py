"""Cutout, Sobel and noise by themselves."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from scipy import ndimage, stats

from simclr_tui.train.views.filters import NOISE_STD, add_noise, cutout, normals, sobel
from tests.train.views.reference_views import reference_normals

SEEDS = torch.tensor([0, 1, 2, 7, 2**32, 2**53 - 1])


def test_cutout_blanks_half_the_side_and_is_clipped_at_the_border():
    for side in (8, 9, 32, 33):
        row, column = torch.tensor([side // 2, 0, side - 1]), torch.tensor([side // 2, 0, side // 2])
        blank = cutout(torch.ones(3, 3, side, side), row, column)[:, 0] == 0
        length = side // 2
        above, below = length // 2, length - length // 2  # of the centre, which belongs to the lower part
        assert blank.sum((1, 2)).tolist() == [length**2, below**2, (above + 1) * length]
        assert blank[0].any(1).nonzero().min() == side // 2 - above
        assert blank[1, :below, :below].all()


def test_cutout_blanks_all_channels_and_nothing_else():
    images = torch.rand(4, 3, 16, 16) * 0.9 + 0.1
    cut = cutout(images, torch.tensor([0, 3, 8, 15]), torch.tensor([9, 3, 8, 15]))
    blank = cut == 0
    assert torch.equal(blank[:, 0], blank[:, 1])
    assert torch.equal(blank[:, 0], blank[:, 2])
    assert torch.equal(cut[~blank], images[~blank])
    assert images.min() > 0


def test_sobel_equals_scipys_with_mirrored_borders():
    images = torch.rand(2, 3, 11, 11)
    for image, ours in zip(images.flatten(0, 1), sobel(images).flatten(0, 1), strict=True):
        gradient = [ndimage.sobel(image.double().numpy(), axis, mode="mirror") for axis in (0, 1)]
        np.testing.assert_allclose(ours, np.hypot(*gradient) / math.sqrt(20), atol=1e-6)


def test_sobel_of_every_black_and_white_patch_lies_within_the_unit_range_and_reaches_one():
    """The magnitude is convex in the pixels, so that its maximum is at corners of the cube."""
    patches = torch.tensor(list(itertools.product((0.0, 1.0), repeat=9))).view(-1, 1, 3, 3)
    centres = sobel(patches.expand(-1, 3, 3, 3))[:, 0, 1, 1]
    assert centres.max() <= 1.0
    assert centres.max() > 1.0 - 1e-6
    assert centres.min() == 0.0


def test_sobel_of_a_flat_image_is_black():
    assert sobel(torch.full((1, 3, 8, 8), 0.7)).abs().max() == 0.0


def test_normals_equal_split_mix_and_box_muller():
    for count in (1, 2, 7, 300):
        ours = normals(SEEDS, count)
        assert ours.shape == (len(SEEDS), count)
        for seed, row in zip(SEEDS.tolist(), ours, strict=True):
            np.testing.assert_allclose(row, reference_normals(seed, count), atol=1e-5)


def test_normals_are_normal_within_a_view_and_across_views():
    values = normals(torch.arange(1000) * 1_000_003, 1001).double().numpy()
    count = values.size
    assert abs(values.mean()) < 4 / math.sqrt(count)
    assert abs(values.var() - 1) < 4 * math.sqrt(2 / count)
    assert abs(stats.skew(values, axis=None)) < 4 * math.sqrt(6 / count)
    assert abs(stats.kurtosis(values, axis=None)) < 4 * math.sqrt(24 / count)
    assert stats.kstest(values.ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(values[0], "norm").pvalue > 1e-3
    assert stats.kstest(values[:, 0], "norm").pvalue > 1e-3


def test_normals_of_neighbouring_seeds_and_pixels_are_uncorrelated():
    values = normals(torch.arange(400), 3000).double().numpy()
    for one, other in (
        (values[:-1], values[1:]),
        (values[:, :-1], values[:, 1:]),
        (values[:, :1500], values[:, 1500:]),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4 / math.sqrt(one.size)
        assert abs(np.corrcoef(one.ravel() ** 2, other.ravel() ** 2)[0, 1]) < 4 / math.sqrt(one.size)


def test_the_noise_of_a_view_depends_on_its_seed_alone():
    images = torch.full((6, 3, 9, 9), 0.5)
    together = add_noise(images, SEEDS)
    for place in range(6):
        alone = add_noise(images[place : place + 1], SEEDS[place : place + 1])
        torch.testing.assert_close(alone[0], together[place], atol=1e-6, rtol=0)
    assert torch.equal(add_noise(images, SEEDS), together)


def test_noise_has_its_deviation_and_is_clamped():
    seeds = torch.arange(64) + 5
    gray = add_noise(torch.full((64, 3, 16, 16), 0.5), seeds)
    assert abs(gray.std() - NOISE_STD) < 0.002
    assert abs(gray.mean() - 0.5) < 0.002
    black = add_noise(torch.zeros(64, 3, 16, 16), seeds)
    assert black.min() == 0.0
    assert abs((black == 0.0).double().mean() - 0.5) < 0.01
    assert add_noise(torch.ones(64, 3, 16, 16), seeds).max() == 1.0
