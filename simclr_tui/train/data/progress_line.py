"""Show progress on one line of a terminal, or a line every tenth where stderr is a file."""

from __future__ import annotations

import sys

_WIDTH = 24  # characters of the bar


class ProgressLine:
    """Call it with (what, done, total)."""

    def __init__(self) -> None:
        self.what, self.tenth = "", -1

    def __call__(self, what: str, done: int, total: int) -> None:
        share = done / total if total else 0.0
        if sys.stderr.isatty():
            bar = "█" * round(share * _WIDTH)
            end = "\n" if done >= total > 0 else ""
            print(f"\r{what}: {bar:░<{_WIDTH}} {share:4.0%}", end=end, file=sys.stderr, flush=True)
        elif (what, int(share * 10)) != (self.what, self.tenth):
            print(f"{what}: {share:.0%}", file=sys.stderr, flush=True)
        self.what, self.tenth = what, int(share * 10)
