"""A line to type into that holds text alone: what a terminal could act on is made visible, pasted or typed."""

from __future__ import annotations

from textual.widgets import Input

from simclr_tui.text import safe


class Entry(Input):
    """Compact, one line."""

    def __init__(self, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True)

    def validate_value(self, value: str) -> str:
        return safe(value)
