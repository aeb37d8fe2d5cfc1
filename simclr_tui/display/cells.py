"""Count the terminal cells that text takes: two for a wide character, none for a mark above another."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


def width_of(text: str) -> int:
    """Return how many terminal cells the text takes."""
    return len(text) if text.isascii() else _unusual(text)


def cells_of(char: str) -> int:
    """Return how many terminal cells one character takes."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@lru_cache(maxsize=4096)
def _unusual(text: str) -> int:
    return sum(map(cells_of, text))
