"""A text input that makes control characters visible, whether pasted or typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.suggester import Suggester
from textual.widgets import Input

from simclr_tui.text import safe

Complete = Callable[[str], Sequence[str]]
"""Return the completions of a text, the likeliest first."""


class Entry(Input):
    """Take a line of text in a compact input; the first completion is shown dim after the cursor, and the right
    arrow takes it."""

    def __init__(self, placeholder: str = "", id: str | None = None, complete: Complete | None = None) -> None:
        suggester = None if complete is None else _Completion(complete)
        super().__init__(placeholder=placeholder, id=id, compact=True, suggester=suggester)

    def validate_value(self, value: str) -> str:
        return safe(value)


class _Completion(Suggester):
    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        found = self._complete(value)
        return found[0] if found and found[0].startswith(value) and value else None
