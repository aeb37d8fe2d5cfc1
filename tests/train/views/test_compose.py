"""Operations chosen by name, in the order in which they are named (§3.1)."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
import torch
from torch.nn import functional

from simclr_tui.recipe.recipe import OPERATIONS, Recipe
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views
from tests.train.views.reference_views import largest_difference, reference_view, reference_views, some_images

TOLERANCE = 2 / 255
FIGURE_5 = ("crop", "cutout", "color", "sobel", "noise", "blur", "rotate")
SELDOM = [name for name in OPERATIONS if name not in ("crop", "flip", "color")]
OFTEN = Recipe(color_strength=1.0, image_size=16, seed=2, **dict.fromkeys(SELDOM, 0.7))


def recipe_of(*operations: str, **changes: object) -> Recipe:
    return msgspec.structs.replace(OFTEN, augment=",".join(operations), **changes).check()


def views_of(recipe: Recipe, side: int, n: int = 6) -> torch.Tensor:
    return two_views(some_images(n, side), draw_views(recipe, 0, np.arange(n), side), recipe.image_size)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("side", [16, 25])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_alone_equals_its_reference(operation, side):
    assert largest_difference(recipe_of(operation), side, n=12) < TOLERANCE


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(FIGURE_5, 2)))
def test_each_pair_of_figure_5_equals_its_references_in_that_order(first, second):
    assert largest_difference(recipe_of(first, second), 20, n=8) < TOLERANCE


@pytest.mark.parametrize(
    "operations",
    [
        ("flip", "crop"), ("color", "flip"), ("crop", "color", "flip"), ("gray", "crop", "flip", "color"),
        OPERATIONS[::-1], ("noise", "sobel", "crop", "blur", "color", "cutout", "gray", "rotate", "flip"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", [16, 40])
def test_longer_lists_equal_their_references_in_that_order(operations, side):
    assert largest_difference(recipe_of(*operations), side, n=16) < TOLERANCE


def test_the_order_matters_and_is_the_lists():
    images = some_images(8, 16)
    drawn = {
        names: draw_views(recipe_of(*names, color_prob=1.0), 0, np.arange(8), 16)
        for names in (("color", "crop"), ("crop", "color"))
    }
    one, other = drawn.values()
    for name in ("top", "height", "brightness", "order"):  # the same draws
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    views = [two_views(images, params, 16) for params in drawn.values()]
    assert (views[0] - views[1]).abs().amax((1, 2, 3)).median() > 5 * TOLERANCE
    for ours, params in zip(views, drawn.values(), strict=True):
        assert (ours - reference_views(images, params, 16)).abs().max() < TOLERANCE


def test_auto_is_the_canonical_list():
    assert torch.equal(views_of(OFTEN, 24), views_of(recipe_of(*OPERATIONS), 24))


def test_a_list_makes_nothing_that_it_does_not_name():
    always = msgspec.structs.replace(
        OFTEN,
        **dict.fromkeys([name for name in OPERATIONS if name not in ("crop", "flip", "color")], 1.0),
        flip=1.0,
        color_prob=1.0,
    )
    images = some_images(6, 24)
    params = draw_views(msgspec.structs.replace(always, augment="crop"), 0, np.arange(6), 24)
    ours = two_views(images, params, 16)
    expected = torch.stack([reference_view(images[i % 6], params, i, 16, ("crop",)) for i in range(12)])
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=0)


def test_views_without_a_crop_are_the_whole_image():
    images = some_images(6, 40)
    whole = functional.interpolate(images / 255.0, 16, mode="bicubic", antialias=True).clamp(0, 1)
    views = two_views(images, draw_views(recipe_of("flip", flip=1.0), 0, np.arange(6), 40), 16)
    torch.testing.assert_close(views, torch.cat((whole, whole)).flip(3), atol=1e-4, rtol=0)


@pytest.mark.parametrize("operations", [OPERATIONS, ("color", "crop", "flip"), ("crop", "noise")])
def test_with_one_sided_augmentation_the_second_view_is_cropped_alone(operations):
    alone = {"base_crop": False}
    one_sided, both = (views_of(recipe_of(*operations, both_views=both, **alone), 24) for both in (False, True))
    assert torch.equal(one_sided[:6], both[:6])
    order = ("crop",) if operations[0] == "crop" else ("rotate", "crop")  # resized before it is cropped
    images, crops = some_images(6, 24), draw_views(recipe_of(*order), 0, np.arange(6), 24)
    for image, second, view in zip(images, one_sided[6:], range(6, 12), strict=True):
        crops.rotate[view] = False
        expected = reference_view(image, crops, view, 16, order)
        torch.testing.assert_close(second, expected, atol=1e-4, rtol=0)


def test_with_one_sided_augmentation_and_no_crop_the_second_view_is_the_resized_image():
    images = some_images(6, 40)
    views = views_of(recipe_of("noise", "flip", "rotate", flip=1.0, both_views=False, base_crop=False), 40)
    whole = functional.interpolate(images / 255.0, 16, mode="bicubic", antialias=True).clamp(0, 1)
    torch.testing.assert_close(views[6:], whole, atol=1e-4, rtol=0)
    assert (views[:6] - whole).abs().amax((1, 2, 3)).min() > 0.01


def base_crops(images: torch.Tensor, params, size: int) -> torch.Tensor:
    """The base crop of each image (N, C, S, S), by torch's own resampling."""
    boxes = zip(params.base_top, params.base_left, params.base_height, params.base_width, strict=True)
    spans = [image[None, :, top : top + height, left : left + width] / 255.0
             for image, (top, left, height, width) in zip(images, boxes, strict=False)]  # fmt: skip
    cut = [functional.interpolate(span, (size, size), mode="bicubic", antialias=True) for span in spans]
    return torch.cat(cut).clamp(0, 1)


