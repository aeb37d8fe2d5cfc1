"""Declare what a source of images is: files of a folder, rows of a table, slices of an array."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from PIL import Image

from simclr_tui.recipe.image_headers import Header, array_colours
from simclr_tui.recipe.layout import Layout
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data.decode import decode_file, decode_shaped
from simclr_tui.train.data.pixels import Pixels, Shape
from simclr_tui.train.data.readers import pillow
from simclr_tui.train.data.readers.protocol import File, Values
from simclr_tui.train.data.readers.read import read_image, survey_image
from simclr_tui.train.data.scaling import Scaling, to_pixels


class Source(Protocol):
    """Name images and give each one, as a file or as an array (H, W, C) of values. Threads may ask at once.

    What `image` raises means a damaged image, but for DataError, which refuses it.
    """

    @property
    def spec(self) -> str:
        """Return the `--data` by which a decoder's process opens this source again."""

    def layout(self, reading: Reading) -> Layout:
        """Return which images train and test, and their classes. Raises DataError."""

    def stamp(self, name: str) -> str:
        """Return what changes when the image does: size and time of its file, or, in one word, a digest of its values.

        The fingerprint of a run's data takes what comes before the first space.
        """

    def image(self, name: str) -> File | Values:
        """Return one image."""


def survey(source: Source, name: str, as_0_1: bool = False) -> Header:
    """Return the header of one image. Raises DataError for one that is refused; all else means damaged."""
    found = source.image(name)
    if as_0_1 and not isinstance(found, np.ndarray):
        header = pillow.header(found)
        if header.width * header.height > _MOST_PIXELS_0_1:
            raise Image.DecompressionBombError
        return header
    return array_header(found) if isinstance(found, np.ndarray) else survey_image(found, name)


def values_of(source: Source, name: str, at_least: int) -> tuple[Values, Header]:
    """Return one image in its own values, (H, W, C), and its header. Raises as `survey`."""
    found = source.image(name)
    if isinstance(found, np.ndarray):
        return found, array_header(found)
    header = survey_image(found, name)
    return read_image(found, header, at_least), header


def pixels_of(source: Source, name: str, scaling: Scaling) -> Pixels:
    """Return one image's pixels, (C, S, S). Raises as `survey`."""
    return shaped_pixels_of(source, name, scaling)[0]


def shaped_pixels_of(source: Source, name: str, scaling: Scaling) -> tuple[Pixels, Shape]:
    """Return one image's pixels, (C, S, S), and its own shape, in proportion. Raises as `survey`."""
    found = source.image(name)
    if isinstance(found, np.ndarray):
        return to_pixels(found, array_header(found), scaling), (found.shape[0], found.shape[1])
    if scaling.direct:
        return decode_shaped(found, scaling.side, len(scaling.channels), whole=scaling.whole)
    return decode_file(found, survey_image(found, name), scaling)


def array_header(values: Values) -> Header:
    """Return the header of an image that is an array (H, W, C)."""
    height, width, channels = values.shape
    dtype = str(values.dtype)
    bits, plain = values.dtype.itemsize * 8, dtype == "uint8"
    return Header("array", width, height, channels, dtype, bits, plain=plain, colours=array_colours(dtype))


_MOST_PIXELS_0_1 = 178_956_970  # those that Pillow takes for an attack, and 0.1 for damaged
