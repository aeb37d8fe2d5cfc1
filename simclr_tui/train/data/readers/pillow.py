"""Read what Pillow reads to its true values: 8 bits of grey or colour, 16 bits of grey."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from simclr_tui.recipe.image_headers import Header
from simclr_tui.train.data.readers.protocol import File, Values, opened

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""The formats read here and no others: a file's name does not decide what parser its content reaches."""

Image.MAX_IMAGE_PIXELS = None  # ours is MOST_PIXELS, of the header, before anything is decoded

_DTYPES = {"I;16": "uint16", "I;16B": "uint16", "I;16L": "uint16", "I": "int32", "F": "float32"}


def header(file: File) -> Header:
    """Return what the file holds, for the headers that `image_headers` does not know."""
    with opened(file) as stream, Image.open(stream, formats=FORMATS) as image:
        kind = {"PPM": "Netpbm", "WEBP": "WebP"}.get(image.format or "", image.format or "image")
        channels = 1 if image.mode in ("1", "L", *_DTYPES) else 3
        dtype = _DTYPES.get(image.mode, "uint8")
        alpha = has_alpha(image)
        return Header(kind, *image.size, channels + alpha, dtype, alpha=alpha, plain=dtype == "uint8")


def values(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C); an alpha channel is the last."""
    with opened(file) as stream, Image.open(stream, formats=FORMATS) as image:
        if min(image.size) >= 2 * at_least:
            image.draft(None, (at_least, at_least))
        upright = ImageOps.exif_transpose(image)
        found = np.asarray(upright if upright.mode in _DTYPES else upright.convert(_mode(upright)))
        white_is_lowest = isinstance(image, TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0
        if white_is_lowest and image.mode in _DTYPES:
            found = -found if found.dtype.kind == "f" else ~found  # the lowest means white, which Pillow leaves so
    return found[..., None] if found.ndim == 2 else found


def _mode(image: Image.Image) -> str:
    grey = image.mode in ("1", "L", "LA", "La")
    return ("LA" if grey else "RGBA") if has_alpha(image) else ("L" if grey else "RGB")


TURNABLE = ("JPEG", "PNG", "WebP", "TIFF")
"""Kinds of files whose metadata may turn their image."""
_ORIENTATION = 274  # EXIF's, and TIFF's
_PHOTOMETRIC = 262  # of TIFF


def lies_on_its_side(file: File) -> bool:
    """Return whether the metadata turns the image by a quarter; False where Pillow does not know the file."""
    try:
        with opened(file) as stream, Image.open(stream, formats=FORMATS) as image:
            turned: int = image.getexif().get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError):
        return False
    return turned in (5, 6, 7, 8)


def has_alpha(image: Image.Image) -> bool:
    """Return whether some of the image may be transparent."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
