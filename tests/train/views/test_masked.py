"""The masked form of the views, which a GPU and a compiler take, beside the selected one."""

from __future__ import annotations

import functools

import msgspec
import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounter

from simclr_tui.recipe.recipe import OPERATIONS, Recipe
from simclr_tui.train.views.apply import render, two_views
from simclr_tui.train.views.device_params import ROWS, device_params, host_tensors
from simclr_tui.train.views.operations import OPERATIONS as TABLE
from simclr_tui.train.views.params import draw_views
from tests.train.views.reference_views import some_images

SELDOM = dict.fromkeys([name for name in OPERATIONS if name not in ("crop", "flip", "color")], 0.4)
EVERYTHING = Recipe(color_strength=1.0, image_size=16, **SELDOM)
REVERSED = msgspec.structs.replace(EVERYTHING, augment=",".join(reversed(OPERATIONS))).check()


def forms(recipe: Recipe, side: int, n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    images, params = some_images(n, side), draw_views(recipe, 1, np.arange(n), side)
    tensors = host_tensors(params)
    masked, selected = (
        render(images, *tensors, recipe.image_size, recipe.operations, masked=form) for form in (True, False)
    )
    return masked, selected


def test_every_operation_of_a_recipe_has_its_form():
    assert TABLE.keys() == set(OPERATIONS)


@pytest.mark.parametrize(
    "recipe", [Recipe(), EVERYTHING, REVERSED, msgspec.structs.replace(EVERYTHING, both_views=False)]
)
@pytest.mark.parametrize(("side", "size"), [(32, 32), (24, 16), (20, 12)])
def test_masked_views_are_the_selected_ones(recipe, side, size):
    masked, selected = forms(msgspec.structs.replace(recipe, image_size=size), side)
    torch.testing.assert_close(masked, selected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_alone_is_the_selected_one_to_the_bit(operation):
    masked, selected = forms(msgspec.structs.replace(EVERYTHING, augment=operation).check(), 16)
    assert torch.equal(masked, selected)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_leaves_alone_what_it_did_not_choose(operation):
    recipe = msgspec.structs.replace(EVERYTHING, augment=operation).check()
    none = {"flip": 0.0, "color_prob": 0.0, "crop_min": 1.0} | dict.fromkeys(SELDOM, 0.0)
    masked, _ = forms(msgspec.structs.replace(recipe, **none), 16)
    whole = some_images(12, 16) / 255.0
    torch.testing.assert_close(masked, torch.cat((whole, whole)), atol=1e-6, rtol=0)


def test_the_shapes_that_go_to_the_device_do_not_depend_on_what_was_drawn():
    for recipe in (Recipe(), EVERYTHING, msgspec.structs.replace(EVERYTHING, noise=0.0, color_prob=0.0)):
        table, seeds = host_tensors(draw_views(recipe, 0, np.arange(5), 32))
        assert table.shape == (len(ROWS), 10)
        assert seeds.shape == (10,)


@pytest.mark.parametrize("recipe", [EVERYTHING, REVERSED], ids=["everything", "reversed"])
def test_what_makes_the_views_does_not_depend_on_what_was_drawn(recipe):
    """A compiler that guards every value the host branches on traces it once; what is captured must not branch."""
    counter = CompileCounter()
    compiled = torch.compile(functools.partial(render, masked=True), backend=counter, dynamic=True, fullgraph=True)
    for n, size in ((12, 12), (12, 20), (7, 24), (5, 28), (12, 32)):
        grown = msgspec.structs.replace(recipe, image_size=size)
        images, params = some_images(n, 32), draw_views(grown, 0, np.arange(n), 32)
        placed = device_params(params, images.device)
        views = compiled(images, placed.table, placed.noise_seed, size, params.operations)
        torch.testing.assert_close(views, two_views(images, params, size), atol=2e-6, rtol=0)
    assert counter.frame_count == 1
