"""Read what imagecodecs reads to its true values: colour PNG of 16 bits, JPEG of 12, JPEG 2000 and AVIF."""

from __future__ import annotations

from typing import Any

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.recipe.image_headers import Header
from simclr_tui.train.data.readers.protocol import File, Values

_DECODERS = {"PNG": "png_decode", "JPEG": "jpeg_decode", "JPEG 2000": "jpeg2k_decode", "AVIF": "avif_decode"}


def header(file: File) -> Header:
    """Raise DataError: a header that `image_headers` does not understand is refused."""
    raise DataError("an image whose header cannot be understood", "convert it to TIFF or PNG")


def values(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C); an alpha channel is the last."""
    import imagecodecs

    decode: Any = getattr(imagecodecs, _DECODERS[header.kind])
    found = np.asarray(decode(file if isinstance(file, bytes) else file.read_bytes()))
    return found[..., None] if found.ndim == 2 else found
