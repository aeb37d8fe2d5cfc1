"""What may name a run, and in which order names stand."""

from __future__ import annotations

import re

from simclr_tui.errors import StoreError
from simclr_tui.text import safe

NAME = re.compile(r"[^\W_][\w.+=-]{0,99}")
_COUNTED, _DIGITS = re.compile(r"(\D*)([0-9]+)"), re.compile(r"(\d+)")
_LONGEST = 200  # bytes: with the time of removal behind it, still a file name everywhere


def check_name(name: str) -> str:
    """Return `name` if it can name a run. Raises StoreError: letters, digits and . _ - + = only, up to 100."""
    if not NAME.fullmatch(name) or name.endswith((".tmp", ".db")) or len(name.encode()) > _LONGEST:
        raise StoreError(
            f"{safe(name)[:60]!r} cannot name a run",
            "use a letter or digit, then up to 99 of letters, digits and . _ - + =",
        )
    return name


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts run2 before run10."""
    if match := _COUNTED.fullmatch(name):  # what nearly all names are
        return [(0, 0, match[1]), (1, int(match[2]), ""), (0, 0, "")]
    parts = _DIGITS.split(name)
    return [(1, int(part), "") if part.isdigit() and part.isascii() else (0, 0, part) for part in parts]
