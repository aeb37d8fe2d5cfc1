"""How things look everywhere: the glyph and word of a state, the colour of a run, what the terminal can draw."""

from __future__ import annotations

import os
import re
import zlib
from functools import cache

from simclr_tui.store.state import STATES

_GLYPHS: dict[str, str] = dict(zip(STATES, "●◐◌✓■✗?", strict=True))
_PLAIN_GLYPHS: dict[str, str] = dict(zip(STATES, "*+o.=x?", strict=True))

# Below a hundred columns one pane is shown at a time; below 20 × 5, a sentence.
WIDTHS = [(0, "-tiny"), (20, "-narrow"), (100, "-wide")]
HEIGHTS = [(0, "-flat"), (5, "-short"), (16, "-tall")]

# Neighbours are far apart, and each has contrast on a dark and on a light ground.
_COLOURS = (
    "#3b8eea", "#e5883b", "#2fa866", "#d6568f", "#9b6bdf", "#b8962a", "#1fa3ad", "#d9534f", "#6f9440", "#8a7f8f",
)  # fmt: skip
_NUMBER = re.compile(r"\d+")


@cache
def draws_unicode() -> bool:
    """Whether the locale is UTF-8. One that says nothing is taken for it, as in most containers."""
    ctype = os.environ.get("LC_CTYPE", "")
    if ctype == "C.UTF-8":  # Python's own doing where LANG=C
        ctype = ""
    named = os.environ.get("LC_ALL") or ctype or os.environ.get("LANG", "")
    return not named or "utf" in named.lower()


def has_light_ground() -> bool:
    """Whether the terminal says that its ground is light, as many do in COLORFGBG (`0;15`)."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")


def state_glyph(state: str) -> str:
    """The sign of a state; its word always stands beside it."""
    return (_GLYPHS if draws_unicode() else _PLAIN_GLYPHS).get(state, "?")


def run_colour(name: str) -> str:
    """The colour of a run, the same everywhere and every time; runs numbered in a row differ."""
    numbers = _NUMBER.findall(name)
    seed = int(numbers[-1][-9:]) if numbers else zlib.crc32(name.encode("utf-8", "replace"))
    return _COLOURS[seed % len(_COLOURS)]
