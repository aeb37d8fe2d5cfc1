"""Decode one image file to square RGB pixels, whatever its format, mode or orientation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from simclr_tui.train.data.pixels import Pixels

# The formats of `IMAGE_SUFFIXES` and no others: a file's name does not decide what parser its content reaches.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")


def shorter_side(path: Path) -> int:
    """Pixels of the shorter side, from the header alone. Raises what PIL raises for a file it cannot read."""
    with Image.open(path, formats=_FORMATS) as image:
        return min(image.size)


def decode(path: Path, side: int) -> Pixels:
    """The image's central square at `side` px, (3, side, side); bicubic, antialiased. Raises what PIL raises.

    Orientation is taken from EXIF; transparency is laid over white; of an animation the first frame is taken.
    """
    with Image.open(path, formats=_FORMATS) as image:
        if min(image.size) >= 4 * side:
            # A JPEG is decoded at an eighth to a half of its size where that still leaves twice what is needed.
            image.draft(None, (2 * side, 2 * side))
        upright = ImageOps.exif_transpose(image)
        square = _square(_rgb(upright), side)
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits per pixel, which `convert` would clip at 255
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _square(image: Image.Image, side: int) -> Image.Image:
    shorter = min(image.size)
    left, top = (image.width - shorter) // 2, (image.height - shorter) // 2
    box = (left, top, left + shorter, top + shorter)
    if shorter == side:
        return image.crop(box)
    return image.resize((side, side), Image.Resampling.BICUBIC, box=box)
