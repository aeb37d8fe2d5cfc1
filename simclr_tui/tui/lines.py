"""Show lines of styled characters in a text of the dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from simclr_tui.display.heat_map import Line


def below(lines: Sequence[Line]) -> Text:
    """Return the lines after an empty one, to follow what is above; nothing if there are none."""
    text = Text("\n" if lines else "", no_wrap=True)
    for line in lines:
        text.append_text(Text.assemble(*[(words, style or "not bold") for words, style in line])).append("\n")
    return text
