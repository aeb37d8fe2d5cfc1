"""Decide by size whether a data set is decoded once and kept, or image by image on demand."""

from __future__ import annotations

import os

from simclr_tui.limits import usable_memory

_SHARE = 0.5  # of the memory that this process may use, for the pages of a mapped file that training reads in no order


def fits(images: int, image_bytes: int) -> bool:
    """Return whether so many decoded images, of so many bytes each, fit into memory, or into $SIMCLR_DECODED (GB)."""
    return images * image_bytes <= _room()


def _room() -> float:
    given = os.environ.get("SIMCLR_DECODED", "")
    try:
        return float(given) * 1e9
    except ValueError:
        return _SHARE * usable_memory().total
