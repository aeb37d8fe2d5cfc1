"""Read HEIC images by pillow-heif, at their own depth of 8, 10 or 12 bits."""

from __future__ import annotations

import numpy as np

from simclr_tui.recipe.image_headers import Header
from simclr_tui.train.data.readers.protocol import File, Values, opened


def header(file: File) -> Header:
    """Return what the file's own library says that it holds."""
    import pillow_heif

    with opened(file) as stream:
        image = pillow_heif.open_heif(stream, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        bits = int(image.info.get("bit_depth", 8))
        channels = len(image.getbands()) if hasattr(image, "getbands") else (4 if image.has_alpha else 3)
        width, height = image.size
        dtype = "uint16" if bits > 8 else "uint8"
        return Header("HEIC", width, height, channels, dtype, bits, bool(image.has_alpha), plain=bits == 8)


def values(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C), upright; an alpha channel is the last."""
    import pillow_heif

    with opened(file) as stream:
        image = pillow_heif.open_heif(stream, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        found = np.asarray(image)
    return found[..., None] if found.ndim == 2 else found
