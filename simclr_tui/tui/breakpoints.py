"""Widths at which the layout changes, and whether the terminal's background is light."""

from __future__ import annotations

import os

# Below a hundred columns one pane is shown at a time; below 20 × 5, a sentence.
WIDTHS = [(0, "-tiny"), (20, "-narrow"), (100, "-wide")]
HEIGHTS = [(0, "-flat"), (5, "-short"), (16, "-tall")]


def has_light_ground() -> bool:
    """Return True if the terminal reports a light background, as many do in COLORFGBG (`0;15`)."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
