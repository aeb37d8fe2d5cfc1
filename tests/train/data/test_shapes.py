from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from simclr_tui.train.data import open_data
from simclr_tui.train.data.shapes import draw_shapes


def quiet(what: str, done: int, total: int) -> None: ...


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return open_data("shapes", image_size=32, subset=0, progress=quiet, cache=tmp_path_factory.mktemp("cache"))


def test_splits_are_balanced_square_and_rgb(shapes):
    assert shapes.train.images.shape == (10_000, 3, 32, 32)
    assert shapes.test.images.shape == (2_000, 3, 32, 32)
    assert shapes.train.images.dtype == np.uint8
    assert shapes.train.labels.dtype == np.int64
    assert np.bincount(shapes.train.labels).tolist() == [1000] * 10
    assert np.bincount(shapes.test.labels).tolist() == [200] * 10
    assert len(set(shapes.classes)) == 10


def test_an_image_depends_on_its_index_alone():
    all_at_once = draw_shapes(0, np.arange(50), 32)
    assert np.array_equal(draw_shapes(0, np.array([3, 49]), 32), all_at_once[[3, 49]])


def test_splits_share_no_image(shapes):
    train = {image.tobytes() for image in shapes.train.images}
    assert len(train) == 10_000
    assert not train & {image.tobytes() for image in shapes.test.images}


def test_a_subset_is_the_same_images(shapes, tmp_path):
    few = open_data("shapes", image_size=32, subset=500, progress=quiet, cache=tmp_path)
    assert np.array_equal(few.train.images, shapes.train.images[:500])
    assert np.array_equal(few.test.images, shapes.test.images[:500])
    assert np.bincount(few.train.labels).tolist() == [50] * 10


@pytest.mark.parametrize("size", [8, 48, 224])
def test_any_size(size, tmp_path):
    data = open_data("shapes", image_size=size, subset=20, progress=quiet, cache=tmp_path)
    assert data.train.images.shape == (20, 3, size, size)


def test_larger_images_show_the_same_figures():
    """Averaged down, a 128-px drawing is the 32-px one (those without grain, which is per pixel)."""
    small, large = (draw_shapes(0, np.arange(200), size).astype(float) for size in (32, 128))
    reduced = large.reshape(200, 3, 32, 4, 32, 4).mean((3, 5))
    error = np.abs(reduced - small).mean((1, 2, 3))
    assert np.median(error) < 3


def nearest_neighbours(bank: np.ndarray, labels: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Majority class among the k nearest by cosine, features centred on the bank's mean."""
    mean = bank.mean(0)
    nearest = np.argpartition(cdist(queries - mean, bank - mean, "cosine"), k, axis=1)[:, :k]
    return np.array([np.bincount(row, minlength=10).argmax() for row in labels[nearest]])


def accuracy(shapes, features) -> float:
    bank, queries = (features(images.astype(np.float32)) for images in (shapes.train.images, shapes.test.images[:500]))
    guess = nearest_neighbours(bank[:4000], shapes.train.labels[:4000], queries, 20)
    return float((guess == shapes.test.labels[:500]).mean())


def test_raw_pixels_tell_classes_apart_but_badly(shapes):
    assert 0.2 < accuracy(shapes, lambda images: images[:, :, ::2, ::2].reshape(len(images), -1)) < 0.6


def test_colour_alone_tells_next_to_nothing(shapes):
    assert accuracy(shapes, lambda images: images.mean((2, 3))) < 0.16
