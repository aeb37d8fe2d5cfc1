"""Progress of an evaluation: one line rewritten on a terminal, a line per quarter elsewhere."""

from __future__ import annotations

import os
import sys


class ProgressLine:
    """Write progress (what, done, total) to stderr.

    Raises KeyboardInterrupt once the parent process is gone.
    """

    def __init__(self) -> None:
        self._what, self._quarter, self._width = "", -1, 0
        self._parent = os.getppid()

    def __call__(self, what: str, done: int, total: int) -> None:
        if os.getppid() != self._parent:
            raise KeyboardInterrupt
        share = done / total if total else 0.0
        shown = f"{what} {share:4.0%}" if total else what
        if sys.stderr.isatty():
            print(f"\r{shown.ljust(self._width)}", end="", file=sys.stderr, flush=True)
            self._width = len(shown)
        elif (what, int(share * 4)) != (self._what, self._quarter):
            print(shown, file=sys.stderr, flush=True)
        self._what, self._quarter = what, int(share * 4)

    def clear(self) -> None:
        """Clear the line so that other output can follow."""
        if self._width:
            print(f"\r{' ' * self._width}\r", end="", file=sys.stderr, flush=True)
            self._width = 0
