"""Give each run its colour, the same in every listing and chart."""

from __future__ import annotations

import re
import zlib

# Neighbours are far apart, and each contrasts with dark and light backgrounds.
_COLOURS = (
    "#3b8eea", "#e5883b", "#2fa866", "#d6568f", "#9b6bdf", "#b8962a", "#1fa3ad", "#d9534f", "#6f9440", "#8a7f8f",
)  # fmt: skip
_NUMBER = re.compile(r"\d+")


def run_colour(name: str) -> str:
    """Return a run's colour, always the same for one name; consecutively numbered runs differ."""
    numbers = _NUMBER.findall(name)
    seed = int(numbers[-1][-9:]) if numbers else zlib.crc32(name.encode("utf-8", "replace"))
    return _COLOURS[seed % len(_COLOURS)]
