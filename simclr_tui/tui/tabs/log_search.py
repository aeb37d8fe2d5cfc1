"""Find places in a log: the lines that contain a word, the line printed at a step."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

_STEP = re.compile(r"\bstep (\d[\d,]{0,18})")


@dataclass(frozen=True)
class Matches:
    """Find the lines that contain `words`, ignoring case."""

    words: str
    lines: tuple[int, ...]

    def within(self, texts: Sequence[str]) -> Matches:
        """Return the matches of the same words in another log."""
        wanted = self.words.lower()
        return replace(
            self, lines=tuple(index for index, text in enumerate(texts) if wanted and wanted in text.lower())
        )

    def next_to(self, here: int | None, by: int) -> int | None:
        """Return the match after a line (before it, if `by` is negative), wrapping around; None where there is none."""
        if not self.lines:
            return None
        if here is None:
            return self.lines[0 if by > 0 else -1]
        after = bisect_right(self.lines, here) if by > 0 else bisect_left(self.lines, here) - 1
        return self.lines[after % len(self.lines)]

    def words_at(self, here: int | None) -> str:
        """Return the position among the matches: `3 of 17 with 'kNN': , and . go on`."""
        if not self.lines:
            return f"no line with {self.words!r}"
        place = f"{self.lines.index(here) + 1} of " if here in self.lines else ""
        return f"{place}{len(self.lines):,} with {self.words!r}: , and . go on"


def line_of_step(texts: Sequence[str], step: int) -> int | None:
    """Return the first line of the last step at or before `step`, else the first line that names a step."""
    best: tuple[int, int] | None = None
    first: int | None = None
    for index, text in enumerate(texts):
        found = _STEP.search(text)
        if found is None:
            continue
        named = int(found[1].replace(",", ""))
        first = index if first is None else first
        if named <= step and (best is None or named > best[0]):
            best = named, index
    return best[1] if best is not None else first
