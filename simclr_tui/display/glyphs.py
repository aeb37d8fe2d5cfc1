"""How each state of a run is drawn, in both faces: its glyph beside its word, and its colour."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from simclr_tui.store.state import StateName


@dataclass(frozen=True)
class StateStyle:
    """Hold a state's glyph in UTF-8 and in ASCII, its colour on the command line, and the dashboard theme's name
    for it."""

    unicode: str
    ascii: str
    colour: str
    theme: str


_STYLES: dict[StateName, StateStyle] = {
    "running": StateStyle("●", "*", "green", "running"),
    "starting": StateStyle("◐", "+", "green", "running"),
    "queued": StateStyle("◌", "o", "", "quiet"),
    "finished": StateStyle("✓", ".", "", "finished"),
    "stopped": StateStyle("■", "=", "yellow", "quiet"),
    "failed": StateStyle("✗", "x", "red", "failed"),
    "lost": StateStyle("?", "?", "red", "failed"),
}
_UNKNOWN = StateStyle("?", "?", "", "quiet")
GLYPHS = frozenset(glyph for style in _STYLES.values() for glyph in (style.unicode, style.ascii))
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
    style = state_style(state)
    return style.unicode if draws_unicode() else style.ascii


def state_cell(state: str, flags: Sequence[str] = ()) -> str:
    """Return `● running` or `● running (stalled)`: glyph and word, never colour alone."""
    extra = f" ({', '.join(flags)})" if flags else ""
    return f"{state_glyph(state)} {state}{extra}"


def state_style(state: str) -> StateStyle:
    """Return how a state is drawn; a state that this version does not know is a question mark."""
    return _STYLES.get(state, _UNKNOWN)  # type: ignore[call-overload, no-any-return]
