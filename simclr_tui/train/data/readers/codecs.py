"""Read what imagecodecs reads to its true values: colour PNG of 16 bits, JPEG of 12, JPEG 2000 and AVIF."""

from __future__ import annotations

from typing import Any

import numpy as np

from simclr_tui.recipe.file_content import head_of, image_kind
from simclr_tui.recipe.image_headers import Header
from simclr_tui.train.data.readers.protocol import File, Values

_DECODERS = {"PNG": "png_decode", "JPEG": "jpeg_decode", "JPEG 2000": "jpeg2k_decode", "AVIF": "avif_decode"}


def header(file: File) -> Header:
    """Return what the file holds, for a header that `image_headers` does not know: only its decoder can tell."""
    kind = image_kind(head_of(file))
    height, width, channels = (found := _decoded(file, kind)).shape
    alpha = kind == "AVIF" and channels in (2, 4)
    bits = 8 * found.dtype.itemsize
    return Header(kind, width, height, channels, str(found.dtype), bits, alpha, plain=bits == 8)


def values(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C); an alpha channel is the last."""
    return _decoded(file, header.kind)


def _decoded(file: File, kind: str) -> Values:
    import imagecodecs

    decode: Any = getattr(imagecodecs, _DECODERS[kind])
    found = np.asarray(decode(file if isinstance(file, bytes) else file.read_bytes()))
    return found[..., None] if found.ndim == 2 else found
