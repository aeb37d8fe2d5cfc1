"""Read one image per .npy file."""

from __future__ import annotations

import io

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.recipe.array_shapes import channels_last
from simclr_tui.recipe.image_headers import Header, read_header
from simclr_tui.train.data.readers.protocol import File, Values, opened


def header(file: File) -> Header:
    """Return what the array's header says. Raises DataError where its shape is not that of one image."""
    found = read_header(file)
    if found is None:
        _check_whole(file)
        raise DataError(
            "a .npy file that holds no image of numbers, (H, W), (H, W, C) or (C, H, W)", "give --data npy:FILE"
        )
    return found


def _check_whole(file: File) -> None:
    """Raise ValueError where the header of an array is cut off."""
    with opened(file) as stream:
        is_first = np.lib.format.read_magic(stream) == (1, 0)
        (np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0)(stream)


def values(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C)."""
    found = np.load(io.BytesIO(file) if isinstance(file, bytes) else file, allow_pickle=False)
    return as_image(found)


def as_image(array: Values) -> Values:
    """Return an array of one image with its channels last, (H, W, C)."""
    if array.ndim == 2:
        return array[..., None]
    return array if channels_last(array.shape) else np.moveaxis(array, 0, -1)
