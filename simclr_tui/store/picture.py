"""The form in which an image passes between processes."""

from __future__ import annotations

import msgspec


class Picture(msgspec.Struct, frozen=True):
    """Hold the pixels of one image; `rgb` has 3 bytes per pixel, row by row."""

    width: int
    height: int
    rgb: bytes
