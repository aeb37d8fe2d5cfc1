"""An image as it passes between processes."""

from __future__ import annotations

import msgspec


class Picture(msgspec.Struct, frozen=True):
    """Pixels of one image; `rgb` holds 3 bytes a pixel, row by row."""

    width: int
    height: int
    rgb: bytes
