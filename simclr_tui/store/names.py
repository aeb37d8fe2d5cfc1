"""Valid names of runs, and the order in which they are listed."""

from __future__ import annotations

import re

from simclr_tui.errors import StoreError
from simclr_tui.text import safe

NAME = re.compile(r"[^\W_][\w.+=-]{0,99}")
_NUMBERED, _DIGITS = re.compile(r"(\D*)([0-9]+)"), re.compile(r"(\d+)")
_MAX_BYTES = 200  # with the time of removal appended, still a valid file name on every file system


def check_name(name: str) -> str:
    """Return `name` if it is valid: up to 100 letters, digits and . _ - + =. Raises StoreError."""
    if not NAME.fullmatch(name) or name.endswith((".tmp", ".db")) or len(name.encode()) > _MAX_BYTES:
        raise StoreError(
            f"{safe(name)[:60]!r} cannot name a run",
            "start with a letter or digit, then use up to 99 letters, digits and . _ - + =",
        )
    return name


def misnamed_sentence(names: list[str]) -> str:
    """Return what to say of folders that hold runs under such names."""
    shown = ", ".join(repr(safe(name)[:60]) for name in names[:3]) + (" …" if len(names) > 3 else "")
    what = (
        "a folder holds a run that is not listed, since its name cannot be a run's"
        if len(names) == 1
        else f"{len(names)} folders hold runs that are not listed, since their names cannot be runs'"
    )
    return f"{what}: {shown}; rename with mv, to letters, digits and . _ - + ="


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts run2 before run10."""
    if match := _NUMBERED.fullmatch(name):  # a fast path for nearly all names
        return [(0, 0, match[1]), (1, int(match[2]), ""), (0, 0, "")]
    parts = _DIGITS.split(name)
    return [(1, int(part), "") if part.isdigit() and part.isascii() else (0, 0, part) for part in parts]
