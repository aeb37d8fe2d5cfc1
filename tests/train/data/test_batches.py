"""Batches of decoded images that lie in the host's memory, as those larger than a GPU's share of it do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simclr_tui.train.data.batches import Source
from simclr_tui.train.data.whole_images import WholeImages

SAMPLES = np.array([5, 0, 11, 5, 3])


def drawn(dtype: str) -> np.ndarray:
    """Twelve images of four channels with values over the whole range of the type."""
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (12, 4, 6, 6)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_gathered_images_are_those_that_indexing_gives(dtype):
    pixels = drawn(dtype)
    gathered = Source(pixels, torch.device("cpu")).gather(SAMPLES)
    assert gathered.numpy().dtype == dtype
    np.testing.assert_array_equal(gathered.numpy(), pixels[SAMPLES])


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_they_are_put_where_they_are_wanted(dtype):
    pixels = drawn(dtype)
    source = Source(pixels, torch.device("cpu"))
    room = torch.zeros((8, 4, 6, 6), dtype=getattr(torch, dtype))
    gathered = source.gather(SAMPLES, out=room)
    assert gathered.data_ptr() == room.data_ptr()
    np.testing.assert_array_equal(room.numpy()[:5], pixels[SAMPLES])
    assert not room.numpy()[5:].any()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_batch_is_the_same_whether_the_images_are_on_the_device_or_gathered(dtype):
    pixels = drawn(dtype)
    source = Source(pixels, torch.device("cpu"))
    resident = source.batch(SAMPLES).numpy().copy()
    source.resident = None  # as where they do not fit
    np.testing.assert_array_equal(source.batch(SAMPLES).numpy(), resident)
    np.testing.assert_array_equal(resident, pixels[SAMPLES])


def test_whole_images_are_gathered_as_they_are_stored_each_with_its_shape():
    pixels, shapes = drawn("uint16"), np.random.default_rng(1).integers(1, 9, (12, 2)).astype(np.int32)
    source = Source(WholeImages(pixels, shapes), torch.device("cpu"))
    np.testing.assert_array_equal(source.gather(SAMPLES).numpy(), pixels[SAMPLES])
    np.testing.assert_array_equal(source.shapes(SAMPLES), shapes[SAMPLES])
