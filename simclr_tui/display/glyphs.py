"""Glyphs that stand beside the word for a run's state, in UTF-8 and in ASCII."""

from __future__ import annotations

import os
from functools import cache

from simclr_tui.store.state import STATES

_UNICODE: dict[str, str] = dict(zip(STATES, "●◐◌✓■✗?", strict=True))
_ASCII: dict[str, str] = dict(zip(STATES, "*+o.=x?", strict=True))
GLYPHS = frozenset([*_UNICODE.values(), *_ASCII.values()])
"""Every glyph that a state may be drawn with."""


@cache
def draws_unicode() -> bool:
    """Return whether the locale is UTF-8; an unset locale, as in most containers, counts as UTF-8."""
    ctype = os.environ.get("LC_CTYPE", "")
    if ctype == "C.UTF-8":  # set by Python itself when LANG=C
        ctype = ""
    named = os.environ.get("LC_ALL") or ctype or os.environ.get("LANG", "")
    return not named or "utf" in named.lower()


def state_glyph(state: str) -> str:
    """Return the glyph of a state; its word always stands beside it."""
    return (_UNICODE if draws_unicode() else _ASCII).get(state, "?")
