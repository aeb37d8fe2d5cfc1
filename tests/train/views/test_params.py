from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats

import simclr_tui.train.model.torchvision_import  # noqa: F401  (torchvision only after it)
from simclr_tui.recipe.recipe import OPERATIONS, Recipe
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.views.params import ORDERS, draw_crops, draw_views

N = 4000
CHANCES = {
    "flip": 0.3, "color_prob": 0.8, "gray": 0.2, "blur": 0.5, "cutout": 0.4, "rotate": 0.6, "sobel": 0.1, "noise": 0.7,
    "vflip": 0.5, "intensity": 0.4, "gamma": 0.3, "channel_drop": 0.2, "solarize": 0.6, "poisson": 0.35,
}  # fmt: skip
FLAGS = OPERATIONS[1:]
LATER = ("cutout", "rotate", "sobel", "noise", "vflip", "intensity", "gamma", "channel_drop", "solarize", "poisson")


@pytest.fixture(scope="module")
def drawn():
    return draw_views(Recipe(color_strength=0.5, seed=11, **CHANCES), 2, np.arange(N), 32)


def _arrays(params) -> dict[str, np.ndarray]:
    return {f.name: getattr(params, f.name) for f in dataclasses.fields(params) if f.name != "operations"}


def _torchvision_crops(side: int, area_min: float, count: int) -> np.ndarray:
    import_torchvision()
    from torchvision.transforms import RandomResizedCrop

    torch.manual_seed(0)
    image = torch.empty(3, side, side)
    draws = [RandomResizedCrop.get_params(image, [area_min, 1.0], [3 / 4, 4 / 3]) for _ in range(count)]
    return np.array(draws)


@pytest.mark.parametrize(("side", "area_min"), [(32, 0.08), (224, 0.2), (96, 0.95)])
def test_crop_boxes_are_distributed_as_torchvisions(side, area_min):
    ours = draw_views(Recipe(crop_min=area_min), 0, np.arange(N), side)
    reference = _torchvision_crops(side, area_min, 4000)
    for column, values in enumerate((ours.top, ours.left, ours.height, ours.width)):
        assert stats.ks_2samp(values, reference[:, column]).pvalue > 1e-3
    area = ours.height * ours.width
    assert stats.ks_2samp(area, reference[:, 2] * reference[:, 3]).pvalue > 1e-3


def test_crop_boxes_lie_within_the_image(drawn):
    assert drawn.top.min() >= 0
    assert drawn.left.min() >= 0
    assert (drawn.top + drawn.height).max() <= 32
    assert (drawn.left + drawn.width).max() <= 32
    assert drawn.height.min() > 0
    assert drawn.width.min() > 0


def test_a_crop_that_never_fits_is_the_whole_image():
    u = np.full((1, 22), 0.999)  # area near 1 at a ratio near 4/3, ten times
    assert [int(x[0]) for x in draw_crops(u, 0.99, 32)] == [0, 0, 32, 32]


def test_factors_follow_their_uniform_ranges(drawn):
    for values in (drawn.brightness, drawn.contrast, drawn.saturation):
        assert stats.kstest(values, stats.uniform(0.6, 0.8).cdf).pvalue > 1e-3
    assert stats.kstest(drawn.hue, stats.uniform(-0.1, 0.2).cdf).pvalue > 1e-3
    assert stats.kstest(drawn.sigma, stats.uniform(0.1, 1.9).cdf).pvalue > 1e-3
    assert stats.kstest(np.log(drawn.exponent), stats.uniform(np.log(2 / 3), np.log(9 / 4)).cdf).pvalue > 1e-3
    assert (drawn.brightness_range == 0.4).all()


def test_strong_colour_is_bounded_as_torchvision_bounds_it():
    params = draw_views(Recipe(color_strength=4.0), 0, np.arange(N), 32)
    assert stats.kstest(params.brightness, stats.uniform(0.0, 4.2).cdf).pvalue > 1e-3
    assert stats.kstest(params.hue, stats.uniform(-0.5, 1.0).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("field", "probability"), CHANCES.items())
def test_probabilities_are_the_recipes(drawn, field, probability):
    hits = int(getattr(drawn, field.removesuffix("_prob")).sum())
    assert stats.binomtest(hits, 2 * N, probability).pvalue > 1e-3


def test_cutouts_centre_is_anywhere_in_the_view_and_turns_are_1_2_or_3(drawn):
    for values in (drawn.cutout_row, drawn.cutout_column):
        assert stats.chisquare(np.bincount(values, minlength=32)).pvalue > 1e-3
    assert set(drawn.turns) == {1, 2, 3}
    assert stats.chisquare(np.bincount(drawn.turns)[1:]).pvalue > 1e-3


