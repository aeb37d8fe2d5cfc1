"""Normalise views by a mean and a deviation of each channel before they enter an encoder."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from simclr_tui.train.data.images import Images, whole_images
from simclr_tui.train.data.pixels import levels_of
from simclr_tui.train.model.encoder import Encoder

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of ImageNet's red, green and blue, as every model of torchvision expects them."""
_SAMPLE = 2048  # training images that are measured
_SMALLEST = 1e-4  # deviation: of a constant channel nothing is to be blown up


class NormalizedEncoder(Encoder):
    """Encode (views − mean) / std. Both are part of its state, and so of checkpoints and exports."""

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.dim, self.channels, self.stem = encoder.dim, encoder.channels, encoder.stem
        self.source_lines = encoder.source_lines
        self.register_buffer("mean", torch.zeros(1, encoder.channels, 1, 1))
        self.register_buffer("std", torch.ones(1, encoder.channels, 1, 1))

    def forward(self, views: Tensor) -> Tensor:
        h: Tensor = self.encoder((views - self.mean) / self.std)
        return h

    def set_statistics(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Take mean and deviation of each channel, of values in [0, 1]."""
        self.mean.copy_(torch.tensor(mean).view(1, -1, 1, 1))
        self.std.copy_(torch.tensor(std).clamp(min=_SMALLEST).view(1, -1, 1, 1))

    @property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of each channel."""
        return tuple(self.mean.flatten().tolist()), tuple(self.std.flatten().tolist())

    def weights(self) -> dict[str, Tensor]:
        return self.encoder.weights()


def measure_statistics(images: Images) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of each channel in [0, 1], over at most 2,048 images (N, C, S, S) spread evenly."""
    sample = np.unique(np.linspace(0, len(images) - 1, min(_SAMPLE, len(images))).astype(np.int64))
    total, squares, count = np.zeros(images.shape[1]), np.zeros(images.shape[1]), 0
    for ids in np.array_split(sample, max(1, len(sample) // 64)):
        pixels, _ = whole_images(images, ids)
        part = pixels / float(levels_of(pixels.dtype))
        total += part.sum(axis=(0, 2, 3))
        squares += np.square(part).sum(axis=(0, 2, 3))
        count += part.size // part.shape[1]
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - np.square(mean), 0.0))
    return tuple(mean.tolist()), tuple(deviation.tolist())
