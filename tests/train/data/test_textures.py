"""Texture classes are told apart alike through every kind of original and through a hand-made 8-bit copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.textures import copy_of_8_bits, originals, textures
from simclr_tui.train.data import Data, open_data

SIDE, EACH = 24, 60
IMAGES, LABELS = textures(3 * EACH, SIDE, contrast=0.055, seed=8)
KINDS = originals(IMAGES)


def opened(images: np.ndarray, folder: Path) -> Data:
    np.savez(folder / "d.npz", images=images[: 2 * EACH], labels=LABELS[: 2 * EACH], test_images=images[2 * EACH :],
             test_labels=LABELS[2 * EACH :])  # fmt: skip
    return open_data(f"npz:{folder / 'd.npz'}", image_size=SIDE, subset=0, progress=lambda *_: None, cache=folder / "c")


def accuracy(data: Data) -> float:
    """Share of test images whose nearest training image, by the power spectrum of each channel, has their class."""

    def features(images: np.ndarray) -> np.ndarray:
        pixels = images.astype(np.float64) / data.levels
        power = np.abs(np.fft.rfft2(pixels - pixels.mean(axis=(2, 3), keepdims=True))).mean(axis=1)
        flat = power.reshape(len(images), -1)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    assert data.test is not None
    nearest = (features(data.test.images) @ features(data.train.images).T).argmax(axis=1)
    return float(np.mean(data.train.labels[nearest] == data.test.labels))


@pytest.mark.parametrize("kind", KINDS)
def test_textures_are_told_apart_as_in_a_copy_of_8_bits(tmp_path, kind):
    (tmp_path / "copy").mkdir()
    copy = accuracy(opened(copy_of_8_bits(IMAGES), tmp_path / "copy"))
    error = np.sqrt(copy * (1 - copy) / EACH)
    assert 0.6 < copy < 1, "neither chance nor too easy to tell anything"
    assert abs(accuracy(opened(KINDS[kind], tmp_path)) - copy) <= 2 * error