def test_cutouts_centre_is_drawn_in_the_views_pixels_not_the_sources():
    params = draw_views(Recipe(cutout=1.0, image_size=16), 0, np.arange(N), 96)
    assert (params.cutout_row.min(), params.cutout_row.max()) == (0, 15)


def test_noise_seeds_are_uniform_and_none_comes_twice(drawn):
    assert len(set(drawn.noise_seed)) == 2 * N
    assert stats.kstest(drawn.noise_seed, stats.uniform(0, 2**53).cdf).pvalue > 1e-3


def test_all_24_orders_are_equally_likely(drawn):
    assert len({tuple(order) for order in ORDERS}) == 24
    assert stats.chisquare(np.bincount(drawn.order, minlength=24)).pvalue > 1e-3


def test_the_draws_are_independent_of_one_another(drawn):
    constant = ("brightness_range", "contrast_range", "base_top", "base_left", "base_height", "base_width")
    arrays = {name: values.astype(float) for name, values in _arrays(drawn).items() if name not in constant}
    columns = np.stack(list(arrays.values()))
    correlation = np.corrcoef(columns)
    crop = slice(0, 4)  # top and height belong together, and so do left and width
    correlation[crop, crop] = 0.0
    np.fill_diagonal(correlation, 0.0)
    assert np.abs(correlation).max() < 0.06


def test_the_two_views_of_an_image_are_drawn_apart(drawn):
    assert abs(np.corrcoef(drawn.brightness[:N], drawn.brightness[N:])[0, 1]) < 0.06
    assert (drawn.top[:N] == drawn.top[N:]).mean() < 0.2


def test_a_view_does_not_depend_on_the_batch_it_is_drawn_in():
    recipe, samples = Recipe(**CHANCES), np.array([5, 99, 3, 40_000])
    whole = draw_views(recipe, 7, samples, 40)
    part = draw_views(recipe, 7, samples[[2, 1]], 40)
    for name, values in _arrays(whole).items():
        np.testing.assert_array_equal(getattr(part, name), values[[2, 1, 6, 5]])


def test_turning_one_operation_off_leaves_the_other_draws_alone():
    samples = np.arange(100)
    with_blur = draw_views(Recipe(blur=0.5), 0, samples, 32)
    without = draw_views(Recipe(blur=0.0, gray=0.0), 0, samples, 32)
    assert not without.blur.any()
    for name in ("top", "left", "height", "width", "flip", "color", "brightness", "hue", "order"):
        np.testing.assert_array_equal(getattr(with_blur, name), getattr(without, name))


def test_the_later_operations_leave_the_draws_of_the_earlier_ones_alone():
    samples = np.arange(100)
    before = draw_views(Recipe(blur=0.5), 3, samples, 32)
    after = draw_views(Recipe(blur=0.5, **dict.fromkeys(LATER, 1.0)), 3, samples, 32)
    later = (*LATER, "cutout_row", "cutout_column", "turns", "noise_seed", "exponent")
    for name in _arrays(before).keys() - set(later):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


@pytest.mark.parametrize("named", FLAGS)
def test_a_list_leaves_out_what_it_does_not_name(named):
    everything = dict.fromkeys(CHANCES, 1.0)
    params = draw_views(Recipe(augment=named, **everything), 0, np.arange(8), 32)
    assert params.operations == (named,)
    for flag in FLAGS:
        assert getattr(params, flag).all() == (flag == named)
        assert getattr(params, flag).any() == (flag == named)


def test_a_later_crop_has_its_box_in_the_view_instead_of_the_source():
    later = draw_views(Recipe(augment="color,crop", image_size=24), 0, np.arange(N), 96)
    first = draw_views(Recipe(augment="crop,color", image_size=24), 0, np.arange(N), 24)
    for name in ("top", "left", "height", "width"):
        np.testing.assert_array_equal(getattr(later, name), getattr(first, name))


def test_one_sided_augmentation_flags_first_views_alone_and_draws_the_same(drawn):
    one_sided = draw_views(
        Recipe(both_views=False, base_crop=False, color_strength=0.5, seed=11, **CHANCES), 2, np.arange(N), 32
    )
    for name, values in _arrays(drawn).items():
        ours = getattr(one_sided, name)
        np.testing.assert_array_equal(ours[:N], values[:N])
        np.testing.assert_array_equal(ours[N:], np.zeros(N, bool) if name in FLAGS else values[N:])
