from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import simclr_tui.train.vision  # noqa: F401  (torchvision only after it)
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.augment import two_views
from simclr_tui.train.resample import gaussian_kernel_size
from simclr_tui.train.views import ORDERS, ViewParams, draw_views

TOLERANCE = 2 / 255
OFF = {"flip": 0.0, "color_prob": 0.0, "gray": 0.0, "blur": 0.0, "crop_min": 1.0}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _images(n: int, side: int) -> torch.Tensor:
    """Half noise, half smooth with flat and saturated parts; one of each kind gray."""
    generator = torch.Generator().manual_seed(side)
    noise = torch.randint(0, 256, (n, 3, side, side), generator=generator, dtype=torch.uint8)
    coarse = torch.rand(n, 3, 4, 4, generator=generator) * 1.6 - 0.3
    smooth = torch.nn.functional.interpolate(coarse, side, mode="bilinear").clamp(0, 1).mul(255).round().byte()
    images = torch.where((torch.arange(n) % 2 == 0).view(n, 1, 1, 1), noise, smooth)
    images[:2] = images[:2, :1]
    return images


def _reference(image: torch.Tensor, params: ViewParams, view: int, size: int) -> torch.Tensor:
    """One view by torchvision's functional operations, in float."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as F

    box = [int(x[view]) for x in (params.top, params.left, params.height, params.width)]
    x = F.resized_crop(image / 255.0, *box, [size, size], InterpolationMode.BICUBIC, antialias=True).clamp(0, 1)
    if params.flip[view]:
        x = F.hflip(x)
    if params.color[view]:
        operations = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        factors = (params.brightness, params.contrast, params.saturation, params.hue)
        for operation in ORDERS[params.order[view]]:
            x = operations[operation](x, float(factors[operation][view]))
    if params.gray[view]:
        x = F.rgb_to_grayscale(x, 3)
    if params.blur[view]:
        x = F.gaussian_blur(x, [gaussian_kernel_size(size)] * 2, float(params.sigma[view]))
    return x


def _largest_difference(recipe: Recipe, side: int, size: int, n: int = 48) -> float:
    images = _images(n, side)
    params = draw_views(recipe, 1, np.arange(n) + 100, side)
    ours = two_views(images, params, size)
    expected = torch.stack([_reference(images[i % n], params, i, size) for i in range(2 * n)])
    assert ours.shape == expected.shape
    return float((ours - expected).abs().max())


@pytest.mark.parametrize(("side", "size"), [(32, 32), (32, 64), (96, 32), (40, 24), (64, 56)])
def test_crop_and_flip_equal_torchvisions_bicubic_with_antialias(side, size):
    recipe = Recipe(**{**OFF, "crop_min": 0.08, "flip": 0.5})
    assert _largest_difference(recipe, side, size) < 1e-4


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_each_colour_operation_equals_torchvisions(name):
    others = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0)
    recipe = Recipe(**{**OFF, **others, "color_prob": 1.0, "color_strength": 1.0, name: 0.5})
    assert _largest_difference(recipe, 32, 32) < 1e-3


def test_the_four_colour_operations_in_every_order_equal_torchvisions():
    recipe = Recipe(**{**OFF, "color_prob": 0.8, "color_strength": 1.0})
    params = draw_views(recipe, 1, np.arange(96) + 100, 32)
    assert set(params.order[params.color]) == set(range(24))
    assert _largest_difference(recipe, 32, 32, n=96) < TOLERANCE


def test_grayscale_equals_torchvisions():
    assert _largest_difference(Recipe(**{**OFF, "gray": 0.5}), 32, 32) < 1e-4


@pytest.mark.parametrize("size", [8, 32, 56, 96])
def test_blur_equals_torchvisions_with_its_reflected_borders(size):
    assert _largest_difference(Recipe(**{**OFF, "blur": 0.7}), size, size, n=24) < 1e-4


def test_the_blur_kernel_is_odd_and_a_tenth_of_the_side():
    assert [gaussian_kernel_size(size) for size in (8, 32, 96, 224)] == [3, 3, 9, 23]


@pytest.mark.parametrize(("side", "size"), [(32, 32), (48, 32), (32, 48), (96, 96)])
def test_the_whole_augmentation_equals_torchvisions(side, size):
    recipe = Recipe(color_strength=1.0, blur=0.5, seed=3)
    assert _largest_difference(recipe, side, size) < TOLERANCE


def test_nothing_to_do_gives_the_images_back():
    images = _images(6, 32)
    views = two_views(images, draw_views(Recipe(**OFF), 0, np.arange(6), 32), 32)
    torch.testing.assert_close(views, torch.cat([images, images]) / 255.0, atol=1e-6, rtol=0)


def test_an_image_gets_the_same_views_whatever_batch_it_is_in():
    images, recipe = _images(8, 32), Recipe(blur=0.5, color_strength=1.0)
    whole = two_views(images, draw_views(recipe, 0, np.arange(8), 32), 32)
    part = two_views(images[5:6], draw_views(recipe, 0, np.arange(5, 6), 32), 32)
    torch.testing.assert_close(part, whole[[5, 13]], atol=1e-5, rtol=0)


def test_the_two_views_differ_and_so_do_views_of_equal_images():
    images = _images(1, 32).expand(4, -1, -1, -1)
    views = two_views(images, draw_views(Recipe(), 0, np.arange(4), 32), 32)
    distance = torch.cdist(views.flatten(1), views.flatten(1)) + torch.eye(8) * 1e3
    assert distance.min() > 0.1


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_views_are_float32_in_the_unit_range_and_in_the_asked_memory_format(memory_format):
    params = draw_views(Recipe(color_strength=4.0, blur=1.0), 0, np.arange(16), 32)
    with torch.autocast("cpu", torch.bfloat16):
        views = two_views(_images(16, 32), params, 32, memory_format)
    assert views.dtype == torch.float32
    assert views.shape == (32, 3, 32, 32)
    assert views.is_contiguous(memory_format=memory_format)
    assert views.min() >= 0.0
    assert views.max() <= 1.0


def test_autocast_does_not_coarsen_the_views():
    images, params = _images(4, 32), draw_views(Recipe(blur=0.5), 0, np.arange(4), 32)
    with torch.autocast("cpu", torch.bfloat16):
        inside = two_views(images, params, 32)
    assert torch.equal(inside, two_views(images, params, 32))


def test_images_and_parameters_are_left_as_they_were():
    images = _images(4, 32)
    params = draw_views(Recipe(blur=0.5), 0, np.arange(4), 32)
    image_copy = images.clone()
    before = {f.name: getattr(params, f.name).copy() for f in dataclasses.fields(params)}
    two_views(images, params, 32)
    assert torch.equal(images, image_copy)
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(params, name), values)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_gpu_makes_the_same_views_without_waiting_for_the_host():
    images = _images(32, 32)
    params = draw_views(Recipe(color_strength=1.0, blur=0.5), 0, np.arange(32), 32)
    on_gpu = images.cuda()
    two_views(on_gpu, params, 32)
    torch.cuda.set_sync_debug_mode("error")
    try:
        views = two_views(on_gpu, params, 32)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(views.cpu(), two_views(images, params, 32), atol=TOLERANCE, rtol=0)
