"""The end of a log as a terminal would have shown it: carriage returns folded, nothing a terminal could act on."""

from __future__ import annotations

import re
from pathlib import Path

from simclr_tui.text import safe

TAIL = 200_000  # bytes
_LONGEST = 4000  # characters of a line
# CSI (colours, cursor moves), OSC (titles, links) and two-character escapes: what a log viewer leaves out.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def tail_lines(path: Path, limit: int = TAIL) -> list[str]:
    """The lines in the last `limit` bytes of a log; empty when there is none. Raises OSError but for a missing file."""
    try:
        with path.open("rb") as file:
            length = file.seek(0, 2)
            file.seek(max(0, length - limit))
            data = file.read(limit)
    except FileNotFoundError:
        return []
    lines = data.decode("utf-8", errors="replace").split("\n")
    if length > limit:
        lines = lines[1:] or lines
    if lines and not lines[-1]:
        lines.pop()
    return [fold(line) for line in lines]


def fold(line: str) -> str:
    """What is left on screen of one line: after `\\r` it is written anew, escape sequences do nothing."""
    parts = [part for part in line.split("\r") if part]
    return safe(_ESCAPES.sub("", parts[-1] if parts else ""))[:_LONGEST]
