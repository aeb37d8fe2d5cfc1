"""Give each run its colour, the same in every listing and chart."""

from __future__ import annotations

import colorsys
import itertools
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from functools import cache

COLOURS = (
    "#3b8eea", "#e5883b", "#2fa866", "#d6568f", "#9b6bdf", "#b8962a", "#1fa3ad", "#d9534f", "#6f9440", "#8a7f8f",
)  # fmt: skip
"""Colours that are told apart, neighbours most of all, on a dark ground."""
DARK_GROUND, LIGHT_GROUND = "#121212", "#e0e0e0"
_CONTRAST = 4.5  # of text with its ground, at least (WCAG 2.2, 1.4.3)
_STEP = 0.02  # of lightness, 0–1
_NEAR = 0.15  # distance in RGB, 0–1, below which two colours are taken for one another
_GENERATED = 200  # colours beyond the first ones that are known to be those of runs
_NUMBER = re.compile(r"\d+")


def run_colour(name: str) -> str:
    """Return a run's colour, always the same for one name; consecutively numbered runs differ."""
    numbers = _NUMBER.findall(name)
    seed = int(numbers[-1][-9:]) if numbers else zlib.crc32(name.encode("utf-8", "replace"))
    return COLOURS[seed % len(COLOURS)]


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """Return a colour of its own for each of the names that are shown together, however many; each keeps the colour
    that it has alone unless one before it has that already."""
    found: dict[str, str] = {}
    for name in names:
        taken = set(found.values())
        candidates = itertools.chain([run_colour(name)], COLOURS, _more())
        found[name] = next(colour for colour in candidates if colour not in taken)
    return found


def _more() -> Iterator[str]:
    """Yield further colours without end: hues by the golden angle, lighter and darker in turn.

    All are legible on a dark ground, and none looks like one of the first.
    """
    for index in itertools.count():
        hue = (0.07 + index * 0.618034) % 1
        red, green, blue = colorsys.hls_to_rgb(hue, (0.52, 0.62, 0.44)[index % 3], 0.55)
        colour = legible(_hex(red, green, blue), DARK_GROUND)
        if min(math.dist(_shares(colour), _shares(one)) for one in COLOURS) > _NEAR:
            yield colour


def legible(colour: str, ground: str) -> str:
    """Return a colour (#rrggbb) of the same hue, as much lighter or darker as it must be to be read on a ground."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_shares(colour))
    step = _STEP if _luminance(ground) < _luminance("#808080") else -_STEP
    while contrast(colour, ground) < _CONTRAST and 0 <= lightness + step <= 1:
        lightness += step
        colour = _hex(*colorsys.hls_to_rgb(hue, lightness, saturation))
    return colour


@cache
def on_light() -> dict[str, str]:
    """Return the variant for a light ground of every colour that runs and classes have."""
    return {
        colour: legible(colour, LIGHT_GROUND)
        for colour in itertools.chain(COLOURS, itertools.islice(_more(), _GENERATED))
    }


def contrast(colour: str, ground: str) -> float:
    """Return the contrast of two colours (#rrggbb), 1–21, as WCAG 2.2 defines it."""
    lower, higher = sorted((_luminance(colour), _luminance(ground)))
    return (higher + 0.05) / (lower + 0.05)


def _luminance(colour: str) -> float:
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in _shares(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _shares(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(red: float, green: float, blue: float) -> str:
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
