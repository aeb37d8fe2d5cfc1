"""Convert images of any number of channels and either depth for display."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simclr_tui.store.picture import Picture
from simclr_tui.train.data.pixels import Pixels, levels_of

Bytes = NDArray[np.uint8]


def channels_note(channels: int) -> str:
    """Return which channels a picture shows, in words; empty for RGB."""
    if channels == 3:
        return ""
    if channels == 1:
        return "1 channel, drawn as grey"
    if channels == 2:
        return "the 2 channels drawn as red and green"
    return f"channels 1, 2, 3 of {channels} drawn as red, green, blue"


def to_rgb(image: Pixels) -> Bytes:
    """Return an image (H, W, 3), uint8, for display, of an image (C, H, W), uint8 or uint16."""
    shown = image[:3]
    depth8 = to_bytes(shown / levels_of(shown.dtype))
    if len(depth8) == 1:
        depth8 = np.repeat(depth8, 3, axis=0)
    elif len(depth8) == 2:
        depth8 = np.concatenate([depth8, np.zeros_like(depth8[:1])])
    return np.ascontiguousarray(depth8.transpose(1, 2, 0))


def to_picture(image: Pixels) -> Picture:
    """Return an image (C, H, W), uint8 or uint16, as a Picture."""
    _channels, height, width = image.shape
    return Picture(width, height, to_rgb(image).tobytes())


def to_bytes(views: NDArray[np.floating[Any]]) -> Bytes:
    """Round values in [0, 1] to the nearest of 256 levels."""
    pixels: Bytes = np.rint(views * 255.0).astype(np.uint8)
    return pixels
