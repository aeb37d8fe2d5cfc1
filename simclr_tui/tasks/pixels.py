"""Convert arrays of pixels for display."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simclr_tui.store.picture import Picture
from simclr_tui.train.data.pixels import Pixels


def to_picture(image: Pixels) -> Picture:
    """Return an image (3, H, W), uint8, as a Picture."""
    _channels, height, width = image.shape
    return Picture(width, height, np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes())


def to_bytes(views: NDArray[np.floating[Any]]) -> Pixels:
    """Round values in [0, 1] to the nearest of 256 levels."""
    pixels: Pixels = np.rint(views * 255.0).astype(np.uint8)
    return pixels
