from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from simclr_tui.recipe.recipe import OPERATIONS, Recipe
from simclr_tui.train.views import apply
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views
from simclr_tui.train.views.resample import gaussian_kernel_size
from tests.train.views.reference_views import largest_difference, some_images

TOLERANCE = 2 / 255
SELDOM = [name for name in OPERATIONS if name not in ("crop", "flip", "color")]
EVERYTHING = Recipe(color_strength=1.0, **dict.fromkeys(SELDOM, 0.5))
OFF = {"flip": 0.0, "color_prob": 0.0, "gray": 0.0, "blur": 0.0, "crop_min": 1.0}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("side", "size"), [(32, 32), (32, 64), (96, 32), (40, 24), (64, 56)])
def test_crop_and_flip_equal_torchvisions_bicubic_with_antialias(side, size):
    recipe = Recipe(**{**OFF, "crop_min": 0.08, "flip": 0.5, "image_size": size})
    assert largest_difference(recipe, side) < 1e-4


@pytest.mark.parametrize("operations", ["crop,flip", "flip,crop", "gray", "crop,gray,flip"])
@pytest.mark.parametrize(("side", "size"), [(64, 64), (96, 40), (64, 96)])
def test_a_cpu_resizes_large_images_one_by_one_as_a_gpu_does_by_matrices(monkeypatch, operations, side, size):
    recipe = Recipe(augment=operations, image_size=size)
    images = some_images(12, side)
    params = draw_views(recipe, 2, np.arange(12), side)
    one_by_one = two_views(images, params, size)
    monkeypatch.setattr(apply, "_ONE_BY_ONE", 1000)
    monkeypatch.setattr(apply, "resize_each", None)
    torch.testing.assert_close(one_by_one, two_views(images, params, size), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_each_colour_operation_equals_torchvisions(name):
    others = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0)
    recipe = Recipe(**{**OFF, **others, "color_prob": 1.0, "color_strength": 1.0, name: 0.5})
    assert largest_difference(recipe, 32) < 1e-3


def test_the_four_colour_operations_in_every_order_equal_torchvisions():
    recipe = Recipe(**{**OFF, "color_prob": 0.8, "color_strength": 1.0})
    params = draw_views(recipe, 1, np.arange(96) + 100, 32)
    assert set(params.order[params.color]) == set(range(24))
    assert largest_difference(recipe, 32, n=96) < TOLERANCE


def test_grayscale_equals_torchvisions():
    assert largest_difference(Recipe(**{**OFF, "gray": 0.5}), 32) < 1e-4


@pytest.mark.parametrize("size", [8, 32, 56, 96])
def test_blur_equals_torchvisions_with_its_reflected_borders(size):
    assert largest_difference(Recipe(**{**OFF, "blur": 0.7, "image_size": size}), size, n=24) < 1e-4


def test_the_blur_kernel_is_odd_and_a_tenth_of_the_side():
    assert [gaussian_kernel_size(size) for size in (8, 32, 96, 224)] == [3, 3, 9, 23]


@pytest.mark.parametrize(("side", "size"), [(32, 32), (48, 32), (32, 48), (96, 96)])
def test_the_whole_augmentation_equals_torchvisions(side, size):
    recipe = Recipe(color_strength=1.0, blur=0.5, seed=3, image_size=size)
    assert largest_difference(recipe, side) < TOLERANCE


def test_nothing_to_do_gives_the_images_back():
    images = some_images(6, 32)
    views = two_views(images, draw_views(Recipe(**OFF), 0, np.arange(6), 32), 32)
    torch.testing.assert_close(views, torch.cat([images, images]) / 255.0, atol=1e-6, rtol=0)


def test_every_operation_at_once_equals_the_references():
    assert largest_difference(EVERYTHING, 40, n=96) < TOLERANCE


def test_views_of_crop_flip_color_gray_and_blur_stay_as_they_are():
    stored = np.load(Path(__file__).with_name("canonical_views.npz"))  # made before there were more operations
    images = (np.arange(3 * 3 * 12 * 12) ** 2 * 7919 % 251).astype(np.uint8).reshape(3, 3, 12, 12)
    recipe = Recipe(image_size=8, color_strength=1.0, blur=0.5, gray=0.3, seed=67)
    params = draw_views(recipe, 4, np.array([0, 7, 40_000]), 12)
    for name in set(stored.files) - {"views"}:
        np.testing.assert_allclose(getattr(params, name), stored[name], rtol=1e-12, err_msg=name)
    views = two_views(torch.from_numpy(images), params, 8)
    np.testing.assert_allclose(views, stored["views"], atol=2e-6, rtol=0)


@pytest.mark.parametrize("recipe", [Recipe(blur=0.5, color_strength=1.0), EVERYTHING])
def test_an_image_gets_the_same_views_whatever_batch_it_is_in(recipe):
    images = some_images(8, 32)
    whole = two_views(images, draw_views(recipe, 0, np.arange(8), 32), 32)
    part = two_views(images[5:6], draw_views(recipe, 0, np.arange(5, 6), 32), 32)
    torch.testing.assert_close(part, whole[[5, 13]], atol=1e-5, rtol=0)


def test_the_two_views_differ_and_so_do_views_of_equalsome_images():
    images = some_images(1, 32).expand(4, -1, -1, -1)
    views = two_views(images, draw_views(Recipe(), 0, np.arange(4), 32), 32)
    distance = torch.cdist(views.flatten(1), views.flatten(1)) + torch.eye(8) * 1e3
    assert distance.min() > 0.1


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_views_are_float32_in_the_unit_range_and_in_the_asked_memory_format(memory_format):
    recipe = msgspec.structs.replace(EVERYTHING, color_strength=4.0, blur=1.0)
    params = draw_views(recipe, 0, np.arange(16), 32)
    with torch.autocast("cpu", torch.bfloat16):
        views = two_views(some_images(16, 32), params, 32, memory_format)
    assert views.dtype == torch.float32
    assert views.shape == (32, 3, 32, 32)
    assert views.is_contiguous(memory_format=memory_format)
    assert views.min() >= 0.0
    assert views.max() <= 1.0


def test_autocast_does_not_coarsen_the_views():
    images, params = some_images(4, 32), draw_views(EVERYTHING, 0, np.arange(4), 32)
    with torch.autocast("cpu", torch.bfloat16):
        inside = two_views(images, params, 32)
    assert torch.equal(inside, two_views(images, params, 32))


def test_images_and_parameters_are_left_as_they_were():
    images = some_images(4, 32)
    params = draw_views(EVERYTHING, 0, np.arange(4), 32)
    image_copy = images.clone()
    before = {f.name: np.copy(getattr(params, f.name)) for f in dataclasses.fields(params)}
    two_views(images, params, 32)
    assert torch.equal(images, image_copy)
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(params, name), values)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("augment", ["auto", ",".join(reversed(OPERATIONS))])
def test_a_gpu_makes_the_same_views_without_waiting_for_the_host(augment):
    images, recipe = some_images(32, 32), msgspec.structs.replace(EVERYTHING, augment=augment)
    params = draw_views(recipe, 0, np.arange(32), 32)
    on_gpu = images.cuda()
    two_views(on_gpu, params, 32)
    torch.cuda.set_sync_debug_mode("error")
    try:
        views = two_views(on_gpu, params, 32)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(views.cpu(), two_views(images, params, 32), atol=TOLERANCE, rtol=0)
