"""The end of a log as a terminal would have shown it: carriage returns folded, nothing a terminal could act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from simclr_tui.regular_file import open_regular
from simclr_tui.text import safe

TAIL = 200_000  # bytes
LEFT_OUT = b" left out here: "  # of the line in place of what a log that grew too long has lost
_LONGEST = 4000  # characters of a line
_AT_ONCE = 4_000_000  # bytes read in one go; a line longer than this comes in pieces
_REMEMBERED = 1000  # bytes by which a shortened log is found to have been read before
# CSI (colours, cursor moves), OSC (titles, links) and two-character escapes: what a log viewer leaves out.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def tail_lines(path: Path, limit: int = TAIL) -> list[str]:
    """The lines in the last `limit` bytes of a log; empty when there is none. Raises OSError but for a missing file."""
    try:
        data = read_end(path, limit + 1)
    except FileNotFoundError:
        return []
    begin = data.find(b"\n") + 1 if len(data) > limit else 0
    return list(_folded(data[begin:] or data))  # one endless line has no other beginning


def read_end(path: Path, limit: int) -> bytes:
    """The last `limit` bytes of a file. Raises OSError."""
    with open_regular(path) as file:
        file.seek(max(0, file.seek(0, 2) - limit))
        return file.read(limit)


class LogFollower:
    """Reads a log as it grows, from `begin` on. Where it was shortened meanwhile, it goes on behind what was read last,
    or, if that was left out, with the line that says so."""

    def __init__(self, path: Path, begin: int = 0) -> None:
        self._path, self._offset = path, begin
        self._last = b""

    def poll(self, ended: bool = False) -> Iterator[str]:
        """The whole lines written since the last time; with `ended`, also one that has no end. Raises OSError."""
        with open_regular(self._path) as file:
            if not self._is_the_same(file):
                self._find_again(file)
            file.seek(self._offset)
            while data := file.read(_AT_ONCE):
                whole = data.rfind(b"\n") + 1 or (len(data) if ended or len(data) == _AT_ONCE else 0)
                if not whole:
                    return
                yield from _folded(data[:whole])
                self._offset += whole
                self._last = (self._last + data[:whole])[-_REMEMBERED:]
                file.seek(self._offset)

    def _is_the_same(self, file: BinaryIO) -> bool:
        file.seek(self._offset - len(self._last))
        return file.read(len(self._last)) == self._last and file.seek(0, 2) >= self._offset

    def _find_again(self, file: BinaryIO) -> None:
        file.seek(0)
        data = file.read()
        at = data.rfind(self._last) if self._last else -1
        self._offset = at + len(self._last) if at >= 0 else data.rfind(b"\n", 0, data.find(LEFT_OUT) + 1) + 1
        self._last = self._last if at >= 0 else b""


def _folded(data: bytes) -> Iterator[str]:
    if data:
        yield from map(fold, data.decode("utf-8", errors="replace").removesuffix("\n").split("\n"))


def fold(line: str) -> str:
    """What is left on screen of one line: after `\\r` it is written anew, escape sequences do nothing."""
    parts = [part for part in line.split("\r") if part]
    return safe(_ESCAPES.sub("", parts[-1] if parts else ""))[:_LONGEST]
