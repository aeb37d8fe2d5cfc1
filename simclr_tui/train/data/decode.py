"""Decode one image file to square pixels."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from simclr_tui.recipe.image_headers import Header
from simclr_tui.train.data.pixels import Pixels, Shape
from simclr_tui.train.data.readers.pillow import FORMATS, has_alpha
from simclr_tui.train.data.readers.protocol import File
from simclr_tui.train.data.readers.read import read_image
from simclr_tui.train.data.scaling import Scaling, to_pixels, to_side


def decode_file(file: File, header: Header, scaling: Scaling) -> tuple[Pixels, Shape]:
    """Return an image's pixels, (C, side, side), and its own shape upright, in proportion.

    Raises DataError where it is refused; all else means damaged.
    """
    has = header.channels - header.alpha
    if scaling.plain and pillow_reads(header) and pillow_picks(scaling.channels, has):
        return decode_shaped(file, scaling.side, len(scaling.channels), whole=scaling.whole)
    values = read_image(file, header, 2 * scaling.side)
    return to_pixels(values, header, scaling), (values.shape[0], values.shape[1])


def pillow_reads(header: Header) -> bool:
    """Return whether Pillow reads such an image to its true values of 8 bits."""
    return header.plain and header.kind in _PLAIN_KINDS


def pillow_picks(channels: tuple[int, ...], has: int) -> bool:
    """Return whether these channels of an image that `has` so many are Pillow's RGB or grey of it.

    The first channel of one in colour is its red, and Pillow's grey all three of them.
    """
    return channels == (0, 1, 2) or (channels == (0,) and has == 1)


_PLAIN_KINDS = ("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "Netpbm")


def decode(file: File, side: int, channels: int = 3) -> Pixels:
    """Return the central square of 8-bit grey or colour at `side` px, (channels, side, side); see `decode_shaped`."""
    return decode_shaped(file, side, channels)[0]


def decode_shaped(file: File, side: int, channels: int = 3, *, whole: bool = False) -> tuple[Pixels, Shape]:
    """Return 8-bit grey or colour at `side` px, (channels, side, side), and the image's own shape, in proportion.

    Bicubic, antialiased; the central square, or the `whole` image squeezed into it. Orientation is
    taken from EXIF; transparency is laid over white; of an animation the first frame is taken.
    Raises what PIL raises.
    """
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS) as image:
        if min(image.size) >= 4 * side:
            # A JPEG is decoded at an eighth to a half of its size where that still leaves twice what is needed.
            image.draft(None, (2 * side, 2 * side))
        upright = ImageOps.exif_transpose(image)
        cut = np.asarray(to_side(_rgb(upright) if channels == 3 else _grey(upright), side, whole))
        shape = (upright.height, upright.width)
    return (np.ascontiguousarray(cut.transpose(2, 0, 1)) if channels == 3 else cut[None]), shape


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits per pixel, which `convert` would clip at 255; version 0.1 took these
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if has_alpha(image):
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _grey(image: Image.Image) -> Image.Image:
    return _rgb(image).convert("L") if has_alpha(image) or image.mode not in ("1", "L") else image.convert("L")