@pytest.mark.parametrize("side", [16, 24, 80])
@pytest.mark.parametrize(
    "operations", [("rotate",), ("crop", "flip"), ("flip", "rotate"), ("rotate", "crop"), OPERATIONS]
)
def test_in_the_papers_study_the_second_view_is_a_base_crop_and_the_first_is_made_of_it(operations, side):
    recipe = recipe_of(*operations, both_views=False)
    images, params = some_images(6, side), draw_views(recipe, 0, np.arange(6), side)
    views, base = two_views(images, params, 16), base_crops(images, params, 16)
    torch.testing.assert_close(views[6:], base, atol=1e-4, rtol=0)
    assert len({tuple(box) for box in zip(params.base_top, params.base_left, params.base_height, strict=True)}) > 3
    if operations in (("rotate",), ("flip", "rotate")):
        for view, start, turns, turned, flipped in zip(
            views[:6], base, params.turns, params.rotate, params.flip, strict=False
        ):
            start = start.flip(2) if flipped else start
            torch.testing.assert_close(view, start.rot90(int(turns * turned), (1, 2)), atol=1e-4, rtol=0)
    if operations == ("crop", "flip"):
        for number, (view, start) in enumerate(zip(views[:6], base, strict=True)):
            top, left = params.top[number], params.left[number]
            span = start[None, :, top : top + params.height[number], left : left + params.width[number]]
            cut = functional.interpolate(span, (16, 16), mode="bicubic", antialias=True).clamp(0, 1)[0]
            torch.testing.assert_close(view, cut.flip(2) if params.flip[number] else cut, atol=1e-4, rtol=0)
        assert (views[:6] - base).abs().amax((1, 2, 3)).min() > 0.01


def test_a_base_crop_of_a_squeezed_image_is_drawn_in_its_own_shape():
    recipe, ids = recipe_of("rotate", both_views=False), np.arange(200)
    shapes = np.tile(np.array([[100, 400]], np.int32), (200, 1))
    params = draw_views(recipe, 0, ids, 32, shapes=shapes)
    ratio = 4 * params.base_width / params.base_height
    assert 0.6 < np.median(ratio) < 1.6, "a span of the squeezed line stands for four times as much"
    assert recipe.reading.crop_from == "whole"
    for name in ("base_top", "base_left", "base_height", "base_width"):
        np.testing.assert_array_equal(getattr(params, name)[:200], getattr(params, name)[200:])


@pytest.mark.parametrize("operations", [OPERATIONS, OPERATIONS[::-1], ("noise", "rotate"), ("blur", "crop")])
def test_a_view_does_not_depend_on_the_batch_it_is_made_in(operations):
    recipe, images = recipe_of(*operations), some_images(9, 24)
    ids = np.array([4, 8, 1, 77, 2**40, 0, 3, 5, 6])
    whole = two_views(images, draw_views(recipe, 5, ids, 24), 16)
    some = [7, 2, 4]
    part = two_views(images[some], draw_views(recipe, 5, ids[some], 24), 16)
    torch.testing.assert_close(part, whole[[7, 2, 4, 16, 11, 13]], atol=1e-5, rtol=0)
    again = two_views(images, draw_views(recipe, 5, ids, 24), 16)
    assert torch.equal(again, whole)


def test_epochs_bring_other_views():
    recipe, images = recipe_of("noise", noise=1.0), some_images(4, 16)
    views = [two_views(images, draw_views(recipe, epoch, np.arange(4), 16), 16) for epoch in (0, 1)]
    assert (views[0] - views[1]).abs().amax((1, 2, 3)).min() > 0.1
