"""The sign that stands for a state beside its word, in UTF-8 and in ASCII."""

from __future__ import annotations

import os
from functools import cache

from simclr_tui.store.state import STATES

_UNICODE: dict[str, str] = dict(zip(STATES, "●◐◌✓■✗?", strict=True))
_ASCII: dict[str, str] = dict(zip(STATES, "*+o.=x?", strict=True))
GLYPHS = frozenset([*_UNICODE.values(), *_ASCII.values()])
"""Every sign that a state may be drawn with."""


@cache
def draws_unicode() -> bool:
    """Whether the locale is UTF-8. One that says nothing is taken for it, as in most containers."""
    ctype = os.environ.get("LC_CTYPE", "")
    if ctype == "C.UTF-8":  # Python's own doing where LANG=C
        ctype = ""
    named = os.environ.get("LC_ALL") or ctype or os.environ.get("LANG", "")
    return not named or "utf" in named.lower()


def state_glyph(state: str) -> str:
    """The sign of a state; its word always stands beside it."""
    return (_UNICODE if draws_unicode() else _ASCII).get(state, "?")
