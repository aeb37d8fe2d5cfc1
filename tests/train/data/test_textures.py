"""Texture classes are told apart alike through every kind of original and through a hand-made 8-bit copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simclr_tui.train.data import Data, open_data

SIDE, EACH = 24, 60
_RNG = np.random.default_rng(8)


def textures() -> tuple[np.ndarray, np.ndarray]:
    """Images (N, SIDE, SIDE) in 0–1 of stripes, checks and spots under noise, each at its own phase; labels (N,)."""
    y, x = np.mgrid[:SIDE, :SIDE] * 0.9
    images, labels = [], []
    for number in range(3 * EACH):
        a, b = _RNG.uniform(0, 6, 2)
        stripes, checks = np.sin(x + a), np.sin(x + a) * np.sin(y + b)
        figure = (stripes, checks, np.abs(checks))[number % 3]
        images.append(0.5 + 0.055 * figure + _RNG.normal(0, 0.14, figure.shape))
        labels.append(number % 3)
    return np.clip(images, 0, 1), np.array(labels)


IMAGES, LABELS = textures()
KINDS = {
    "12 bits": np.rint(IMAGES * 4095).astype(np.uint16),
    "signed": np.rint(IMAGES * 4000 - 1000).astype(np.int16),
    "float": IMAGES.astype(np.float32),
    "dim": np.rint(100 + IMAGES * 150).astype(np.uint16),
    "5 channels": np.stack([np.rint(IMAGES * top).astype(np.uint16) for top in (300, 900, 4095, 20_000, 65_535)], -1),
    "stacked": np.stack([np.rint(IMAGES * 4095), np.rint((1 - IMAGES) * 4095)], -1).astype(np.uint16),
}


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
    copy = accuracy(opened(np.rint(IMAGES * 255).astype(np.uint8), tmp_path / "copy"))
    error = np.sqrt(copy * (1 - copy) / EACH)
    assert 0.6 < copy < 1, "neither chance nor too easy to tell anything"
    assert abs(accuracy(opened(KINDS[kind], tmp_path)) - copy) <= 2 * error
