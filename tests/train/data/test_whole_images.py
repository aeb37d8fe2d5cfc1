"""Crops from the whole of images that are not square, against torchvision's draws, the images' own pixels, and EXIF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

import simclr_tui.train.model.torchvision_import  # noqa: F401  (torchvision only after it)
from simclr_tui.recipe.formats import frozen_defaults
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data import Data, open_data
from simclr_tui.train.data.batches import Source
from simclr_tui.train.data.images import whole_images
from simclr_tui.train.data.lazy_images import FileImages
from simclr_tui.train.data.whole_images import WholeImages, letterboxed
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_crops, draw_views

SIZES = {"tall": (30, 60), "wide": (80, 40), "square": (50, 50), "long": (96, 16)}  # width, height
PLAIN = {"flip": 0.0, "color_prob": 0.0, "gray": 0.0, "image_size": 32}


def ramps(width: int, height: int) -> np.ndarray:
    """Return an image (height, width, 3): red says how far to the right a pixel is, green how far down."""
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    planes = [np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width))]
    return np.rint(255 * np.stack([*planes, np.full((height, width), 0.5)], axis=-1)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    for label in "ab":
        (root / label).mkdir(parents=True)
        for name, size in SIZES.items():
            Image.fromarray(ramps(*size)).save(root / label / f"{name}.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # upright once turned by a quarter: 60 wide and 30 high
    Image.fromarray(np.rot90(ramps(60, 30))).save(root / "a" / "turned.jpg", quality=98, exif=turned)
    return root


def opened(root: Path, crop_from: str = "whole") -> Data:
    return open_data(
        f"folder:{root}", image_size=32, subset=0, progress=lambda *_: None, cache=root.parent / "cache",
        reading=Reading(labels="none", crop_from=crop_from),
    )  # fmt: skip


def named(data: Data, name: str) -> int:
    return next(place for place, file in enumerate(data.train.names) if file.startswith(f"a/{name}"))


@pytest.mark.parametrize(("height", "width"), [(64, 128), (96, 64), (64, 640)])
def test_crops_are_drawn_as_torchvision_draws_them_in_the_images_own_shape(height, width):
    import_torchvision()
    from torchvision.transforms import RandomResizedCrop

    torch.manual_seed(0)
    image, side, count = torch.empty(3, height, width), 64, 4000
    drawn = [RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(count)]
    top, left, rows, columns = np.array(drawn).T
    u = np.random.default_rng(0).random((count, 22))
    shapes = np.full((count, 2), (height, width), np.int32) * 3  # only the ratio counts
    ours = draw_crops(u, 0.08, side, shapes=shapes)
    for mine, theirs in zip(ours[:2], (top * (side / height), left * (side / width)), strict=True):
        assert stats.ks_2samp(mine, np.rint(theirs)).pvalue > 1e-3
    for start, length, first, taken, full in ((0, 2, top, rows, height), (1, 3, left, columns, width)):
        last = np.rint((first + taken) * (side / full))
        assert stats.ks_2samp(ours[start] + ours[length], last).pvalue > 1e-3
    assert (ours[0] + ours[2]).max() <= side
    assert (ours[1] + ours[3]).max() <= side


def test_crops_of_squares_are_the_same_numbers_with_and_without_their_shape():
    u = np.random.default_rng(1).random((500, 22))
    with_shapes = draw_crops(u, 0.08, 48, shapes=np.full((500, 2), 7, np.int32))
    assert all(np.array_equal(a, b) for a, b in zip(draw_crops(u, 0.08, 48), with_shapes, strict=True))


@pytest.mark.parametrize("shape", [(1, 4000), (4000, 1)])
def test_a_line_of_pixels_still_has_crops_of_at_least_one(shape):
    ours = draw_crops(np.random.default_rng(1).random((100, 22)), 0.08, 96, shapes=np.full((100, 2), shape, np.int32))
    assert min(ours[2].min(), ours[3].min()) >= 1
    assert max((ours[0] + ours[2]).max(), (ours[1] + ours[3]).max()) <= 96


@pytest.mark.parametrize("name", ["tall", "wide", "square", "turned"])
def test_views_reach_every_corner_at_the_images_own_proportions(folder, name):
    data = opened(folder)
    assert isinstance(data.train.images, WholeImages)
    place = named(data, name)
    ids = np.full(400, place)
    source = Source(data.train.images, torch.device("cpu"))
    images, shapes = source.batch(ids), source.shapes(ids)
    recipe = Recipe(**PLAIN, crop_min=0.1)
    params = draw_views(recipe, 0, np.arange(400), source.side, shapes=shapes)
    views = two_views(images, params, 32).numpy()
    for plane in views[:, 0], views[:, 1]:
        assert plane.min() < 0.06
        assert plane.max() > 0.94
    height, width = shapes[0]
    span = views[:, 0, 16, -4] - views[:, 0, 16, 3], views[:, 1, -4, 16] - views[:, 1, 3, 16]
    ratio = span[0] * width / (span[1] * height)
    assert np.percentile(ratio, 2) > 0.9 * 3 / 4
    assert np.percentile(ratio, 98) < 1.1 * 4 / 3


@pytest.mark.parametrize("name", SIZES)
def test_whatever_asks_for_images_gets_their_central_squares(folder, name):
    data = opened(folder)
    place, side = named(data, name), data.train.images.shape[-1]
    width, height = SIZES[name]
    shorter = min(width, height)
    left, top = (width - shorter) // 2, (height - shorter) // 2
    square = Image.fromarray(ramps(width, height)).crop((left, top, left + shorter, top + shorter))
    reference = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC), np.float64).transpose(2, 0, 1)
    found = data.train.images[place]
    assert np.abs(found - reference)[:, 2:-2, 2:-2].max() <= 4
    assert np.array_equal(data.train.images[[place]][0], found)
    assert np.array_equal(data.train.images.take(np.array([place]))[0], found)


def test_images_decoded_on_demand_are_the_same_with_their_shapes(folder, monkeypatch):
    stored = opened(folder)
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    lazy = opened(folder.rename(folder.parent / "moved"))
    images = lazy.train.images
    assert isinstance(images, FileImages)
    try:
        ids = np.arange(len(lazy.train))
        pixels, shapes = whole_images(images, ids)
        expected, known = whole_images(stored.train.images, ids)
        assert np.array_equal(pixels, expected)
        assert np.array_equal(shapes, known)
        assert shapes[named(lazy, "turned")].tolist() == [30, 60]
        assert np.array_equal(images[ids], stored.train.images[ids])
        some = images.take(ids[::-1].copy())
        assert np.array_equal(some[0:3], stored.train.images[ids[::-1][:3]])
    finally:
        images.decoders.close()


def test_the_cache_keeps_the_shapes(folder):
    first, again = opened(folder), opened(folder)
    assert isinstance(again.train.images, WholeImages)
    assert np.array_equal(first.train.images.shapes, again.train.images.shapes)
    assert np.array_equal(first.train.images[:], again.train.images[:])


def test_square_images_are_stored_as_without_whole_crops(tmp_path):
    for label, value in (("a", 10), ("b", 200)):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(3):
            file = tmp_path / "images" / label / f"{number}.png"
            Image.fromarray(np.full((20, 20, 3), value + number, np.uint8)).save(file)
    whole, square = opened(tmp_path / "images"), opened(tmp_path / "images", "square")
    assert isinstance(whole.train.images, np.ndarray)
    assert np.array_equal(whole.train.images, square.train.images)


def test_a_recipe_that_does_not_begin_with_a_crop_reads_central_squares(folder):
    assert Recipe().reading.crop_from == "whole"
    assert Recipe(crop_from="square").reading.crop_from == "square"
    assert Recipe(augment="color,crop").reading.crop_from == "square"
    assert frozen_defaults(1)["crop_from"] == "square"
    assert isinstance(opened(folder, "square").train.images, np.ndarray)


def test_a_letterboxed_image_has_its_own_proportions():
    squeezed = np.full((3, 40, 40), 255, np.uint8)
    framed = letterboxed(squeezed, (30, 60))
    rows = np.flatnonzero(framed[0].any(axis=1))
    assert (rows[0], rows[-1], framed[0].any(axis=0).all()) == (10, 29, True)
    assert letterboxed(squeezed, (5, 5)) is squeezed
