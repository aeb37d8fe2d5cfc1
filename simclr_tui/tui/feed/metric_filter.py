"""Filter metrics by words that their name or title contains, with * and ?; a minus negates a word."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from simclr_tui.tui.feed.metric_view import view_of


def matching(names: Iterable[str], pattern: str) -> tuple[str, ...]:
    """Return the names that match any word (all, without words), less those that match a word with a minus."""
    words = pattern.lower().split()
    wanted = [word for word in words if not word.startswith("-")]
    unwanted = [word[1:] for word in words if word.startswith("-") and len(word) > 1]
    return tuple(
        name
        for name in names
        if (not wanted or any(_matches(name, word) for word in wanted))
        and not any(_matches(name, word) for word in unwanted)
    )


def _matches(name: str, word: str) -> bool:
    shown = (name.lower(), view_of(name).heading.lower())
    if "*" in word or "?" in word:
        return any(fnmatchcase(text, word) for text in shown)
    return any(word in text for text in shown)
