"""Turn the stored values of a TIFF page into grey or RGB, as its photometric interpretation says what they mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.train.data.readers.protocol import Values

_MIN_IS_WHITE, _PALETTE, _CMYK, _YCBCR = 0, 3, 5, 6
_AS_STORED = (1, 2, 4, 32803, 34892)  # black is lowest, RGB, a mask, and what a camera's sensor counted
_JPEG = (6, 7, 33007, 34892)  # compressions whose codec gives RGB itself


def in_colours(values: Values, page: Any, dtype: str) -> Values:
    """Return a page's values (H, W, S) so that more means brighter, colours as RGB; `dtype` is that of the header.

    Less than 8 bits are spread over 0 to 255, as Pillow does. Raises DataError for colours that mean something else.
    """
    meaning = int(page.photometric)
    if meaning == _PALETTE:
        return _looked_up(values, page, dtype)
    if dtype == "uint8" and page.bitspersample < 8:
        values = np.rint(values * (255 / ((1 << page.bitspersample) - 1))).astype(np.uint8)
    if meaning == _MIN_IS_WHITE:
        return turned_round(values, page.bitspersample)
    if meaning == _CMYK and values.shape[-1] == 4 and values.dtype.kind == "u":
        return _from_cmyk(values)
    if meaning in _AS_STORED or (meaning == _YCBCR and int(page.compression) in _JPEG):
        return values
    name = getattr(page.photometric, "name", meaning)
    raise DataError(f"a TIFF whose colours are {name}, in {page.dtype}", "convert it to RGB or grey")


def turned_round(values: Values, bits: int) -> Values:
    """Return values of `bits` bits of which the lowest means white so that it means black."""
    if values.dtype.kind == "f":
        return -values
    if values.dtype.kind == "u" and 8 < bits < values.dtype.itemsize * 8:
        return ((1 << bits) - 1 - values).astype(values.dtype)
    return ~values


def _looked_up(values: Values, page: Any, dtype: str) -> Values:
    """Return the colours of a palette, whose entries have 16 bits, of which a palette of 256 uses the upper eight."""
    colours = np.moveaxis(np.asarray(page.colormap)[:, values[..., 0]], 0, -1)
    return (colours >> 8).astype(np.uint8) if dtype == "uint8" else colours.astype(dtype)


def _from_cmyk(values: Values) -> Values:
    top = int(np.iinfo(values.dtype).max)
    light = top - values.astype(np.float64)
    return np.rint(light[..., :3] * light[..., 3:] / top).astype(values.dtype)
