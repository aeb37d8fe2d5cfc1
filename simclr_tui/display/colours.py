"""Give each run its colour, the same in every listing and chart."""

from __future__ import annotations

import colorsys
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence

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


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """Return a colour of its own for each of the names that are shown together, however many; each keeps the colour
    that it has alone unless one before it has that already."""
    found: dict[str, str] = {}
    for name in names:
        taken = set(found.values())
        candidates = itertools.chain([run_colour(name)], _COLOURS, _more())
        found[name] = next(colour for colour in candidates if colour not in taken)
    return found


def _more() -> Iterator[str]:
    """Yield further colours without end: hues by the golden angle, lighter and darker in turn."""
    for index in itertools.count():
        hue = (0.07 + index * 0.618034) % 1
        red, green, blue = colorsys.hls_to_rgb(hue, (0.52, 0.62, 0.44)[index % 3], 0.55)
        yield f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
